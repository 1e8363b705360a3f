"""Which classes are taken for which, the most frequent first."""

from __future__ import annotations

import numpy as np
from screens import plain

from mlp.view.confusions import draw_confusions
from mlp.view.screen import Screen


def test_confusions_are_ranked_by_their_share() -> None:
    confusion = np.array([[90, 10, 0], [1, 8, 1], [0, 0, 5]])
    lines = plain(draw_confusions(confusion, ["a", "b", "c"], Screen(), 10))
    assert [line.split(" |")[0].split(": ")[1] for line in lines] == [
        "a read as b",
        "b read as a",
        "b read as c",
    ]
    assert draw_confusions(np.eye(3, dtype=np.int64), ["a", "b", "c"], Screen(), 10) == []
