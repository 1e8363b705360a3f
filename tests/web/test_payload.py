"""The digits that the server finds in a picture, which the page's network reads."""

from __future__ import annotations

import base64
import io

import numpy as np
from asgi import Client, extract, png
from PIL import Image

from mlp.handwriting import extract_digit


def test_a_digit_is_sent_as_the_network_reads_it(client: Client) -> None:
    result = extract(client, png(7))
    (digit,) = result["digits"]
    expected = extract_digit(np.asarray(Image.open(io.BytesIO(png(7)))))
    image = np.frombuffer(base64.b85decode(digit["image"]), np.uint8).reshape(28, 28)
    np.testing.assert_array_equal(image, expected.image)
    assert digit["box"] == vars(expected.box)


def test_an_empty_canvas_is_empty(client: Client) -> None:
    assert extract(client, png())["digits"] == []


def test_a_line_is_sent_from_left_to_right(client: Client) -> None:
    result = extract(client, png(2, 0, 7))
    lefts = [digit["box"]["left"] for digit in result["digits"]]
    assert len(lefts) == 3
    assert lefts == sorted(lefts)
    assert max(digit["box"]["right"] for digit in result["digits"]) <= result["width"]
