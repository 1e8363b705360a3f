"""Links out of the documents, in the site: to copies of files, or to nothing but their words."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
from source import ROOT

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def outside() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outside", DOCS / "extensions" / "outside.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
def test_a_link(outside: ModuleType, link: str, becomes: str) -> None:
    page = DOCS / "figures.md"
    assert outside.rewritten(f"See {link}.", page, DOCS) == f"See {becomes}."
