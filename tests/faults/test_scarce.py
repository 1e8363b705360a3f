"""A training that runs out of something ends with a sentence and its last epoch, or goes on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from scarce import MB, PLUGINS, RECIPES, Shortage, suffer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it limits another process")

ENDS = {
    Shortage("AS", 50 * MB): "the program cannot be loaded",
    Shortage("NOFILE", 3, after=2): "Too many open files",
    Shortage("NOFILE", 3, after=2, run=True): "goes on from checkpoint-00001",
    Shortage("FSIZE", 0): "File too large",
    Shortage("FSIZE", 0, after=2): "what was written last is as after epoch",
}


@pytest.mark.parametrize("shortage", ENDS, ids=lambda shortage: shortage.title)
def test_it_ends_with_a_sentence_and_its_last_epoch(shortage: Shortage, tmp_path: Path) -> None:
    assert ENDS[shortage] in suffer(shortage, tmp_path)


@pytest.mark.parametrize(
    "shortage",
    [Shortage("AS", 600 * MB), Shortage("NOFILE", 8, run=True)]
    + [Shortage(what) for what in PLUGINS],
    ids=lambda shortage: shortage.title,
)
def test_it_goes_on(shortage: Shortage, tmp_path: Path) -> None:
    assert suffer(shortage, tmp_path) == ""


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("megabytes", [0, 100])
def test_whatever_little_memory_is_left(recipe: str, megabytes: int, tmp_path: Path) -> None:
    suffer(Shortage("AS", megabytes * MB, after=2, recipe=recipe), tmp_path)
