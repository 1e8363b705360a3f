"""Blocks beside and below one another."""

from __future__ import annotations

from rich.text import Text
from screens import plain

from mlp.view.layout import flow


def test_blocks_flow_over_the_width() -> None:
    blocks = [[Text("aaaa"), Text("a")], [Text("bb")], [Text("cccc")], [Text("far too wide")]]
    assert plain(flow(blocks, 8)) == ["aaaa  bb", "a", "", "cccc", "", "far too "]
    assert flow([], 8) == []
