"""Why no single digit can be extracted from a picture that opened well."""

from __future__ import annotations

from mlp.common.errors import DataError


class NoDigit(DataError):  # noqa: N818
    """The picture holds no ink: the page is blank, or so faint that noise would pass for ink."""

    def __init__(self) -> None:
        super().__init__(
            "there is nothing to read in this picture: "
            "write one digit with a pen that stands out from the paper, and fill more of the frame"
        )


class SeveralDigits(DataError):  # noqa: N818
    """The picture holds several digits where one was expected.

    Attributes:
        count: how many digits were found.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(
            f"there are {count} digits in this picture where one was expected: "
            f"crop it to one of them, or read them all with --many"
        )
