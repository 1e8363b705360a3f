"""Writing files of safetensors from the arrays themselves, without a copy of them in memory.

The library's own `save` makes the whole file in memory first, and where there is no room for that
it ends in a panic of Rust, which is no `MemoryError`. The bytes are the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_NAMES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "int16": "I16", "uint16": "U16", "float16": "F16",
    "int32": "I32", "uint32": "U32", "float32": "F32", "float64": "F64", "int64": "I64",
    "uint64": "U64",
}  # fmt: skip
_RANKS = {name: rank for rank, name in enumerate(_NAMES)}


def write_tensors(
    file: IO[bytes], tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]
) -> None:
    """Write eight bytes of length, a header in JSON, and the arrays, the widest dtype first.

    Args:
        file: where to.
        tensors: arrays by their names, of NumPy's numbers or bools.
        metadata: texts by their names.

    Raises:
        OSError: if it cannot be written.
    """
    ordered = sorted(tensors.items(), key=lambda item: (-_RANKS[item[1].dtype.name], item[0]))
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    place = 0
    for name, tensor in ordered:
        header[name] = {
            "dtype": _NAMES[tensor.dtype.name],
            "shape": list(tensor.shape),
            "data_offsets": [place, place + tensor.nbytes],
        }
        place += tensor.nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for _, tensor in ordered:
        little = np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<"))
        file.write(little.reshape(-1).view(np.uint8).data)
