"""What something costs that is done again and again, whatever held it up now and then."""

from __future__ import annotations


class Cost:
    """Seconds of the quickest time that something was done.

    Each time costs the same: what took longer was held up by something else. Of the first time
    alone that cannot be told, and so it costs nothing yet.

    Attributes:
        seconds: the cost as far as it is known.
    """

    def __init__(self) -> None:
        self.seconds, self._quickest = 0.0, float("inf")
        self._is_first = True

    def note(self, took: float) -> None:
        """Note that it was done once more, in so many seconds."""
        self._quickest = min(self._quickest, took)
        if not self._is_first:
            self.seconds = self._quickest
        self._is_first = False
