"""The page of one update in a real browser: its numbers are those of Python, to the bit.

Needs Chromium with its driver, and selenium; skipped without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from accessible import hindrances
from hard_pictures import STROKES
from served import serving
from visitor import Page, faults

from mlp.models.model_file import load, save
from mlp.nn.network import MLP
from mlp.training.one_step import take_one_step

pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys


@pytest.fixture(scope="module")
def page(browser: Any, reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page of one step, reached by its link from a drawing that was read."""
    folder = tmp_path_factory.mktemp("models")
    save(MLP([784, 10], seed=4), folder / "plain.safetensors")
    with serving("--model", reader, "--models", folder) as port:
        page = Page(browser, port)
        page.draw(STROKES[4])
        page.reads("4")
        page.one("#slowly").click()
        page.until(lambda: page.run("return window.step !== undefined && step.told !== null"))
        yield page
    assert faults(browser) == []


def parts(page: Page, title: str) -> dict[str, Any]:
    """The numbers of a stage, as the page has them, once it shows it."""
    page.run("go(step.told.stages.findIndex((stage) => stage.title === arguments[0]))", title)
    assert page.text("#title") == title
    told = page.run("return step.told.stages[step.at].parts")
    return {part["name"]: np.array(part["values"]) for part in told}


def settled(page: Page, change: Callable[[], Any]) -> None:
    """Change something, and wait for the step that follows."""
    page.run("step.told.old = true")
    change()
    page.until(lambda: not page.run("return step.told.old"))


def test_the_numbers_are_those_of_python(page: Page, reader: Path) -> None:
    settled(page, lambda: page.all("#labels button")[9].click())
    image = np.array(page.run("return step.image"))
    x = image.astype("float32") / np.float32(255)
    step = take_one_step(load(reader), x, np.eye(10)[9], 0.1)
    u, v = page.run("return step.units")
    first, relu, last = step.passes[:3]
    shown = parts(page, "Forward through layer 1, 784 → 64: Linear")
    np.testing.assert_array_equal(shown["x"], x)
    np.testing.assert_array_equal(shown["y"], first.y)
    np.testing.assert_array_equal(
        shown[f"W[:, {u}]"], step.part(step.before, first.layer, "W")[:, u]
    )
    assert page.text("#formula") == "y = x W + b."
    assert "self.xp.matmul(x, self.W, out=y)" in page.text("#code")
    assert page.text("#place").startswith("mlp/nn/layers.py, line ")
    np.testing.assert_array_equal(parts(page, "Forward through layer 1: ReLU")["y"], relu.y)
    shown = parts(page, "Back through layer 2, 64 → 10: Linear")
    np.testing.assert_array_equal(shown["dy"], last.dy)
    np.testing.assert_array_equal(shown["dx"], last.dx)
    shown = parts(page, "The update of layer 2, 64 → 10: Linear")
    np.testing.assert_array_equal(
        shown[f"W[:, {v}] after"], step.part(step.after, last.layer, "W")[:, v]
    )
    shown = parts(page, "The answer before and after")
    assert shown["after"][9] > shown["before"][9]
    assert page.run("return [step.told.loss, step.told.loss_after]") == [step.loss, step.loss_after]


def test_the_numbers_are_told_where_one_points(page: Page) -> None:
    values = parts(page, "Forward through layer 1: ReLU")["x"]
    canvas = page.one("#parts canvas")
    ActionChains(page.browser).move_to_element(canvas).perform()
    told = page.text("#parts output")
    at = int(told[told.index("[") + 1 : told.index("]")])
    assert 0 < at < 64
    assert float(told.split("=")[1].replace("−", "-")) == values[at]
    canvas.send_keys(Keys.ARROW_RIGHT)
    assert page.text("#parts output").startswith(f"x[{at + 1}] = ")


def test_another_unit_is_chosen_and_looked_at(page: Page) -> None:
    parts(page, "Forward through layer 1, 784 → 64: Linear")
    y = page.all("#parts canvas")[-1]
    unit = page.run("return step.units[0]")
    settled(page, lambda: y.send_keys(Keys.ARROW_LEFT if unit else Keys.ARROW_RIGHT, Keys.ENTER))
    assert page.run("return step.units[0]") == (unit - 1 if unit else 1)
    assert f"W[:, {page.run('return step.units[0]')}]" in page.text("#parts")


def test_a_rate_and_updates_are_chosen_by_their_sliders(page: Page) -> None:
    loss = page.run("return step.told.loss")
    settled(page, lambda: page.one("#taken").send_keys(Keys.ARROW_RIGHT * 3))
    assert page.text("#taken-told") == "3"
    assert page.run("return step.told.loss") < loss
    settled(page, lambda: page.one("#rate").send_keys(Keys.HOME))
    assert page.text("#rate-told") == "0.001"
    settled(page, lambda: page.all("#samples button")[7].click())
    assert page.run("return step.targets.indexOf(1)") == 7


def test_the_arrows_walk_through_the_stages(page: Page) -> None:
    page.run("go(0)")
    count = page.run("return step.told.stages.length")
    page.one("body").send_keys(Keys.ARROW_RIGHT * count)
    assert page.text("#title") == "The answer before and after"
    assert not page.one("#next").is_enabled()
    page.one("#back").click()
    assert page.text("#title").startswith("The update of layer 2")
    assert len(page.all("#strip [aria-current=step]")) == 1


def choose(page: Page, name: str) -> None:
    next(option for option in page.all("#models option") if option.text == name).click()


def test_an_answer_to_a_choice_that_was_changed_is_left_out(page: Page, reader: Path) -> None:
    page.run(
        "window.fetched = fetch; window.late = 0;"
        "window.fetch = async (path, ...rest) => {"
        "  const answer = await fetched(path, ...rest);"
        "  if (path.includes('plain')) {"
        "    await new Promise((done) => setTimeout(done, 300));"
        "    setTimeout(() => { late += 1; }, 50);"
        "  }"
        "  return answer;"
        "};"
    )
    try:
        choose(page, "plain.safetensors")
        settled(page, lambda: choose(page, reader.name))
        page.until(lambda: page.run("return late") == 1)
        assert page.run("return [step.linear, step.told.units.length]") == [2, 2]
        assert not page.one("#problem").is_displayed()
    finally:
        page.run("window.fetch = fetched")


def test_nothing_is_asked_of_a_network_that_cannot_be_had(page: Page, reader: Path) -> None:
    with page.refused("", "it is gone"):
        choose(page, "plain.safetensors")
        page.until(lambda: page.text("#problem") == "it is gone")
        assert page.run("return refusals") == 1
    settled(page, lambda: choose(page, reader.name))
    assert not page.one("#problem").is_displayed()


@pytest.mark.parametrize(
    ("scheme", "title"),
    [("light", "How wrong that is"), ("dark", "Forward through layer 1: ReLU")],
)
def test_nothing_on_the_page_hinders_anyone(page: Page, scheme: str, title: str) -> None:
    parts(page, title)
    assert hindrances(page.browser, scheme) == []


def test_it_fits_a_phone(page: Page) -> None:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for at in range(page.run("return step.told.stages.length")):
        page.run("go(arguments[0])", at)
        assert page.run("return document.documentElement.scrollWidth") <= 390, at
    nodes = page.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    for node in nodes:
        told = {p["name"]: p["value"].get("value") for p in node.get("properties", ())}
        if told.get("focusable"):
            assert node["name"]["value"], node
