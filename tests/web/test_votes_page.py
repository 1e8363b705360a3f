"""The page lets a digit's views vote and doubts as Python does, in a real browser.

Needs Chromium with its driver, and selenium; skipped without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported_page import Page, drawings, on_board, rubbed_out

from mlp.data.task import Task
from mlp.handwriting import SeveralDigits, constants, extract_digit, extract_digits
from mlp.handwriting.components import Box
from mlp.handwriting.digit import Digit
from mlp.handwriting.doubt import combine, confidence, evidence_of
from mlp.handwriting.normalise import centre
from mlp.handwriting.recognise import recognise
from mlp.handwriting.views import draw_views
from mlp.models.metadata import Metadata
from mlp.models.predict import probabilities
from mlp.models.pretrained import pretrained_model
from mlp.nn.network import MLP
from mlp.web.page import write_page

READ = """
const own = drawViews, boards = [], bytes = (image) => Array.from(image);
drawViews = (strokes) => { boards.push(strokes); return own(strokes); };
try {
  board.strokes = arguments[0];
  redraw();
  readDrawing();
} finally {
  drawViews = own;
}
return {
  text: byId("certainty").textContent,
  ink: bytes(inkOfDrawing().data.map((v) => 255 * v)),
  digits: shown.result.digits.map(({ found, image, text, probabilities, confidence, sure }, n) => ({
    image: bytes(found.image), views: found.views.map(bytes), against: found.against,
    strokes: { ...boards[n], data: bytes(boards[n].data) },
    same: found.image === image, text, probabilities, confidence, sure,
  })),
};
"""
RUBBED = [
    *((digit, (200, 230, 420, 290)) for digit in range(10)),  # across the middle
    *((digit, (270, 80, 340, 480)) for digit in (0, 3, 6, 8, 9)),  # from top to bottom
    *((digit, (150, 380, 420, 480)) for digit in (2, 5)),  # the foot
]
PIECES = [rubbed_out(on_board(digit, 150, 80, 400), *box) for digit, box in RUBBED]
DOTTED = [[*on_board(7, 100, 100, 300), [[250 + k, 400 - 20 * k]] * 2] for k in (0, 3)]


@pytest.fixture(scope="module")
def model() -> MLP:
    return pretrained_model()


@pytest.fixture(scope="module")
def page(browser: Any, model: MLP, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    path = tmp_path_factory.mktemp("page") / "page.html"
    assert write_page(model, path, "digits") < 1_500_000
    yield Page(browser, path)
    assert browser.get_log("browser") == []


@pytest.fixture(scope="module")
def readings(page: Page) -> list[Any]:
    """Of each drawing, what the page makes of it."""
    return [page.run(READ, strokes) for strokes in (*drawings(), *PIECES, *DOTTED)]


@pytest.fixture(scope="module")
def read(readings: list[Any]) -> list[Any]:
    """Of each digit of the drawings, what the page makes of it."""
    return [digit for reading in readings for digit in reading["digits"]]


def images_of(digit: Any) -> np.ndarray:
    return np.array([digit["image"], *digit["views"]], np.uint8).reshape(-1, 28, 28)


def board_of(digit: Any) -> np.ndarray:
    strokes = digit["strokes"]
    return np.array(strokes["data"], bool).reshape(strokes["height"], strokes["width"])


def test_views_are_drawn_to_the_byte_as_python_draws_them(read: list[Any]) -> None:
    assert len(read) > 50
    for digit in read:
        image, *views = images_of(digit)
        np.testing.assert_array_equal(image, centre(board_of(digit)))
        np.testing.assert_array_equal(views, draw_views(board_of(digit)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2), (30, 30), (41, 25)])
def test_blots_and_rods_have_the_same_views(page: Page, shape: tuple[int, int]) -> None:
    height, width = shape
    found = page.run(
        "const [height, width] = arguments;"
        "return drawViews(plane(height, width, new Float32Array(height * width).fill(1)))"
        ".map((view) => [...view])",
        height,
        width,
    )
    np.testing.assert_array_equal(
        np.array(found).reshape(4, 28, 28), draw_views(np.ones(shape, bool))
    )


def test_votes_and_confidence_are_those_of_the_program(read: list[Any], model: MLP) -> None:
    for digit in read:
        by_view = probabilities(model, images_of(digit))[None]  # (1, 5, 10)
        expected = combine(by_view)[0]
        np.testing.assert_allclose(digit["probabilities"], expected, atol=1e-5)
        assert digit["text"] == str(expected.argmax())
        evidence = np.array([digit["against"]])
        sure = confidence(by_view[:, :, expected.argmax()], evidence)[0]
        assert digit["confidence"] == pytest.approx(sure, abs=1e-4)
        assert digit["sure"] == (digit["confidence"] >= constants.SURE)
        assert digit["same"], "the image of the digit is what is shown inside"


def test_the_whole_way_doubts_as_python_does(readings: list[Any], model: MLP) -> None:
    """Of the same pixels, by a shorter way: an image may be a pixel aside, and its edges softer."""
    told = []
    for reading in readings:
        grey = 255 - np.array(reading["ink"], np.uint8).reshape(280, 280)
        picture = np.repeat(grey[:, :, None], 3, axis=2)
        try:
            digits = [extract_digit(picture)]
        except SeveralDigits:
            digits = extract_digits(picture)
        answers = recognise(model, digits)
        assert len(answers) == len(reading["digits"])
        for answer, digit in zip(answers, reading["digits"], strict=True):
            expected = evidence_of([answer.digit])[0]
            np.testing.assert_allclose(digit["against"], expected, atol=0.05)
            assert digit["against"][1] == expected[1]
            told.append((digit["confidence"], answer.confidence))
    page, program = np.array(told).T
    sure = page >= constants.SURE, program >= constants.SURE
    assert (~sure[1]).sum() >= 5, "some are hard"
    assert (sure[0] != sure[1]).sum() <= 1
    assert np.abs(page - program).max() < 0.1


def test_what_is_not_sure_is_told(readings: list[Any]) -> None:
    for reading in readings:
        sure = all(digit["sure"] for digit in reading["digits"])
        assert reading["text"].startswith("not sure (") == (not sure)


def test_each_yes_and_no_is_doubted(browser: Any, tmp_path: Path) -> None:
    for kind, names in (("multilabel", ("big", "round", "odd")), ("binary", ("even",))):
        asked = MLP([784, 20, len(names)], seed=5)
        asked.metadata = Metadata(task=Task(kind, names, (0,) if kind == "binary" else ()))
        write_page(asked, tmp_path / f"{kind}.html", kind)
        own = Page(browser, tmp_path / f"{kind}.html")
        for strokes in (on_board(3, 150, 80, 400), PIECES[3]):
            (digit,) = own.run(READ, strokes)["digits"]
            image, *views = images_of(digit)
            left_out, pieces, softness = digit["against"]
            box = Box(0, 0, 1, 1)
            known = Digit(
                image, box, {}, np.array(views), left_out, 1 + int(pieces),
                softness + constants.SOFT_USUAL,
            )  # fmt: skip
            (answer,) = recognise(asked, [known])
            assert digit["text"] == answer.text
            assert digit["confidence"] == pytest.approx(answer.confidence, abs=1e-4)
            np.testing.assert_allclose(digit["probabilities"], answer.probabilities, atol=1e-5)
