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
    page.run("window.reads = 0; live.told.push(() => { reads += 1; })")
    page.one("#as-drawn").send_keys(Keys.ENTER)
    assert page.run("return [...shown.result.digits[0].image]") == drawn.tolist()
    assert page.run("return reads") == 1, "three sliders move, and it is read once"
    assert page.one("#as-drawn").get_attribute("aria-disabled") == "true"
    assert page.run("return document.activeElement.id") == "as-drawn"
    page.one("#as-drawn").send_keys(Keys.ENTER)
    assert page.run("return live.told.pop() && reads") == 1, "there is nothing to take back"


def test_the_answers_are_those_at_each_value_of_the_slider(page: Page) -> None:
    for kind in DISTURBANCES:
        slider = page.one(f"#{kind}")
        values = page.run("return valuesOf(DISTURBANCES[arguments[0]])", kind)
        assert 0 in values
        slider.send_keys(Keys.HOME)
        for value in values[:5]:
            assert float(slider.get_attribute("value")) == value
            slider.send_keys(Keys.ARROW_RIGHT)
        slider.send_keys(Keys.END)
        assert float(slider.get_attribute("value")) == values[-1]
        assert page.run("return amounts[arguments[0]]", kind) == values[-1]
    written = page.run("return valuesOf(DISTURBANCES.thickness).map(DISTURBANCES.thickness.write)")
    assert len(set(written)) == len(written)
    assert written[14:17] == ["−0.1 px", "0.0 px", "+0.1 px"]


def test_strips_that_are_not_of_this_digit_are_dimmed(page: Page) -> None:
    behind = "return document.querySelectorAll('#amounts .behind, #harder-words.behind').length"
    page.until(lambda: page.run(behind) == 0)
    assert page.run("readDrawing(); " + behind) == 4
    page.until(lambda: page.run(behind) == 0)


def test_where_the_answer_flips_is_told(page: Page, reader: Path) -> None:
    model = load(reader)
    images = page.run(
        "const { image, views } = shown.result.digits[0].found;"
        "return [image, ...views].map((bytes) => [...bytes])"
    )
    page.one("#given details summary").click()
    page.until(lambda: "Turned: " in page.text("#harder-words"))
    found = page.run(
        "return valuesOf(DISTURBANCES.rotation).map("
        "(amount) => answerAlong('rotation', amount, shown.result.digits[0].found))"
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
