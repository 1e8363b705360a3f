"""The digits that the server finds in a picture, which the page's network reads."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from asgi import Client, extract, png
from PIL import Image

from mlp.data.hands import SCHOOL
from mlp.handwriting import extract_digit
from mlp.handwriting.doubt import evidence_of
from mlp.web.payload import sample_strokes


def test_a_digit_is_sent_as_the_network_reads_it(client: Client) -> None:
    result = extract(client, png(7))
    (digit,) = result["digits"]
    expected = extract_digit(np.asarray(Image.open(io.BytesIO(png(7)))))
    images = np.frombuffer(base64.b85decode(digit["images"]), np.uint8).reshape(5, 28, 28)
    np.testing.assert_array_equal(images[0], expected.image)
    np.testing.assert_array_equal(images[1:], expected.views)
    assert digit["against"] == evidence_of([expected])[0].tolist()
    assert digit["box"] == vars(expected.box)


def test_an_empty_canvas_is_empty(client: Client) -> None:
    assert extract(client, png())["digits"] == []


def test_a_line_is_sent_from_left_to_right(client: Client) -> None:
    result = extract(client, png(2, 0, 7))
    lefts = [digit["box"]["left"] for digit in result["digits"]]
    assert len(lefts) == 3
    assert lefts == sorted(lefts)
    assert max(digit["box"]["right"] for digit in result["digits"]) <= result["width"]


def test_the_boards_samples_are_written_as_the_project_draws() -> None:
    written = sample_strokes()
    usual = [max(SCHOOL[digit], key=lambda style: style[0])[1] for digit in range(10)]
    assert len(written) == 10
    assert len(written[4]) == 3
    assert [len(strokes) for strokes in written] == [path.count("|") + 1 for path in usual]
    for strokes in written:
        points = np.concatenate(strokes)
        assert points.shape[1] == 2
        assert 100 < points.min() < points.max() < 900
        assert np.ptp(points, axis=0).max() == pytest.approx(660, abs=30)
        steps = [np.hypot(*np.diff(stroke, axis=0).T) for stroke in map(np.array, strokes)]
        assert max(step.max() for step in steps) < 60, "a stroke has no gaps"
