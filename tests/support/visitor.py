"""The pages, as their visitor sees and uses them in a browser that selenium drives."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By

PATIENCE = 20.0  # seconds


class Page:
    """The page, as its visitor sees it."""

    def __init__(self, browser: Any, port: int, width: int = 1200, height: int = 900) -> None:
        self.browser, self.origin = browser, f"http://127.0.0.1:{port}/"
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(self.origin)
        self.until(lambda: self.run("return live.network !== null"))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def one(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[Any]:
        found: list[Any] = self.browser.find_elements(By.CSS_SELECTOR, selector)
        return found

    def text(self, selector: str) -> str:
        return str(self.one(selector).text).strip()

    @contextmanager
    def refused(self, prefix: str, problem: str) -> Iterator[None]:
        """Let the server refuse what is asked of paths that begin so; count it as ``refusals``."""
        self.run(
            "const [prefix, problem] = arguments;"
            "window.fetched = fetch; window.refusals = 0;"
            "window.fetch = (path, ...rest) => {"
            " if (!path.startsWith(prefix)) return fetched(path, ...rest);"
            " refusals += 1;"
            " const told = JSON.stringify({ problem });"
            " return Promise.resolve(new Response(told, { status: 422 })); };",
            prefix,
            problem,
        )
        try:
            yield
        finally:
            self.run("window.fetch = fetched")

    @contextmanager
    def held(self, prefix: str) -> Iterator[None]:
        """Keep what is asked of paths that begin so, until ``withheld[n]()`` sends it."""
        self.run(
            "const [prefix] = arguments;"
            "window.fetched = fetch; window.withheld = [];"
            "window.fetch = (path, ...rest) => (path.startsWith(prefix)"
            " ? new Promise((go) => withheld.push(() => go(fetched(path, ...rest))))"
            " : fetched(path, ...rest))",
            prefix,
        )
        try:
            yield
        finally:
            self.run("window.fetch = fetched")

    def until(self, holds: Callable[[], Any], *, told: Callable[[], Any] = lambda: "") -> None:
        """Wait until something holds."""
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, told()
            time.sleep(0.05)

    def reads(self, text: str) -> None:
        """Wait until this is what is read."""
        self.until(lambda: self.text("#digit") == text, told=lambda: self.text("#result"))

    def draw(self, strokes: list[list[tuple[float, float]]], pointer: str = "mouse") -> None:
        """Draw strokes, points from 0 to 1, in the middle of the canvas."""
        left, top, width, height = self.run(
            "const r = document.getElementById('canvas').getBoundingClientRect();"
            "return [r.left, r.top, r.width, r.height]"
        )
        actions = ActionBuilder(self.browser, mouse=PointerInput(pointer, pointer), duration=10)
        for stroke in strokes:
            points = [
                (int(left + width * (0.28 + 0.45 * x)), int(top + height * (0.15 + 0.7 * y)))
                for x, y in stroke
            ]
            actions.pointer_action.move_to_location(*points[0])
            actions.pointer_action.pointer_down()
            for point in points[1:]:
                actions.pointer_action.move_to_location(*point)
            actions.pointer_action.pointer_up()
        actions.perform()

    def ink(self, canvas: str) -> float:
        """The share of a canvas that is darker than its middle grey."""
        return float(
            self.run(
                "const c = document.querySelector(arguments[0]);"
                "const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
                "let dark = 0; for (let i = 0; i < p.length; i += 4) dark += p[i] < 128;"
                "return dark / (c.width * c.height)",
                canvas,
            )
        )


def faults(browser: Any) -> list[str]:
    """Return what the browser's console was told went wrong, since it was asked last."""
    log = browser.get_log("browser")
    return [entry["message"] for entry in log if entry["level"] == "SEVERE"]
