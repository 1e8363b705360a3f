"""How a dataset is read where it leaves a choice: what a user may say about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mlp.common.errors import UsageError
from mlp.common.option import check_types, option
from mlp.common.whole import as_whole

GROUP = "Data"
"""The heading of these options in the help."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The choices in reading a dataset; the defaults are those of every command.

    Each field's metadata says what it is; ``mlp train --help`` shows it.

    Raises:
        UsageError: if a value is of another type or out of its range.
    """

    classes: int | None = option(
        None, "How many classes there are, where the data lacks some of them.", group=GROUP
    )
    test: float = option(
        0.2,
        "Of a dataset without a test set, what to hold out for it: a share below 1 or a count.",
        group=GROUP,
    )
    label: str | None = option(
        None,
        "The label's column of a table: its name, or its number from 0, or from -1 for the last. "
        "Else the column called label, class, target or the like. Columns of 0 and 1, one for each "
        "class: all of them, as cat,dog.",
        group=GROUP,
        metavar="COLUMN",
    )
    drop: str | None = option(
        None, "Columns of a table to leave out, as id,name.", group=GROUP, metavar="COLUMNS"
    )
    test_file: str | None = option(
        None, "Another file, with the test rows of the dataset.", group=GROUP, metavar="FILE"
    )
    size: int | None = option(
        None,
        "Scale pictures of any sizes to this height and width, in pixels.",
        group=GROUP,
    )
    handwriting: bool = option(
        False,
        "Bring pictures of handwriting to MNIST's form, as mlp predict does.",
        group=GROUP,
    )
    missing: Literal["refuse", "mean"] = option(
        "refuse",
        "What becomes of missing values: refuse them, or fill in their column's mean.",
        group=GROUP,
        metavar="refuse|mean",
    )

    def chosen(self) -> dict[str, Any]:
        """Return the choices that are not the defaults, as JSON holds them."""
        default = asdict(Reading())
        told = asdict(self.from_any_folder())
        return {name: value for name, value in told.items() if value != default[name]}

    def from_any_folder(self) -> Reading:
        """Return the same choices, with the path of the test rows written out."""
        if self.test_file is None:
            return self
        return replace(self, test_file=str(Path(self.test_file).absolute()))

    def __post_init__(self) -> None:
        check_types(self)
        if self.classes is not None and (as_whole(self.classes) or 0) < 2:
            raise UsageError(f"--classes takes a whole number of at least 2, not {self.classes}")
        if not (0 < self.test < 1 or (self.test >= 1 and self.test % 1 == 0)):
            raise UsageError(
                f"--test takes a share between 0 and 1 or a whole count, not {self.test:g}"
            )
        if self.size is not None and not 1 <= (as_whole(self.size) or 0) <= 1024:
            raise UsageError(f"--size takes a whole number from 1 to 1024, not {self.size}")
        if self.size is not None and self.handwriting and self.size != 28:
            raise UsageError("--handwriting makes images of 28 x 28: leave --size away")
        if self.missing not in ("refuse", "mean"):
            raise UsageError(f"--missing takes refuse or mean, not {self.missing!r}")
