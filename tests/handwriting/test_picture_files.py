"""Which pictures names, folders and patterns stand for, and which labels are theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlp.common.errors import DataError
from mlp.handwriting.picture_files import STDIN, Labels, Picture, find_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three pictures, a text, a hidden picture and a folder with another."""
    (tmp_path / "inner").mkdir()
    for name in ("b.png", "a.JPG", "c.heic", "notes.txt", ".hidden.png", "inner/d.png"):
        (tmp_path / name).touch()
    return tmp_path


def label_file(folder: Path, *lines: str) -> Path:
    path = folder / "labels.csv"
    path.write_text("\n".join(["file,label", *lines, ""]))
    return path


def names(pictures: list[Picture]) -> list[str]:
    return [Path(picture.name).name for picture in pictures]


def test_a_folder_stands_for_its_pictures_in_order(folder: Path) -> None:
    assert names(find_pictures([str(folder)])) == ["a.JPG", "b.png", "c.heic", "d.png"]


def test_a_folder_within_is_the_label_where_it_is_a_class(tmp_path: Path) -> None:
    for name in ("top.png", "7/a.png", "7/old/b.png", "notes/c.png", ".git/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_pictures([str(tmp_path)], None, ("7", "8"))
    assert [(Path(picture.name).name, picture.label) for picture in found] == [
        ("top.png", None), ("a.png", "7"), ("b.png", None), ("c.png", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "filename,label\nb.png,7\n",
        "Image;Digit\nb.png;7\n",
        "path\tclass\nb.png\t7\n",
        "id,file,who,label\n1,b.png,me,7\n",
    ],
)
def test_labels_under_common_headings(text: str, folder: Path) -> None:
    (folder / "l.csv").write_text(text)
    assert Labels(folder / "l.csv").of(str(folder / "b.png")) == "7"


def test_a_pattern_stands_for_the_files_that_match(folder: Path) -> None:
    assert names(find_pictures([str(folder / "[ab].*")])) == ["a.JPG", "b.png"]


def test_a_name_stands_for_itself_and_each_counts_once(folder: Path) -> None:
    name = str(folder / "b.png")
    assert find_pictures([STDIN, name, "absent.png", name]) == [
        Picture(STDIN),
        Picture(name),
        Picture("absent.png"),
    ]


def test_a_file_that_looks_like_a_pattern_is_a_file(folder: Path) -> None:
    odd = folder / "scan[1].png"
    odd.touch()
    assert find_pictures([str(odd)]) == [Picture(str(odd))]


@pytest.mark.parametrize(
    ("name", "message"), [("inner/empty", "no picture in the folder"), ("*.gif", "no file matches")]
)
def test_where_there_is_none_it_says_so(folder: Path, name: str, message: str) -> None:
    (folder / "inner" / "empty").mkdir()
    with pytest.raises(DataError, match=message):
        find_pictures([str(folder / name)])


def test_pictures_get_their_labels(folder: Path) -> None:
    labels = Labels(label_file(folder, "b.png, 7", "", "inner/d.png,12"))
    found = find_pictures([str(folder / "b.png"), str(folder / "a.JPG")], labels)
    assert [picture.label for picture in found] == ["7", None]
    assert labels.of(str(folder / "inner" / "d.png")) == "12"
    assert labels.of("elsewhere/b.png") == "7"  # by the file's name alone


def test_a_folders_labelled_pictures_are_listed_though_they_are_missing(folder: Path) -> None:
    labels = Labels(label_file(folder, "b.png,7", "gone.png,3"))
    found = find_pictures([str(folder)], labels)
    assert found[-1] == Picture(str(folder / "gone.png"), "3")
    assert len(found) == 5
    assert len(find_pictures([str(folder / "b.png")], labels)) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,digit\na.png,1\n", "does not begin with the line file,label"),
        (b"", "does not begin with"),
        (b"file,label\na.png\n", "line 2 of"),
        (b"file,label\na.png,\n", "line 2 of"),
        (b"file,label\na.png,1\na.png,2\n", "labels a.png again"),
        (b'file,label\n"a.png,1\n', "not a CSV file"),
    ],
)
def test_labels_that_make_no_sense_are_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        Labels(path)


def test_labels_that_are_missing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        Labels(tmp_path / "labels.csv")
