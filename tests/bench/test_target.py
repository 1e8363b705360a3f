"""The race to an accuracy: all arms train in turn until they reach it."""

from __future__ import annotations

from bench.harness.arms import OURS, ours
from bench.harness.machine import Provenance
from bench.target import document, markdown, race
from mlp.data.dataset import Dataset
from mlp.training.recipe import Recipe


def test_this_project_races_alone(dataset: Dataset) -> None:
    recipe = Recipe(epochs=2)
    (runner,) = race(
        [ours()], dataset, (4,), recipe, target=0.0, seeds=2, trials=1, settle=0.0
    )  # fmt: skip
    assert [len(run.accuracies) for run in runner.runs] == [1, 1]
    assert all(run.reached for run in runner.runs)
    text = markdown([runner], (4,), recipe, 0.0, Provenance())
    assert f"| {OURS} | as it comes | 1 (1–1) |" in text
    assert document([runner], recipe, Provenance())["arms"][OURS]["runs"][1]["seed"] == 1
    runner.runs[0].reached = False
    assert "reached in 1 of 2" in markdown([runner], (4,), recipe, 0.0, Provenance())
