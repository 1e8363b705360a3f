"""The diary's weight files: as it writes them, read as it reads them, refused where not sound."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from small_networks import DYNAMIC, STATIC, assert_not_read, reference

from mlp.data.mnist import MnistUnavailable, load_mnist
from mlp.models.formats.convert import read_model, write_model
from mlp.models.predict import predict
from mlp.nn.network import MLP


def test_the_files_are_those_that_the_others_write(tmp_path: Path) -> None:
    write_model(reference(), tmp_path / "static.bin", "diary-static")
    write_model(reference(), tmp_path / "dynamic.bin")
    assert (tmp_path / "static.bin").read_bytes() == STATIC
    assert (tmp_path / "dynamic.bin").read_bytes() == DYNAMIC


def test_a_diary_gets_biases_of_zero(tmp_path: Path) -> None:
    model = MLP([4, 3, 2], bias=False)
    write_model(model, tmp_path / "net.bin")
    found = read_model(tmp_path / "net.bin")
    images = np.arange(8, dtype=np.uint8).reshape(2, 2, 2) * 30
    assert found.bias
    assert predict(found, images).tolist() == predict(model, images).tolist()


BAD_DIARIES = {
    "a byte behind": (STATIC + b"\0", r"121 bytes where .* 120 for the widths 2-2-1-2"),
    "a number behind": (DYNAMIC + bytes(8), r"132 bytes where .* 124 for the widths 2-2-1-2"),
    "cut off": (STATIC[:-1], r"119 bytes where .* 120"),
    "cut off in the header": (DYNAMIC[:10], "10 bytes where .* the widths of layers first"),
    "empty": (b"", r"has 0 bytes"),
    "big-endian": (struct.pack(">4I", 2, 2, 1, 2) + STATIC[16:], "the widths 33554432-33554432"),
    "of no width": (struct.pack("<4I3d", 2, 0, 1, 2, 1, 2, 3), r"do not make a chain|bytes"),
    "not a number": (STATIC[:-8] + struct.pack("<d", np.nan), "not finite"),
    "infinite": (DYNAMIC[:-8] + struct.pack("<d", -np.inf), "not finite"),
    "text": (b"Lorem ipsum dolor sit amet" * 9, "no model file or .npz"),
}


@pytest.mark.parametrize("case", BAD_DIARIES)
def test_a_bad_diary_is_refused(tmp_path: Path, case: str) -> None:
    content, sentence = BAD_DIARIES[case]
    (tmp_path / "bad.bin").write_bytes(content)
    assert_not_read(tmp_path / "bad.bin", sentence)


@pytest.mark.mnist
@pytest.mark.parametrize(
    ("name", "format", "correct"),
    [("smlp.bin", "diary-static", 9_657), ("dmlp.bin", "diary-dynamic", 9_727)],
)
def test_the_published_diary_networks_score(
    tmp_path: Path, name: str, format: str, correct: int
) -> None:
    beside = Path(os.environ.get("MLP_DATA_DIR", "."), "..", "seeds", "weights")
    path = Path(os.environ.get("MLP_SEED_WEIGHTS", beside), name)
    if not path.is_file():
        pytest.skip(f"no {path}: set MLP_SEED_WEIGHTS to the folder of the diary's weights")
    try:
        test = load_mnist(download=False).test
    except MnistUnavailable as error:
        pytest.skip(str(error))
    model = read_model(path)
    assert int((predict(model, test.images) == test.labels).sum()) == correct
    write_model(model, tmp_path / "net")
    write_model(read_model(tmp_path / "net"), tmp_path / name, format)
    assert (tmp_path / name).read_bytes() == path.read_bytes()
