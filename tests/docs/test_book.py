"""The book: every block of its chapters and notebooks runs, and prints what stands below it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import in_this_process
from documented import RUN_WHOLE, run_notebook, run_page
from source import ROOT
from threadpoolctl import threadpool_limits

DOCS = ROOT / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Products as small as a chapter's take longer by several threads that wait for each other."""
    with threadpool_limits(1):
        yield


@pytest.mark.parametrize("page", RUN_WHOLE, ids=lambda path: path.stem)
def test_a_page_runs(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLP_OFFLINE", "1")
    assert run_page(page, in_this_process(tmp_path, monkeypatch, capsys)) >= 1


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook: Path) -> None:
    run_notebook(notebook)
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells)  # they are made when the site is built


def test_the_pictures_are_small_and_shown() -> None:
    pictures = {path.name: path.stat().st_size for path in (DOCS / "book").glob("pictures/*.png")}
    text = "".join(page.read_text(encoding="utf-8") for page in RUN_WHOLE)
    assert {name for name in pictures if f"](pictures/{name})" not in text} == set()
    assert sum(pictures.values()) < 200_000


def test_what_a_page_does_not_print_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1 / 3)\n```\n\n```text\n0.34...\n```\n")
    with pytest.raises(AssertionError, match=r"page.md, line 6 shows\n0.34"):
        run_page(page, in_this_process(tmp_path, monkeypatch, capsys))
