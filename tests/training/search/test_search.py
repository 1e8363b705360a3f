"""A search in processes: halving, stopping and going on, and what diverges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mlp.common.errors import MLPError
from mlp.common.quiet import quiet
from mlp.training.architecture import Architecture
from mlp.training.recipe import Recipe
from mlp.training.runs.settings import DataSettings, DeviceSettings, Settings
from mlp.training.search.folder import SearchFolder, SearchPlan
from mlp.training.search.halving import TrialResult
from mlp.training.search.pool import Pool, TrialProcess
from mlp.training.search.search import Found, search
from mlp.training.search.space import with_values

BASE = Settings(
    network=Architecture(hidden=(8,)),
    training=Recipe(epochs=4, batch_size=20),
    data=DataSettings(dataset="synthetic:300+10"),
    device=DeviceSettings(device="cpu"),
)
RATES = [{"lr": lr} for lr in (0.1, 1e-6, 1e-5, 1e30, 0.05, 1e-4)]
PLAN = SearchPlan(RATES, [1, 2, 4], 2, "accuracy", 0.2)


def begin(path: Path, plan: SearchPlan = PLAN, base: Settings = BASE) -> SearchFolder:
    folder = SearchFolder(path)
    with folder.begun(plan, [with_values(base, values) for values in plan.trials], quiet):
        pass
    return folder


def without_time(found: Found) -> list[TrialResult]:
    return [replace(result, seconds=0.0) for result in found.results]


def test_a_search_ends_with_the_best_however_often_it_was_stopped(tmp_path: Path) -> None:
    folder, told = begin(tmp_path / "whole"), []
    whole = search(folder, PLAN, [None, None], on_result=told.append)
    assert whole.is_complete
    assert whole.best is not None
    assert whole.best.trial in (0, 4)
    assert whole.best.epochs == 4
    assert [result.epochs for result in whole.results] == [4, 2, 2, 1, 1, 1]
    assert whole.results[-1].trial == 3
    assert whole.results[-1].diverged is not None
    assert len(told) == 6 + 3 + 1
    assert not list(folder.path.glob("trial-*/*"))
    again = search(folder, PLAN, [None], on_result=lambda result: pytest.fail(str(result)))
    assert again == whole

    stopped = begin(tmp_path / "stopped")
    for stop_after in (1, 2, 3, 100):
        seen: list[TrialResult] = []
        found = search(
            stopped, PLAN, [None],
            stopped=lambda seen=seen, most=stop_after: len(seen) >= most, on_result=seen.append,
        )  # fmt: skip
        assert found.is_complete == (stop_after == 100)
    assert without_time(found) == without_time(whole)


@pytest.mark.parametrize(("done", "processes"), [(0, 6), (2, 4), (5, 3), (6, 3)])
def test_as_many_run_at_a_time_as_the_largest_rung_that_is_left_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int, processes: int
) -> None:
    started: list[int] = []

    @contextmanager
    def fake(path: Path, cores: Sequence[None], warn: object) -> Iterator[Pool]:
        started.append(len(cores))
        yield Idle([])

    class Idle(Pool):
        def __init__(self, processes: list[TrialProcess]) -> None:
            pass

        def results(
            self, trials: Iterable[int], epochs: int, stopped: Callable[[], bool]
        ) -> Iterator[TrialResult]:
            return (TrialResult(trial, epochs, 0.5, 1.0, 0.0) for trial in trials)

    monkeypatch.setattr("mlp.training.search.search.pool", fake)
    folder = begin(tmp_path / "s")
    for trial in range(done):
        folder.add(TrialResult(trial, 1, 0.5, 1.0, 0.0))
    assert search(folder, PLAN, [None] * 8).is_complete
    assert started == [processes]


def test_all_run_to_the_end_where_none_is_dropped(tmp_path: Path) -> None:
    plan = replace(PLAN, trials=RATES[:2], rungs=[2], factor=1)
    base = replace(BASE, training=replace(BASE.training, epochs=2))
    found = search(begin(tmp_path / "s", plan, base), plan, [None])
    assert [result.epochs for result in found.results] == [2, 2]


def test_there_is_no_best_where_all_diverge(tmp_path: Path) -> None:
    plan = replace(PLAN, trials=[{"lr": 1e30}, {"lr": 1e31}], rungs=[1, 4])
    found = search(begin(tmp_path / "s", plan), plan, [None])
    assert found.is_complete
    assert found.best is None


def test_a_trial_that_cannot_be_trained_is_lost_and_ends_no_search(tmp_path: Path) -> None:
    plan = replace(PLAN, trials=[{"freeze": "7"}, {"freeze": "1"}], rungs=[1])
    folder = begin(tmp_path / "s", plan)
    found = search(folder, plan, [None])
    assert found.is_complete
    assert [result.trial for result in found.results] == [1, 0]
    assert "there are 2 linear layers" in str(found.results[1].refused)
    assert search(folder, plan, [None]) == found  # the journal has it, too


def test_data_that_is_not_there_ends_the_search(tmp_path: Path) -> None:
    base = replace(BASE, data=DataSettings(dataset=str(tmp_path / "nowhere")))
    with pytest.raises(MLPError, match=r"trial \d"):
        search(folder := begin(tmp_path / "s", base=base), PLAN, [None])
    assert folder.results() == []


def test_trials_that_there_are_not_are_left_out(tmp_path: Path) -> None:
    plan = SearchPlan(RATES[:1], [1], 2, "accuracy", 0.2)
    folder = begin(tmp_path / "s", plan)
    for trial in (-1, 0, 1, 10**20):
        folder.add(TrialResult(trial, 1, 0.5, 1.0, 1.0))
    assert [result.trial for result in search(folder, plan, [None]).results] == [0]
