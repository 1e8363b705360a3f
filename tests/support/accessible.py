"""What hinders people on a page, as axe-core finds it by WCAG 2, level AA, and good practice."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

RUN = """
const done = arguments[arguments.length - 1];
const ends = (a) => a.effect.getComputedTiming().endTime < Infinity;
document.getAnimations().filter(ends).forEach((a) => a.finish());  // what fades in is faint
axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => done(
  violations.map(({ id, help, nodes }) => [id, help, nodes.map((n) => n.target.join(" "))])));
"""


def hindrances(browser: Any, scheme: str = "light") -> list[str]:
    """Look at the page that is open, and list what hinders; skips the test without axe-core.

    Args:
        browser: driven by selenium.
        scheme: ``"light"`` or ``"dark"``.
    """
    pytest.importorskip("axe_core_python")
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        browser.execute_script((files("axe_core_python") / "axe.min.js").read_text("utf-8"))
        return [json.dumps(found) for found in browser.execute_async_script(RUN)]
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
