"""The reference of commands, where Sphinx is installed: all of them, with all of their options."""

from __future__ import annotations

import pytest
from source import ROOT, load_script

pytest.importorskip("sphinx")


def test_every_command_is_there() -> None:
    module = load_script(ROOT / "docs" / "extensions" / "commands.py")
    lines = list(module.pages())
    headings = {line.removeprefix("## ") for line in lines if line.startswith("## ")}
    assert {"mlp train", "mlp show weights", "mlp data convert"} <= headings
    assert any(
        line.startswith("| `--hidden N,N,…` | Widths of the hidden layers") for line in lines
    )
    assert "| `--style blocks\\|greys` |" in "\n".join(lines)
    assert module.escaped("a|b *c*\n [d]") == "a\\|b \\*c\\* \\[d\\]"
