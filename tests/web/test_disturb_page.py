"""The digit made harder to read in a real browser: as Python disturbs it, and where it flips.

Needs Chromium with its driver, and selenium; skipped without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from served import serving
from visitor import Page, faults

from mlp.data.disturb import DISTURBANCES, Bytes
from mlp.handwriting.doubt import combine
from mlp.models.model_file import load
from mlp.models.predict import probabilities

pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.keys import Keys

IMAGE = (np.arange(784) * 11 % 256).astype(np.uint8)


@pytest.fixture(scope="module")
def opened(browser: Any, reader: Path) -> Iterator[Page]:
    with serving("--model", reader) as port:
        yield Page(browser, port)
    assert [told for told in faults(browser) if "favicon" not in told] == []


@pytest.fixture
def page(opened: Page) -> Page:
    """The page with a sample of 4 as it was drawn."""
    opened.run("byId('as-drawn').click()")
    opened.all("#sample-digits button")[4].click()
    opened.reads("4")
    return opened


class OfThePage:
    """Draws the noise that the page has."""

    def __init__(self, noise: list[float]) -> None:
        self._noise = np.array(noise)

    def standard_normal(self, shape: tuple[int, ...]) -> np.ndarray:
        return self._noise.reshape(shape)


def disturbed(page: Page, image: Bytes, kind: str, amount: float) -> Bytes:
    rng: Any = OfThePage(page.run("return [...NOISE]"))
    return DISTURBANCES[kind].apply(image.reshape(1, 28, 28), amount, rng).ravel()


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_the_page_disturbs_as_python_does(page: Page, kind: str) -> None:
    for amount in (*DISTURBANCES[kind].amounts, 0.37):
        found = page.run("return mlp.disturb(...arguments)", IMAGE.tolist(), kind, amount)
        np.testing.assert_array_equal(found, disturbed(page, IMAGE, kind, amount), str(amount))
    low, high = page.run(
        "const { low, high } = DISTURBANCES[arguments[0]]; return [low, high]", kind
    )
    assert (low, high) == (DISTURBANCES[kind].amounts[0], DISTURBANCES[kind].amounts[-1])


def test_the_noise_of_the_page_is_normal(page: Page) -> None:
    noise = np.array(page.run("return [...NOISE]"))
    assert abs(noise.mean()) < 0.1
    assert noise.std() == pytest.approx(1, abs=0.06)
    assert np.abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 0.1


def test_the_sliders_change_what_is_read(page: Page, reader: Path) -> None:
    drawn = np.array(page.run("return [...shown.result.digits[0].image]"), np.uint8)
    slider = page.one("#rotation")
    slider.send_keys(Keys.ARROW_RIGHT * 12)
    page.one("#thickness").send_keys(Keys.ARROW_LEFT * 5)
    expected = disturbed(page, disturbed(page, drawn, "thickness", -0.5), "rotation", 12)
    image = page.run("return [...shown.result.digits[0].image]")
    np.testing.assert_array_equal(image, expected)
    views = page.run("return shown.result.digits[0].found.views.map((view) => [...view])")
    turned = [
        disturbed(
            page, disturbed(page, np.array(view, np.uint8), "thickness", -0.5), "rotation", 12
        )
        for view in views
    ]
    by_view = probabilities(load(reader), np.array([expected, *turned]).reshape(-1, 28, 28))
    shares = combine(by_view[None])[0]
    np.testing.assert_allclose(
        page.run("return shown.result.digits[0].probabilities"), shares, atol=1e-5
    )
    assert page.text("#certainty").endswith(", with strokes −0.5 px, turned +12°")
    assert slider.get_attribute("aria-valuetext") == "+12°"
    page.one("#as-drawn").click()
    assert page.run("return [...shown.result.digits[0].image]") == drawn.tolist()
    assert not page.one("#as-drawn").is_enabled()


def test_where_the_answer_flips_is_told(page: Page, reader: Path) -> None:
    model = load(reader)
    images = page.run(
        "const { image, views } = shown.result.digits[0].found;"
        "return [image, ...views].map((bytes) => [...bytes])"
    )
    page.one("#given details summary").click()
    page.until(lambda: "Turned: " in page.text("#harder-words"))
    found = page.run(
        "return Array.from({ length: TRIED + 1 },"
        " (_, n) => answerAlong('rotation', n, shown.result.digits[0].found))"
    )
    for answer in found:
        turned = [
            disturbed(page, np.array(image, np.uint8), "rotation", answer["amount"])
            for image in images
        ]
        by_view = probabilities(model, np.array(turned).reshape(-1, 28, 28))
        assert answer["text"] == str(combine(by_view[None])[0].argmax())
    assert len({answer["text"] for answer in found}) > 1
    words = page.text("#harder-words")
    assert f"Turned: {found[0]['text']} from −90° on, " in words
    colours = page.run(
        "const c = disturbanceRows.rotation.strip;"
        "const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
        "return new Set(new Uint32Array(data.buffer)).size"
    )
    assert colours > 10
    page.one("#clear").click()
    page.until(lambda: page.text("#harder-words") == "")
    page.one("#given details summary").click()
