"""What the measurement of watching counts."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from toys import DATA, toy_model

from bench.watching import Counted, seconds_of
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.runs.watch_files import ABOUT, RunControl, WatchFiles


def test_the_callback_is_counted_and_does_its_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counted, "seconds", 0.0)
    WatchFiles(tmp_path).ask(RunControl())
    before = time.thread_time()
    train(toy_model(), DATA, Recipe(epochs=2), callbacks=[Counted(WatchFiles(tmp_path))])
    assert 0 < Counted.seconds < time.thread_time() - before
    assert (tmp_path / ABOUT).is_file()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_seconds_of_a_process_grow_as_it_works() -> None:
    before = seconds_of(os.getpid())
    while time.process_time() < before + 0.1:
        pass
    assert seconds_of(os.getpid()) > before
