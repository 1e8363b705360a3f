"""Why a picture that opens well still cannot be read as one digit."""

from __future__ import annotations

from mlp.common.errors import DataError


class NothingToRead(DataError):  # noqa: N818
    """A picture without ink: a blank page, or one so faint that noise would be read."""

    def __init__(self) -> None:
        super().__init__(
            "there is nothing to read in this picture: "
            "write one digit with a pen that stands out from the paper, and fill more of the frame"
        )


class SeveralDigits(DataError):  # noqa: N818
    """A picture that holds a line of digits where one was expected.

    Attributes:
        count: how many digits were found.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(
            f"there are {count} digits in this picture where one was expected: "
            f"crop it to one of them, or read it as a line"
        )
