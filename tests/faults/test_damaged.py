"""Models and checkpoints that are cut short, damaged or of a newer version end in one sentence."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from source import ROOT

from mlp.common.errors import ModelError
from mlp.models.model_file import load
from mlp.training.state import load_state

ZOO = ROOT / "tests" / "zoo"
Read = Callable[[Path], object]
FILES: list[tuple[Path, Read]] = [
    *((path, load) for path in sorted(ZOO.glob("*/model-*.safetensors"))),
    *((path, load_state) for path in sorted(ZOO.glob("*/checkpoint-*.safetensors"))),
]
of_each_file = pytest.mark.parametrize(
    ("source", "read"), FILES, ids=[f"{path.parent.name}/{path.stem}" for path, _ in FILES]
)


@of_each_file
def test_a_file_that_is_cut_short_is_refused(source: Path, read: Read, tmp_path: Path) -> None:
    whole, path = source.read_bytes(), tmp_path / source.name
    for length in (*range(0, len(whole), 61), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=source.name) as caught:
            read(path)
        assert "\n" not in str(caught.value)
        assert "Error(" not in str(caught.value), "a class of Python's is no reason to a user"


@of_each_file
def test_a_damaged_header_is_refused_or_makes_no_difference(
    source: Path, read: Read, tmp_path: Path
) -> None:
    whole, path = source.read_bytes(), tmp_path / source.name
    header = struct.unpack("<Q", whole[:8])[0]
    for place in range(0, 8 + header, 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x11]) + whole[place + 1 :])
        with suppress(ModelError):
            read(path)


def rewrite(source: Path, path: Path, **changes: object) -> None:
    """Copy a file with other entries in the JSON of its metadata."""
    whole = source.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    header = json.loads(whole[8 : 8 + length])
    metadata = header["__metadata__"]
    for key in metadata:
        metadata[key] = json.dumps(json.loads(metadata[key]) | changes)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + whole[8 + length :])


@of_each_file
def test_a_file_of_a_newer_version_is_told(source: Path, read: Read, tmp_path: Path) -> None:
    path = tmp_path / source.name
    rewrite(source, path, format=99)
    with pytest.raises(ModelError, match="format 99") as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("entry", ["callbacks", "progress", "history", "made_with"])
@pytest.mark.parametrize("value", [[1], 3, "text", None])
def test_a_checkpoint_with_a_strange_entry_is_refused(
    entry: str, value: object, tmp_path: Path
) -> None:
    source = next(path for path, read in FILES if read is load_state)
    rewrite(source, tmp_path / "c", **{entry: value}, **({"format": 9} if "with" in entry else {}))
    with pytest.raises(ModelError, match="cannot be read as a checkpoint") as caught:
        load_state(tmp_path / "c")
    assert "Error(" not in str(caught.value)
