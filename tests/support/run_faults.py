"""Spoils each call of a training run in a folder, or kills it there, and resumes it."""

from __future__ import annotations

import contextlib
import errno
import os
from functools import partial
from pathlib import Path

from faults import TEMPORARY, Tally, spread
from injector import Injector, is_killed
from writers import command

from mlp.training.runs.folder import RunFolder
from mlp.training.runs.settings import read_settings
from mlp.training.state import load_state

TINY = ("--hidden", 4, "--epochs", 2, "--batch-size", 16, "--device", "cpu")
TRAIN = ("train", "--dataset", "synthetic:40+20", *TINY)


def try_run(place: Path, most: int | None = None) -> Tally:
    """Try all faults; see `faults.try_all`.

    Raises:
        AssertionError: if a file is there but not whole, the run cannot be gone on with, or ends
            in another model than one that nothing happened to.
    """
    place, tally = place.resolve(), Tally()
    with contextlib.chdir(place):  # where a model goes that its folder does not take
        train(place / "whole")
        model = RunFolder(place / "whole").model.read_bytes()
        counter = Injector(place / "counted", 0, lambda: None, lasting=False)
        with counter.patched():
            train(place / "counted")
        for n in spread(counter.calls, most):
            for number, lasting in ((errno.ENOSPC, False), (errno.EIO, True)):
                folder = place / f"{number}-{n}"
                _fail(folder, n, number, lasting, model, tally)
                tally.errors += 1
            folder = place / f"kill-{n}"
            assert is_killed(folder, n, partial(train, folder)), n
            _check(folder, model, f"killed at call {n}")
            tally.kills += 1
    return tally


def train(folder: Path) -> None:
    """Train a tiny network into a new folder."""
    command(*TRAIN, "--run", folder)


def _fail(folder: Path, n: int, number: int, lasting: bool, model: bytes, tally: Tally) -> None:
    def spoil() -> None:
        raise OSError(number, os.strerror(number))

    injector = Injector(folder, n, spoil, lasting)
    sentence = None
    try:
        with injector.patched():
            train(folder)
    except RuntimeError as error:
        sentence = str(error)
    what = f"{os.strerror(number)}, call {n}, {injector.spoiled}: {sentence}"
    assert injector.spoiled, what
    if sentence is None:
        assert RunFolder(folder).model.read_bytes() == model, what
    else:
        assert "\n" not in sentence, what
        assert os.strerror(number) in sentence, what
        tally.sentences.append(sentence)
    _check(folder, model, what)


def _check(folder: Path, model: bytes, what: str) -> None:
    """Check that all that is there is whole, and that the run can be gone on with."""
    run = RunFolder(folder)
    if folder.exists():
        for path in run.checkpoints():
            load_state(path)
        assert not run.model.exists() or run.model.read_bytes() == model, what
    if run.settings.exists():
        read_settings(run.settings)
        command("train", "--resume", folder)
    else:
        train(folder)
    assert run.model.read_bytes() == model, what
    assert not [path for path in folder.iterdir() if TEMPORARY.fullmatch(path.name)], what
