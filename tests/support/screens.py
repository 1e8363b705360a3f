"""What several tests of the views draw, and how they look at it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.text import Text

from mlp.models.metadata import Metadata
from mlp.view.mistakes import Case

NAMES = [str(digit) for digit in range(10)]
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (3, 28, 28), dtype=np.uint8)
METADATA = Metadata(
    history=tuple(
        {"epoch": e, "loss": 1.0 / e, "train_accuracy": 0.9, "test_accuracy": 1 - 0.1 / e}
        for e in range(1, 101)
    )
)


def plain(lines: Sequence[Text]) -> list[str]:
    """The lines without their colours."""
    return [line.plain for line in lines]


def case(contributions: list[np.ndarray] | None = None) -> Case:
    """A mistake with probabilities, and contributions unless they are given, at random."""
    active = contributions or [RNG.normal(size=784), RNG.normal(size=36)]
    caption = "test image 7: 3, read as 8, 99.00% sure"
    return Case(caption, IMAGES[0], RNG.dirichlet(np.ones(10)), active)
