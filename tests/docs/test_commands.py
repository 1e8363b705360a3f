"""The reference of commands, where Sphinx is installed: all of them, with all of their options."""

from __future__ import annotations

import importlib.util

import pytest
from source import ROOT

pytest.importorskip("sphinx")


def test_every_command_is_there() -> None:
    path = ROOT / "docs" / "extensions" / "commands.py"
    spec = importlib.util.spec_from_file_location("commands", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lines = list(module.pages())
    headings = {line.removeprefix("## ") for line in lines if line.startswith("## ")}
    assert {"mlp train", "mlp show weights", "mlp data convert"} <= headings
    assert any(
        line.startswith("| `--hidden N,N,…` | Widths of the hidden layers") for line in lines
    )
    assert "| `--style blocks\\|greys` |" in "\n".join(lines)
    assert module.escaped("a|b *c*\n [d]") == "a\\|b \\*c\\* \\[d\\]"
