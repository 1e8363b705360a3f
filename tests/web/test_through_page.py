"""A run's snapshots in a real browser: the slider shows, at each moment, what Python computes.

Needs Chromium with its driver, and selenium; skipped without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from accessible import hindrances
from served import serving
from snapped_run import snapped_run
from visitor import Page, faults

from mlp.handwriting.doubt import combine
from mlp.models.attribution import activations
from mlp.models.metadata import metadata_of
from mlp.models.model_file import load
from mlp.models.predict import probabilities
from mlp.training.one_step import take_one_step
from mlp.training.runs.folder import RunFolder
from mlp.web.crowd import crowd_payload

pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.keys import Keys

FOLLOWED = """
const [digit] = shown.result.digits;
return through.followed !== null && through.followed.image === digit.image;
"""
SHARES = "return through.answers.map(({ probabilities }) => probabilities)"
IMAGE = (np.arange(784) * 11 % 256).astype(np.uint8).reshape(28, 28)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return snapped_run(tmp_path_factory.mktemp("runs") / "mine")


@pytest.fixture(scope="module")
def port(run: RunFolder, reader: Path) -> Iterator[int]:
    with serving("--run", run.path, "--models", reader.parent) as port:
        yield port


@pytest.fixture(scope="module")
def opened(browser: Any, port: int) -> Iterator[Page]:
    page = Page(browser, port)
    page.until(lambda: page.run("return through.stops.every(({ network }) => network)"))
    yield page
    assert faults(browser) == []
    names = page.run("return performance.getEntriesByType('resource').map(e => e.name)")
    assert all(name.startswith((page.origin, "data:")) for name in names)


@pytest.fixture
def page(opened: Page) -> Page:
    """The page at the end of the training, with a sample of 4 on the board."""
    opened.run("showUnit(null); scrollTo(0, 0); goThrough(through.stops.length - 1)")
    opened.all("#sample-digits button")[4].click()
    opened.until(lambda: opened.run("return circles.digit !== null && circles.frame === 0"))
    opened.until(lambda: opened.run(FOLLOWED))
    return opened


def test_the_slider_shows_the_network_of_each_moment(page: Page, run: RunFolder) -> None:
    slider = page.one("#moment")
    slider.send_keys(Keys.HOME)
    for place, path in run.snapshots().items():
        model = load(path)
        assert page.run("return live.network.at") == "-".join(map(str, place))
        read = page.run(
            "const read = mlp.read(arguments[0]);"
            "return [read.probabilities, read.activations.map((a) => [...a])]",
            IMAGE.ravel().tolist(),
        )
        np.testing.assert_allclose(read[0], probabilities(model, IMAGE[None])[0], atol=1e-5)
        for found, expected in zip(read[1], activations(model, IMAGE), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-4)
        told = metadata_of(model).test_accuracy
        assert f"reads {100 * told:.1f} % of its test images" in page.text("#moment-told")
        assert slider.get_attribute("aria-valuetext") == page.text("#moment-told")
        slider.send_keys(Keys.ARROW_RIGHT)
    assert page.text("#moment-told").startswith("as it ended")
    assert page.run("return live.network === through.stops.at(-1).network")
    slider.send_keys(Keys.HOME)
    assert page.text("#moment-told").startswith("before the first update")
    slider.send_keys(Keys.ARROW_RIGHT)
    assert page.text("#moment-told").startswith("after 1 update:")


def test_the_chart_tells_what_the_digit_was_answered(page: Page, run: RunFolder) -> None:
    images = page.run(
        "const { image, views } = shown.result.digits[0].found;"
        "return [image, ...views].map((bytes) => [...bytes])"
    )
    by_view = np.array(images, np.uint8).reshape(-1, 28, 28)
    paths = [*run.snapshots().values(), run.model]
    expected = [combine(probabilities(load(path), by_view)[None])[0] for path in paths]
    np.testing.assert_allclose(page.run(SHARES), expected, atol=1e-5)
    page.one("#through details").click()
    words = page.text("#through-words")
    answers = [int(np.argmax(shares)) for shares in expected]
    assert words.startswith(f"Your digit is answered {answers[0]} before the first update, ")
    assert answers[-1] == 4
    page.one("#through details summary").click()
    colours = page.run(
        "const c = byId('through-chart');"
        "const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
        "return new Set(new Uint32Array(data.buffer)).size"
    )
    assert colours > 20
    page.one("#clear").click()
    page.until(lambda: page.run("return circles.digit") is None)
    page.until(lambda: "Draw a digit" in page.run("return byId('through-words').textContent"))


def test_what_is_looked_at_stays_and_its_weights_change(page: Page, run: RunFolder) -> None:
    page.run("showUnit({ k: 0, unit: 3 })")
    units = page.run("return through.units")
    slots = page.run("return circles.columns.map((c) => c.slots.map((s) => s.unit))")
    pixels = (
        "const c = document.querySelector(arguments[0]);"
        "return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    )
    seen = []
    for place in ((0, 0), (4, 0)):
        stop = list(run.snapshots()).index(place)
        page.run("byId('moment').value = arguments[0]", stop)
        page.run("byId('moment').dispatchEvent(new Event('input'))")
        W = load(run.snapshot(place)).linear[0].W
        for selector, unit in (("#unit-weights", 3), ("#through-units canvas", units[0])):
            rgba = np.array(page.run(pixels, selector)).reshape(784, 4)
            strong = rgba[:, 3] > 60
            assert strong.sum() > 20
            warm = np.sign(rgba[strong, 0] - rgba[strong, 2])
            np.testing.assert_array_equal(warm, np.sign(W[strong, unit]))
            seen.append(rgba.tobytes())
    assert len(set(seen)) == 4
    assert page.run("return [circles.chosen.unit, through.units]") == [3, units]
    assert page.run("return circles.columns.map((c) => c.slots.map((s) => s.unit))") == slots
    page.until(lambda: page.run("return byId('unit-image').dataset.done") == "true")


def test_a_unit_that_is_switched_off_stays_so_at_every_moment(page: Page) -> None:
    whole = page.run(SHARES)
    page.run("showUnit({ k: 0, unit: through.units[0] })")
    page.one("#unit-off").click()
    page.until(lambda: page.run(SHARES) != whole)
    page.one("#moment").send_keys(Keys.HOME)
    assert page.text("#unit-off") == "Switch it on"
    page.one("#all-on").click()
    page.until(lambda: page.run(SHARES) == whole)


def test_an_altered_digit_is_asked_about_once_whatever_the_moment(page: Page) -> None:
    page.run("setAmounts({ rotation: 20 })")
    try:
        page.until(lambda: page.run(FOLLOWED))
        assert page.run(
            "const { followed } = through; goThrough(0); goThrough(1);"
            "return through.followed === followed"
            " && followed.image === shown.result.digits[0].image"
            " && !byId('through-chart').classList.contains('behind')"
        )
    finally:
        page.run("byId('as-drawn').click()")


def test_a_chart_that_is_of_another_digit_is_dimmed(page: Page) -> None:
    behind = "return ['through-chart', 'through-words'].map((i) => byId(i).className)"
    assert page.run(behind) == ["", ""]
    page.all("#sample-digits button")[7].click()
    assert page.run("readDrawing(); " + behind) == ["behind", "behind"]
    page.until(lambda: page.run(behind) == ["", ""])


def test_moments_that_are_missing_are_told(page: Page) -> None:
    def told() -> str:
        return str(page.run("return byId('through-words').textContent"))

    assert "missing" not in told()
    gone = (
        "window.networks = through.stops.map(({ network }) => network);"
        "through.stops.slice(0, arguments[0]).forEach((stop) => { stop.network = null; });"
        "showThrough()"
    )
    count = page.run("return through.stops.length")
    try:
        page.run(gone, count - 1)
        page.until(
            lambda: (
                told() == f"Your digit is answered 4. {count - 1} of {count} moments are missing."
            )
        )
    finally:
        page.run("networks.forEach((network, i) => { through.stops[i].network = network; })")
        page.run("showThrough()")
    page.until(lambda: "missing" not in told())
    same = "through.answers = through.answers.map(() => through.answers.at(-1));"
    assert page.run(same + "return wordsOf(true)") == "Your digit is answered 4 all along."
    page.run("through.followed = null; showThrough()")


def test_it_plays_to_the_end(page: Page) -> None:
    page.run("goThrough(through.stops.length - 3)")
    play = page.one("#play")
    play.click()
    assert play.text == "Stop"
    page.until(lambda: play.text == "Play")
    assert page.text("#moment-told").startswith("as it ended")
    play.click()
    assert page.text("#moment-told").startswith("before the first update")
    page.one("#moment").send_keys(Keys.ARROW_RIGHT)
    assert play.text == "Play", "who takes the slider holds it"


def test_a_pointer_drags_along_the_chart(page: Page) -> None:
    page.run(
        "const c = byId('through-chart'), r = c.getBoundingClientRect();"
        "const { left, column } = through.chart;"
        "c.dispatchEvent(new PointerEvent('pointerdown',"
        " { clientX: r.left + left + 2 * column, buttons: 1, bubbles: true }))"
    )
    assert page.run("return through.stop") == 2
    assert page.one("#moment").get_attribute("value") == "2"
    off = page.run(
        "const c = byId('through-chart').getBoundingClientRect();"
        "const s = byId('moment').getBoundingClientRect();"
        "const { left, column } = through.chart, n = through.stops.length - 1;"
        "return [s.left + 8 - c.left - left, s.right - 8 - c.left - left - n * column]"
    )
    assert np.abs(off).max() < 1, "the thumb stands below its column"


def test_the_map_and_the_digits_follow_the_moment(page: Page, run: RunFolder) -> None:
    page.one("#moment").send_keys(Keys.HOME)
    page.until(lambda: page.run("return crowd.network === live.network"))
    maps = crowd_payload(load(run.snapshot((0, 0))))["maps"]
    told = page.run("return crowd.maps['outputs'].points")
    np.testing.assert_allclose(told, maps["outputs"]["points"], atol=1e-9)
    page.run("showUnit({ k: 0, unit: 3 })")
    page.until(lambda: len(page.all("#exciting canvas")) == 6)


def test_one_step_is_walked_from_a_moment(page: Page, run: RunFolder) -> None:
    page.one("#moment").send_keys(Keys.HOME)
    page.one("#slowly").click()
    page.until(lambda: page.run("return window.step !== undefined && step.told !== null"))
    assert page.run("return byId('models').selectedOptions[0].text") == (
        "mine, before the first update"
    )
    x = np.array(page.run("return step.image")).astype("float32") / np.float32(255)
    target = page.run("return step.targets.indexOf(1)")
    step = take_one_step(load(run.snapshot((0, 0))), x, np.eye(10)[target], 0.1)
    assert page.run("return [step.told.loss, step.told.loss_after]") == [step.loss, step.loss_after]
    page.browser.get(page.origin)
    page.until(lambda: page.run("return through.stops.length && through.stops[0].network"))
    page.until(lambda: page.run("return through.stops.every(({ network }) => network)"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_the_page_hinders_anyone(page: Page, scheme: str) -> None:
    page.run("document.querySelector('#through details').open = true")
    assert hindrances(page.browser, scheme) == []


def test_a_model_without_snapshots_has_no_slider(page: Page, reader: Path) -> None:
    for name, shown in ((reader.name, False), ("mine", True)):
        next(option for option in page.all("#models option") if option.text == name).click()
        page.until(lambda name=name: page.run("return live.network.name") == name)
        page.until(lambda s=shown: page.one("#through").is_displayed() == s)
    page.until(lambda: page.run("return through.stops.every(({ network }) => network)"))


def test_another_model_that_is_to_come_is_not_shown_as_there(page: Page, reader: Path) -> None:
    def choose(name: str) -> None:
        next(option for option in page.all("#models option") if option.text == name).click()

    def walked() -> Any:
        return page.run(
            "byId('slowly').addEventListener('click', (e) => e.preventDefault(), { once: true });"
            "byId('slowly').click();"
            "const { model, moment } = JSON.parse(sessionStorage.getItem('step'));"
            "return [model, moment && moment.at]"
        )

    page.run("goThrough(0)")
    assert walked() == ["mine", "0-0"]
    page.one("#play").click()
    with page.held("api/network?"):
        choose(reader.name)
        assert page.text("#play") == "Play"
        page.run("goThrough(1)")
        assert page.text("#certainty") == "Loading the network …"
        assert page.run("return byId('result').classList.contains('behind')")
        assert walked() == [reader.name, None]
    with page.refused("api/network?", "it is broken"):
        choose("mine")
        page.until(lambda: page.text("#problem") == "it is broken")
        page.run("readDrawing()")
        assert page.text("#certainty") == "it is broken"
        assert not page.one("#through").is_displayed()
    choose(reader.name)
    choose("mine")
    page.until(lambda: page.one("#through").is_displayed())
    page.until(lambda: page.run("return through.stops.every(({ network }) => network)"))
    assert page.text("#certainty") != "it is broken"


def test_digits_that_excite_the_unit_of_another_moment_are_not_shown(page: Page) -> None:
    with page.held("api/exciting"):
        page.run("showUnit({ k: 0, unit: 3 })")
        page.run("goThrough(0)")
        page.until(lambda: page.run("return withheld.length") == 2)
        page.run("withheld[0]()")
        page.run(
            "return fetched('api/models').then((response) => response.text()).then(() => null)"
        )
        assert page.all("#exciting canvas") == []
        page.run("withheld[1]()")
        page.until(lambda: len(page.all("#exciting canvas")) == 6)
    page.run("goThrough(1)")
    assert page.all("#exciting canvas") == [], "nor the ones before, until others come"
    page.until(lambda: len(page.all("#exciting canvas")) == 6)


def test_a_snapshot_that_is_gone_is_told_of(page: Page) -> None:
    page.run("through.stops[1].network = null; through.stops[1].problem = 'it is gone'")
    page.run("goThrough(1)")
    page.run("readDrawing()")
    assert page.text("#certainty") == "it is gone"
    page.run("goThrough(2)")
    assert page.text("#certainty") != "it is gone"


def test_it_fits_a_phone(browser: Any, port: int) -> None:
    page = Page(browser, port, width=390, height=844)
    page.until(lambda: page.run("return through.stops.every(({ network }) => network)"))
    page.all("#sample-digits button")[4].click()
    for stop in (0, 5):
        page.run("goThrough(arguments[0])", stop)
        assert page.run("return document.documentElement.scrollWidth") <= 390
        assert page.one("#through-chart").is_displayed()
