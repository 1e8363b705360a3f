"""Which classes are taken for which, the most frequent first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from mlp.view.bars import draw_bars
from mlp.view.screen import Screen


def draw_confusions(
    confusion: NDArray[np.int64], names: Sequence[str], screen: Screen, count: int
) -> list[Text]:
    """Draw a bar for each of the most frequent confusions, the largest first.

    A bar shows the fraction of the label's images that are confused so.

    Args:
        confusion: shape (C, C): row the label, column what was read.
        names: of the C classes.
        screen: where it is to be shown.
        count: how many confusions at most; those that never happen are left out.
    """
    totals = np.maximum(confusion.sum(axis=1), 1)  # (C,)
    errors = confusion * ~np.eye(len(confusion), dtype=bool)  # (C, C)
    fractions = errors / totals[:, None]  # (C, C)
    count = min(count, int(np.count_nonzero(errors)))
    worst = np.argsort(-fractions, axis=None, kind="stable")[:count]
    pairs = [divmod(int(flat), len(confusion)) for flat in worst]
    if not pairs:
        return []
    captions = [
        f"{errors[label, read]} of {totals[label]}: {names[label]} read as {names[read]}"
        for label, read in pairs
    ]
    return draw_bars(fractions.flat[worst], captions, screen, full=float(fractions.max()))
