"""Links out of the documents, in the site: to copies of files, or to nothing but their words."""

from __future__ import annotations

from typing import Any

import pytest
from source import ROOT, load_script

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def outside() -> Any:
    return load_script(DOCS / "extensions" / "outside.py")


@pytest.mark.parametrize(
    ("link", "becomes"),
    [
        ("[the log](../bench/LOG.md)", "[the log](path:../bench/LOG.md)"),
        ("[a part](../bench/README.md#machine)", "[a part](path:../bench/README.md)"),
        ("[`backends/`](../backends)", "`backends/`"),
        ("[the tour](tour.md#2-the-epoch)", "[the tour](tour.md#2-the-epoch)"),
        ("[above](#heading)", "[above](#heading)"),
        ("[a page](https://example.org/a.md)", "[a page](https://example.org/a.md)"),
        ("![a picture](../docs/terminal.png)", "![a picture](../docs/terminal.png)"),
    ],
)
def test_a_link(outside: Any, link: str, becomes: str) -> None:
    page = DOCS / "figures.md"
    assert outside.rewritten(f"See {link}.", page, DOCS) == f"See {becomes}."
