"""The options that the comparisons with peers have in common."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, TypeVar

from mlp.common.errors import MLPError
from mlp.data.dataset import Dataset
from mlp.data.mnist import load_mnist

RESULTS = Path(__file__).resolve().parent.parent / "results"


class Named(Protocol):
    """Something that has a name."""

    @property
    def name(self) -> str:
        """The name."""
        ...


NamedThing = TypeVar("NamedThing", bound=Named)


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every comparison with peers."""
    parser.add_argument(
        "--data", type=Path, help="MNIST's folder, if not MLP_DATA_DIR or the cache"
    )
    parser.add_argument("--python", default=sys.executable, help="the peers' interpreter")
    parser.add_argument("--arms", nargs="*", default=[], help="parts of the names of arms to run")
    parser.add_argument("--trials", type=int, default=3, help="turns for each setting tried")
    parser.add_argument("--settle", type=float, default=0.2, help="seconds of rest before a turn")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder for the results")


def load_digits(folder: Path | None) -> Dataset:
    """Load MNIST, or end the command with the sentence that says why not."""
    try:
        return load_mnist(folder)
    except MLPError as error:
        raise SystemExit(f"bench: {error}") from error


def choose(things: Iterable[NamedThing], parts: list[str]) -> list[NamedThing]:
    """Keep the things whose name contains one of the parts; all if there are no parts."""
    return [thing for thing in things if not parts or any(part in thing.name for part in parts)]
