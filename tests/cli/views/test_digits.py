"""``mlp show digits``: images of a dataset, of one label, as training deforms them."""

from __future__ import annotations

import numpy as np
import pytest
from view_command import BLOCKS, DATA, lines, refusal

from mlp.data.load import Dataset


def test_digits_fill_one_row_of_the_pipe(data: Dataset) -> None:
    found = lines("digits", "--dataset", DATA)
    first, second = data.train.labels[:2]
    assert found[0].split("  ")[0] == f"{first} (image 0)"
    assert found[0].endswith(f"{second} (image 1)")
    assert len(found) == 15
    assert set("".join(found[1:])) <= {" ", *BLOCKS}


def test_digits_of_one_label_from_a_number_on(data: Dataset) -> None:
    found = lines(
        "digits", "--dataset", DATA, "--digit", "7", "--index", "20", "--count", "3",
        "--split", "test",
    )  # fmt: skip
    rows = [row for row in range(20, 60) if data.test.labels[row] == 7][:3]
    captions = [line for line in found if "image" in line]
    assert [f"7 (image {row})" in " ".join(captions) for row in rows] == [True] * len(rows)
    assert " ".join(captions).count("image") == len(rows)


def test_an_index_alone_shows_one_image(data: Dataset) -> None:
    found = lines("digits", "--dataset", DATA, "--index", "4")
    assert found[0] == f"{data.train.labels[4]} (image 4)"
    assert len(found) == 15


def test_greys_are_the_image_twice_as_wide(data: Dataset) -> None:
    found = lines("digits", "--dataset", DATA, "--index", "0", "--style", "greys")[1:]
    levels = np.minimum(data.train.images[0] / 255 * 5, 4).astype(int)
    wanted = ["".join(" ░▒▓█"[k] * 2 for k in row).rstrip() for row in levels]
    assert found == wanted
    negative = lines("digits", "--dataset", DATA, "--index", "0", "--style", "greys", "--negative")
    assert negative[1] == "█" * 56


def test_digits_as_training_deforms_them() -> None:
    arguments = "digits", "--dataset", DATA, "--index", "4", "--augment"
    plain = lines(*arguments[:-1])
    assert lines(*arguments, "affine(0, 0, 0, 0)") == plain
    turned = lines(*arguments, "affine(30),elastic")
    assert turned[0] == plain[0]
    assert turned != plain
    assert lines(*arguments, "affine(30),elastic", "--seed", "1") != turned


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--augment", "blur"], "there is no deformation 'blur'"),
        (["--digit", "10"], "--digit 10: the labels are 0 to 9"),
        (["--digit", "-1"], "--digit -1: the labels are 0 to 9"),
        (["--index", "150"], "--index 150: the images are numbered 0 to 149"),
        (["--index", "60", "--split", "test"], "numbered 0 to 59"),
        (["--index", "-1"], "--index -1"),
        (["--count", "0"], "--count 0: it takes 1 or more"),
        (["--save", "digits.jpg"], "end"),
        (["--save", "nowhere/digits.png"], "nowhere: make it first"),
    ],
)
def test_digits_refuses(arguments: list[str], sentence: str) -> None:
    assert sentence in refusal("digits", "--dataset", DATA, *arguments)
