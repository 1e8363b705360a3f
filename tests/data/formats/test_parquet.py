"""Parquet: tables, and pictures as Hugging Face stores them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mlp.common.errors import DataError, UsageError
from mlp.data.formats import convert as formats
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked
from mlp.data.inputs import Columns
from mlp.data.raw import as_words
from mlp.data.reading import Reading

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8), np.uint8)
LABELS = np.arange(12) % 3
NAMES = ["boot", "shirt", "coat"]


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def pictures(images: Any = IMAGES, labels: Any = LABELS) -> Any:
    held = [{"bytes": png(image), "path": None} for image in images]
    kind = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
    table = arrow.table({"image": arrow.array(held, kind), "label": labels})
    noted = {"info": {"features": {"label": {"names": NAMES, "_type": "ClassLabel"}}}}
    return table.replace_schema_metadata({"huggingface": json.dumps(noted)})


def test_pictures_are_read_with_the_names_of_their_classes(tmp_path: Path) -> None:
    for name, rows in (("train", slice(8)), ("test", slice(8, 12))):
        parquet.write_table(
            pictures(IMAGES[rows], LABELS[rows]), tmp_path / f"{name}-00000-of-00001.parquet"
        )
    found = formats.read(tmp_path)
    np.testing.assert_array_equal(found.train.images, IMAGES[:8])
    np.testing.assert_array_equal(found.test.labels, LABELS[8:])
    assert found.task.names == tuple(NAMES)


def test_files_of_one_split_are_joined(tmp_path: Path) -> None:
    for part, rows in enumerate((slice(8), slice(8, 12))):
        parquet.write_table(
            pictures(IMAGES[rows], LABELS[rows]), tmp_path / f"train-{part:05}-of-00002.parquet"
        )
    np.testing.assert_array_equal(formats.read_raw(tmp_path)["all"].features, IMAGES)


def test_a_table_is_read_as_others_are(tmp_path: Path) -> None:
    table = arrow.table(
        {"id": list(range(12)), "age": [1.5, None, *range(10)], "kind": ["cat", "dog"] * 6}
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    split = formats.read_raw(tmp_path / "t.parquet")["all"]
    assert split.columns == ("age",)
    assert np.isnan(split.features[1, 0])
    assert list(split.labels[:2]) == ["cat", "dog"]  # type: ignore[index]
    parquet.write_table(table.slice(0, 4), tmp_path / "other.parquet")
    reading = Reading(test_file=str(tmp_path / "other.parquet"), missing="mean")
    assert len(formats.read(tmp_path / "t.parquet", reading).test) == 4


def test_the_index_that_pandas_writes_is_left_out(tmp_path: Path) -> None:
    """In shuffled rows it would tell the order in which the classes were written."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": np.arange(12.0), "label": LABELS})
    frame.sample(frac=1, random_state=0).to_parquet(tmp_path / "t.parquet")
    assert formats.read_raw(tmp_path / "t.parquet")["all"].columns == ("a",)


def test_pictures_of_other_names_are_refused(tmp_path: Path) -> None:
    parquet.write_table(pictures(), tmp_path / "train.parquet")
    parquet.write_table(pictures().rename_columns(["img", "label"]), tmp_path / "test.parquet")
    with pytest.raises(DataError, match="lacks the column image"):
        formats.read(tmp_path)


def test_rows_of_pixels_are_images(tmp_path: Path) -> None:
    columns = {f"pixel{i}": IMAGES.reshape(12, 64)[:, i] for i in range(64)}
    parquet.write_table(arrow.table({"label": LABELS, **columns}), tmp_path / "t.parquet")
    np.testing.assert_array_equal(
        formats.read(tmp_path / "t.parquet", Reading(test=3)).train.images.shape, (9, 8, 8)
    )


@pytest.mark.parametrize("cut", [0, 4, 300, -9])
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path: Path, cut: int) -> None:
    parquet.write_table(pictures(), tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(content[:cut])
    with pytest.raises(DataError, match=r"t\.parquet") as error:
        formats.read(tmp_path / "t.parquet")
    assert "\n" not in str(error.value)


def test_mixed_depths_are_of_one_range_where_scaled(tmp_path: Path) -> None:
    deep = IMAGES[1].astype(np.uint16) * 257
    parquet.write_table(pictures([IMAGES[0], deep, *IMAGES[2:]]), tmp_path / "t.parquet")
    parquet.write_table(pictures(IMAGES), tmp_path / "plain.parquet")
    size = Request(Reading(size=IMAGES.shape[1]))
    found = [formats.read_raw(tmp_path / f"{name}.parquet", size) for name in ("t", "plain")]
    np.testing.assert_array_equal(found[0]["all"].features, found[1]["all"].features)


def test_what_cannot_be_learnt_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "t.parquet"
    parquet.write_table(pictures([*IMAGES[:11], IMAGES[0, :4, :4]]), place)
    with pytest.raises(DataError, match="--size"):
        formats.read(place)
    assert formats.read(place, Reading(size=8)).train.images.shape[1:] == (8, 8)
    with pytest.raises(UsageError, match="lable"):
        formats.read(place, Reading(size=8, label="lable"))
    parquet.write_table(arrow.table({"x": [[1, 2], [3, 4]], "label": [0, 1]}), place)
    with pytest.raises(DataError, match="no numbers or words"):
        formats.read(place)


def test_rows_that_take_no_bytes_do_not_fill_memory(tmp_path: Path) -> None:
    """One value in place of any number, as dictionaries and runs of them store it."""
    path = tmp_path / "t.parquet"
    part = arrow.table({"a": np.zeros(1_000_000), "label": np.zeros(1_000_000, np.int64)})
    with parquet.ParquetWriter(path, part.schema) as writer:
        for _ in range(20):
            writer.write_table(part)
    assert path.stat().st_size < 200_000
    with pytest.raises(DataError, match="over the limit"):
        formats.read(path)


def test_a_long_text_in_many_rows_is_held_once_and_passed_on_whole(tmp_path: Path) -> None:
    long = ["x" * 500_000, "y"]
    note = arrow.array([long[i % 2] for i in range(400)])
    table = arrow.table({"note": note, "a": np.arange(400.0), "label": LABELS[:1].repeat(400)})
    parquet.write_table(table, tmp_path / "t.parquet")
    asked = Asked(Columns(("a",), (0.0,), (1.0,)), 1, ("note",))
    (rows,) = formats.read_rows(tmp_path / "t.parquet", Request(), asked)
    assert list(rows.passed["note"]) == note.to_pylist()
    split = formats.read_raw(tmp_path / "t.parquet")["all"]
    assert split.columns == ("note=" + as_words(long)[0], "note=y", "a")


def test_small_files_of_large_pictures_do_not_fill_memory(tmp_path: Path) -> None:
    content = png(np.zeros((1_000, 1_000), np.uint8))
    held = arrow.array([{"bytes": content, "path": None}] * 200)
    parquet.write_table(arrow.table({"image": held}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="over the limit"):
        formats.read_raw(tmp_path / "t.parquet")


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = arrow.table([LABELS, LABELS], names=["label", "label"])
    parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataError, match="two columns called 'label'"):
        formats.read(tmp_path / "t.parquet")
