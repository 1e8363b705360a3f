"""A pipe or a device named as a file is refused in a sentence, wherever a file is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlp import load_dataset
from mlp.common.errors import DataError, MLPError
from mlp.common.plain_file import check_file
from mlp.data.formats.convert import detect
from mlp.handwriting.load import load_picture
from mlp.handwriting.pages import count_pages
from mlp.handwriting.picture_files import Labels
from mlp.models.formats.convert import read_model
from mlp.models.model_file import load
from mlp.training.runs.settings import read_settings
from mlp.training.runs.writers import read_history
from mlp.training.state import load_state

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows names its pipes elsewhere")

READERS: dict[str, Callable[[Path], object]] = {
    "picture.png": load_picture,
    "labels.csv": Labels,
    "model.safetensors": load,
    "model.npz": read_model,
    "checkpoint.safetensors": load_state,
    "recipe.toml": read_settings,
    "history.jsonl": read_history,
    "rows.csv": detect,
    "rows.npz": load_dataset,
}


@pytest.fixture
def ended_pipe() -> Iterator[str]:
    """The reading end of a pipe that nothing more comes out of, so that no test waits for it."""
    reading, writing = os.pipe()
    os.close(writing)
    yield f"/dev/fd/{reading}"
    os.close(reading)


@pytest.mark.parametrize("name", READERS)
def test_what_reads_a_file_refuses_a_pipe(name: str, tmp_path: Path, ended_pipe: str) -> None:
    (tmp_path / name).symlink_to(ended_pipe)
    with pytest.raises(MLPError, match=f"{name} is a pipe and not a file: write what comes out"):
        READERS[name](tmp_path / name)


@pytest.mark.parametrize("name", READERS)
def test_what_reads_a_file_refuses_a_device(name: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to(os.devnull)
    with pytest.raises(MLPError, match=f"{name} is a device and not a file"):
        READERS[name](tmp_path / name)


def test_a_second_data_file_is_held_to_the_same(tmp_path: Path, ended_pipe: str) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("label,a,b\n0,1,2\n1,3,4\n")
    with pytest.raises(DataError, match="is a pipe and not a file"):
        load_dataset(rows, test_file=ended_pipe)


def test_a_named_pipe_without_a_writer_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(pages := tmp_path / "pages.tif")
    assert count_pages(pages) == 1
    with pytest.raises(DataError, match=r"pages\.tif is a pipe"):
        check_file(pages, DataError)


def test_files_and_folders_pass_as_do_names_of_nothing(tmp_path: Path) -> None:
    (file := tmp_path / "file").touch()
    (link := tmp_path / "link").symlink_to(file)
    for path in (file, link, tmp_path, tmp_path / "nothing", Path("\0")):
        check_file(path, DataError)
