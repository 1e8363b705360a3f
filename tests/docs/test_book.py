"""The book: every block of its chapters and notebooks runs, and prints what stands below it."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import in_this_process
from documented import run_page
from source import ROOT

CHAPTERS = sorted((ROOT / "docs" / "book").glob("[0-9]*.md"))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_runs(
    chapter: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLP_OFFLINE", "1")
    assert run_page(chapter, in_this_process(tmp_path, monkeypatch, capsys)) >= 2


def test_what_a_page_does_not_print_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1 / 3)\n```\n\n```text\n0.34...\n```\n")
    with pytest.raises(AssertionError, match=r"page.md, line 6 shows\n0.34"):
        run_page(page, in_this_process(tmp_path, monkeypatch, capsys))
