"""The network as circles in a real browser: what is shown, found, switched off and looked for.

Needs Chromium with its driver, and selenium; skipped without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from accessible import hindrances
from served import serving
from visitor import Page, faults

from mlp.models.formats.parameters import on_cpu
from mlp.models.model_file import load, save
from mlp.nn.layers import Linear
from mlp.nn.network import MLP

pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

IMAGE = (np.arange(784) * 11 % 256).astype(np.uint8)
HIDDEN = [(16, 16), (256, 128)]


def file_of(hidden: tuple[int, ...]) -> str:
    return f"{'-'.join(map(str, hidden))}.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for hidden in HIDDEN:
        save(MLP([784, *hidden, 10], "tanh", seed=4), folder / file_of(hidden))
    save(MLP([784, 10], seed=4), folder / "plain.safetensors")
    return folder


@pytest.fixture(scope="module")
def port(reader: Path, folder: Path) -> Iterator[int]:
    with serving("--model", reader, "--models", folder) as port:
        yield port


@pytest.fixture(scope="module")
def opened(browser: Any, port: int) -> Iterator[Page]:
    yield Page(browser, port)
    assert faults(browser) == []


@pytest.fixture
def page(opened: Page, reader: Path) -> Page:
    """The page as one finds it, with a sample of 4 on the board."""
    opened.run("showUnit(null); scrollTo(0, 0)")
    if opened.run("return live.network.name") != reader.name:
        choose_model(opened, reader.name)
    opened.all("#sample-digits button")[4].click()
    opened.reads("4")
    opened.until(lambda: opened.run("return circles.digit !== null && circles.frame === 0"))
    return opened


def choose_model(page: Page, name: str) -> None:
    next(option for option in page.all("#models option") if option.text == name).click()
    page.until(lambda: page.run("return live.network.name") == name)
    page.until(lambda: page.run("return circles.network === live.network && circles.frame === 0"))


def counts(page: Page) -> list[int]:
    columns: list[int] = page.run("return circles.columns.map(({ slots }) => slots.length)")
    return columns


def words(page: Page) -> list[str]:
    told: list[str] = page.run("return [...byId('circles-words').children].map(i => i.textContent)")
    return told


@pytest.mark.parametrize("hidden", HIDDEN)
def test_each_layer_shows_the_units_that_matter(page: Page, hidden: tuple[int, ...]) -> None:
    choose_model(page, file_of(hidden))
    assert counts(page) == [16, 16, 10]
    page.until(lambda: len(words(page)) == 3)
    left = [f"{n} units" if n <= 16 else f"16 of {n} units shown, {n - 16} left" for n in hidden]
    page.until(lambda: all(told in said for told, said in zip(left, words(page), strict=False)))
    assert page.run(
        "return circles.columns.every(({ slots }) => slots.every((s) => s.shown === s.target))"
    )
    lit = page.run("return circles.columns[0].slots.map(({ unit, shown }) => [unit, shown])")
    answers = page.run("return shown.result.digits[0].activations[0]")
    assert all(answers[unit] == value for unit, value in lit)
    colours = page.run(
        "const c = byId('circles');"
        "const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
        "return new Set(new Uint32Array(data.buffer)).size"
    )
    assert colours > 100


def test_the_circles_are_found_by_pointer_and_keyboard(page: Page) -> None:
    spot = page.run("return circles.places.find(({ k }) => k === 0)")
    box = page.run("const r = byId('circles').getBoundingClientRect(); return [r.width, r.height]")
    canvas = page.one("#circles")
    away = int(spot["x"] - box[0] / 2), int(spot["y"] - box[1] / 2)
    ActionChains(page.browser).move_to_element_with_offset(canvas, *away).click().perform()
    unit = spot["unit"]
    assert page.text("#circle-told").startswith(f"layer 1, unit {unit}: answers ")
    assert page.text("#unit-name") == f"layer 1, unit {unit}"
    assert "It looks for ink most " in page.text("#unit-says")
    assert page.run("return scrollY") == 0
    canvas.send_keys(Keys.ARROW_RIGHT, Keys.ENTER)
    assert page.text("#unit-name").startswith("output ")
    assert not page.one("#unit-off").is_displayed()
    canvas.send_keys(Keys.ESCAPE)
    assert not page.one("#unit").is_displayed()
    assert page.text("#digit") == "4", "Escape closes the unit and leaves the drawing"


def test_a_unit_that_is_switched_off_adds_nothing(page: Page, reader: Path) -> None:
    whole = page.run("return mlp.read(arguments[0]).outputs", IMAGE.tolist())
    unit = page.run("const s = circles.places[0]; showUnit(s); return s.unit")
    page.one("#unit-off").click()
    page.until(lambda: "switched off" in page.text("#unit-says"))
    model = on_cpu(load(reader), "float64")
    model.linear[1].W[unit] = 0
    expected = model.forward((IMAGE.astype("float32") / np.float32(255)).astype(float)[None])[0]
    read = page.run("return mlp.read(arguments[0]).outputs", IMAGE.tolist())
    np.testing.assert_allclose(read, expected, rtol=1e-6)
    page.one("#all-on").click()
    assert page.run("return mlp.read(arguments[0]).outputs", IMAGE.tolist()) == whole


@pytest.mark.parametrize(("k", "unit"), [(0, 3), (1, 7), (2, 9)])
def test_the_image_it_looks_for_is_that_of_the_programs_own_backward_pass(
    page: Page, folder: Path, k: int, unit: int
) -> None:
    choose_model(page, file_of(HIDDEN[0]))
    found = page.run("return mlp.ascend(arguments[0], arguments[1])", k, unit)
    model = on_cpu(load(folder / file_of(HIDDEN[0])), "float64")
    below = model.layers[: model.layers.index(model.linear[k]) + 1]
    first = below[0]
    assert isinstance(first, Linear)
    first.needs_dx = True
    x = np.zeros((1, 784))
    for _ in range(page.run("return ASCENT.steps")):
        y = x
        for layer in below:
            y = layer.forward(y)
        dy: Any = np.eye(y.shape[1])[unit : unit + 1]
        for layer in reversed(below):
            dy = layer.backward(dy)
        x = np.clip(0.98 * x + 0.05 * dy / np.abs(dy).max(), 0, 1)
    np.testing.assert_allclose(found, x[0], atol=1e-5)
    assert np.ptp(x) > 0.5


def test_the_digit_lies_among_others_on_a_map(page: Page) -> None:
    page.until(lambda: "Its nearest neighbours here are " in page.text("#map-words"))
    for by in ("pixels", "outputs"):
        next(option for option in page.all("#map-by option") if option.text == by).click()
        place = page.run("return crowd.place")
        told = page.run("return crowd.maps[arguments[0]]", by)
        digit = "shown.result.digits[0]"
        of_it = f"{digit}.image" if by == "pixels" else f"{digit}.activations.at(-1)"
        values = np.array(page.run(f"return [...{of_it}]")) / (255 if by == "pixels" else 1)
        expected = (values - told["mean"]) @ np.array(told["axes"]).T
        np.testing.assert_allclose(place, expected, rtol=1e-9)
        away = ((np.array(told["points"]) - place) ** 2).sum(axis=1)
        labels = np.array(page.run("return crowd.labels"))[np.argsort(away, kind="stable")[:5]]
        assert f"are {', '.join(labels.astype(str))}." in page.text("#map-words")
    page.run("showUnit(circles.places[0])")
    page.until(lambda: len(page.all("#exciting canvas")) == 6)


def test_it_lies_among_its_neighbours_on_a_map_by_t_sne(page: Page) -> None:
    pytest.importorskip("sklearn", reason="t-SNE is scikit-learn's")
    by = "last hidden layer, t-SNE"
    page.until(lambda: page.run("return crowd.place !== null"))
    asked = page.run("return `api/crowd?${queryOf(live.network)}&by=last%20hidden%20layer`")
    urlopen(page.origin + asked).close()  # the server then knows, however long it took
    next(option for option in page.all("#map-by option") if option.text == by).click()
    page.until(lambda: "t-SNE lays out" in page.text("#map-words"))
    page.run("window.laid = crowd.maps[arguments[0]]", by)
    points = np.array(page.run("return laid.points"))
    rows = page.run("return laid.rows.map((row) => [...row].map((v) => v * laid.unit))")
    values = np.array(page.run("return [...shown.result.digits[0].activations.at(-2)]"))
    away = ((np.array(rows) - values) ** 2).sum(axis=1)
    nearest = np.argsort(away, kind="stable")[:5]
    weights = 1 / (away[nearest] + 1e-9)
    place = (weights[:, None] * points[nearest]).sum(axis=0) / weights.sum()
    np.testing.assert_allclose(page.run("return crowd.place"), place, rtol=1e-6, atol=1e-9)
    labels = np.array(page.run("return crowd.labels"))[nearest]
    assert f"are {', '.join(labels.astype(str))}." in page.text("#map-words")
    next(option for option in page.all("#map-by option") if option.text == "outputs").click()


def test_the_map_is_drawn_anew_for_another_network(page: Page) -> None:
    page.until(lambda: page.run("return crowd.place !== null"))
    loads = page.run("return crowd.loads")
    choose_model(page, file_of(HIDDEN[0]))
    page.until(lambda: page.run("return crowd.loads") == loads + 1)
    kept = page.run("return crowd.others.toDataURL()")
    page.run("crowd.drawn = ''; showMap()")
    assert page.run("return crowd.others.toDataURL()") == kept


def test_where_no_map_comes_that_is_told_and_the_one_before_is_gone(page: Page) -> None:
    by = "last hidden layer"
    page.until(lambda: page.run("return crowd.place !== null"))
    next(option for option in page.all("#map-by option") if option.text == by).click()
    with page.refused("api/crowd", "it grows"):
        choose_model(page, "plain.safetensors")
        page.until(lambda: page.text("#map-words") == "There is no map: it grows.")
        page.run("showMap()")
        assert page.run("return [crowd.place, byId('map').width]") == [None, 0]
        assert not page.one("#map-by").is_enabled()


def test_a_server_that_is_gone_is_told_of(page: Page) -> None:
    page.run("window.fetched = fetch; window.fetch = () => Promise.reject(new TypeError())")
    try:
        page.run("showUnit(circles.places[0])")
        page.until(lambda: "The server does not answer" in page.text("#problem"))
    finally:
        page.run("window.fetch = fetched; byId('problem').hidden = true")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_the_page_hinders_anyone(page: Page, scheme: str) -> None:
    page.run("showUnit(circles.places[0]); document.querySelector('details').open = true")
    assert hindrances(page.browser, scheme) == []


def test_motion_is_left_out_where_it_is_not_wanted(page: Page) -> None:
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        assert page.run(
            "cancelAnimationFrame(circles.frame); circles.frame = 0;"
            "for (const slot of circles.columns[0].slots) slot.shown = 0;"
            "nextFrame();"
            "return circles.frame === 0"
            " && circles.columns[0].slots.every((s) => s.shown === s.target)"
        )
    finally:
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
