"""The site runs the book's pages while it is built, where Sphinx is installed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from source import ROOT, load_script

pytest.importorskip("sphinx")

PAGE = "# A page\n\n```python\nprint({value})\n```\n\n```text\n3\n```\n"


@pytest.mark.parametrize(("value", "told"), [("1 + 2", 0), ("1 + 3", 1), ("1 / 0", 1)])
def test_a_page_that_shows_something_else_is_a_warning(
    value: str, told: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed: Any = load_script(ROOT / "docs" / "extensions" / "executed.py")
    page = tmp_path / "book" / "01-page.md"
    page.parent.mkdir()
    page.write_text(PAGE.format(value=value), encoding="utf-8")
    warned: list[str] = []
    monkeypatch.setattr(executed, "RUN_WHOLE", [page])
    monkeypatch.setattr(
        executed, "LOGGER", SimpleNamespace(warning=lambda *told, location: warned.append(location))
    )
    monkeypatch.setenv("MLP_OFFLINE", "1")
    here = Path.cwd()
    app = SimpleNamespace(srcdir=tmp_path)
    executed.run_pages(app, None, {"index"})
    assert warned == []
    executed.run_pages(app, None, {"book/01-page"})
    assert warned == ["book/01-page"] * told
    assert Path.cwd() == here
