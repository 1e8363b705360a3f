"""The sentence for a name that is not among those to choose from, with the one probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

LONGEST, MOST = 100, 1_000
"""Characters of names that are compared, which takes their square, and how many names."""


def no_such(what: str, name: object, choices: Iterable[str]) -> str:
    """Say that there is no such thing, which name comes near, and which there are.

    Args:
        what: the kind of thing, such as ``"preset"``.
        name: what was asked for.
        choices: the names that there are.
    """
    names = list(choices)
    near = did_you_mean(name, names)
    return f"there is no {what} {name!r}{near}: choose one of {', '.join(names)}"


def did_you_mean(name: object, choices: Iterable[str]) -> str:
    """Return ``" (did you mean NAME?)"``, or nothing where no name comes near."""
    few = islice(choices, MOST)
    lowered = {choice.lower(): choice for choice in few if len(choice) <= LONGEST}
    near = get_close_matches(str(name).lower()[:LONGEST], lowered, n=1)
    return f" (did you mean {lowered[near[0]]}?)" if near else ""
