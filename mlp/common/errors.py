"""What can go wrong in a way that its user can mend, and the exit code each kind ends in."""

from __future__ import annotations

from mlp.common.printable import printable


class MLPError(Exception):
    """A failure that the user can mend: one sentence that says what happened and what to do.

    What it quotes from a file is made harmless to print, and cut where it is long; see `printable`.
    """

    exit_code = 1

    def __init__(self, sentence: str) -> None:
        super().__init__(printable(sentence))


class UsageError(MLPError):
    """An option or a combination of options that makes no sense."""

    exit_code = 2


class DataError(MLPError):
    """Data that is missing, damaged or of another kind than it should be."""


class ModelError(MLPError):
    """A model file that is missing, damaged or does not fit the data."""


class DivergedError(MLPError):
    """A training run whose loss is no longer finite, or that has learnt nothing in its end."""

    exit_code = 3


def in_words(error: Exception) -> str:
    """Return the reason that an error gives, which for a missing key is the key alone."""
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)
