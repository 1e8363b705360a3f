"""Files of safetensors, byte for byte as the library writes them, and without its memory."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
from safetensors.numpy import load, save

from mlp.common.tensor_file import write_tensors

DTYPES = ("bool", "u1", "i1", "i2", "u2", "f2", "i4", "u4", "f4", "f8", "i8", "u8")
ONE = {"λ.W": np.arange(6, dtype="f4").reshape(2, 3)}


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        ONE,
        {f"{letter}.{dtype}": np.ones((3, 1), dtype) for dtype in DTYPES for letter in "ba"},
        {"scalar": np.array(7.0), "empty": np.zeros((0, 4), "i4"), "wide": np.ones(2, ">f4")},
        {"turned": np.arange(6.0).reshape(2, 3).T, "sliced": np.arange(9, dtype="i8")[::2]},
    ],
    ids=["none", "one", "every dtype", "odd shapes", "views"],
)
@pytest.mark.parametrize("text", ["", '{"a": "\\u03bb\\n", "b": [1, "\\"/\\\\"]}', "λ\x7f\x01\t🖊"])
def test_the_bytes_are_the_library_s(tensors: dict[str, np.ndarray], text: str) -> None:
    file = io.BytesIO()
    write_tensors(file, tensors, {"mlp": text})
    plain = {  # the library takes neither views nor other byte orders
        name: np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("=")).reshape(tensor.shape)
        for name, tensor in tensors.items()
    }
    assert file.getvalue() == save(plain, {"mlp": text})
    assert all(np.array_equal(load(file.getvalue())[name], plain[name]) for name in plain)


def test_no_array_is_copied() -> None:
    large = {"large": np.zeros((1 << 20, 4), np.float32)}

    class Nowhere(io.RawIOBase):
        def write(self, data: object) -> int:
            return len(data)  # type: ignore[arg-type]

    tracemalloc.start()
    write_tensors(Nowhere(), large, {})  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 16
