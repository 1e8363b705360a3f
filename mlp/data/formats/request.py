"""How a file is to be read: the user's choices, and whom to tell of what is found in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mlp.common.quiet import quiet
from mlp.data.formats.rows import Asked
from mlp.data.formats.splits import Progress
from mlp.data.reading import Reading


@dataclass(frozen=True)
class Request:
    """What every reader is given beside the file.

    Attributes:
        reading: the user's choices.
        progress: called with the number of images read so far, where reading takes long.
        note: called with a sentence about what is not plain.
        known: what a model reads of columns, where these are to be found by their names; None where
            a file tells what there is to learn.
    """

    reading: Reading = field(default_factory=Reading)
    progress: Progress = quiet
    note: Callable[[str], None] = quiet
    known: Asked | None = None
