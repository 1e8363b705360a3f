"""Committees and claims: how votes are taken, and when a published figure is reached."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from toys import toy_dataset
from typer.testing import CliRunner

from backends import get_backend
from mlp.cli import app
from mlp.common.errors import DivergedError
from mlp.models.predict import probabilities
from mlp.training.architecture import Architecture
from mlp.training.history import Epoch, History
from mlp.training.loop import train
from mlp.training.presets.preset import Claim, Preset, load_preset, preset_names
from mlp.training.presets.reproduce import compare, run_seeds
from mlp.training.recipe import Recipe

CPU = get_backend("cpu")
DATA = toy_dataset(test=200)
PRESET = Preset(
    name="toy",
    description="three small networks",
    architecture=Architecture(hidden=(8,)),
    recipe=Recipe(epochs=2, batch_size=10),
    claims=(),
    members=3,
)


def test_the_members_vote_with_their_mean_probabilities() -> None:
    predicted, alone = np.zeros((200, 5)), []
    for seed in (3, 4, 5):  # the second committee's
        recipe = dataclasses.replace(PRESET.recipe, seed=seed)
        model = PRESET.architecture.build(16, 5, recipe.loss, seed, CPU)
        alone.append(train(model, DATA, recipe).epochs[-1])
        predicted += probabilities(model, DATA.test.images)
    vote = run_seeds(PRESET, DATA, 2, CPU)[1].epochs[-1]
    assert vote.test_accuracy == (predicted.argmax(axis=1) == DATA.test.labels).mean()
    assert vote.epoch == 2
    assert vote.loss == pytest.approx(np.mean([epoch.loss for epoch in alone]))
    assert len({epoch.test_accuracy for epoch in alone}) > 1


def test_a_committee_is_held_against_its_claim() -> None:
    claim = Claim(
        what="x", measure="test_accuracy", epochs=(2,), figures=(0.0,), within=0.0, of="at_least"
    )
    preset = dataclasses.replace(PRESET, claims=(claim,))
    (finding,) = compare(preset, run_seeds(preset, DATA, 2, CPU))
    assert finding.reproduced
    assert finding.low <= finding.ours[0] <= finding.high


@pytest.mark.parametrize("dropout", [0.0, 0.1])  # side by side, and one after another
def test_one_that_learns_nothing_is_an_error(dropout: float) -> None:
    recipe = dataclasses.replace(PRESET.recipe, lr=1e30, momentum=0.0, dropout=dropout)
    with pytest.raises(DivergedError, match="too high"):
        run_seeds(dataclasses.replace(PRESET, recipe=recipe), DATA, 1, CPU)


def test_an_interrupt_ends_it() -> None:
    def interrupts(seed: int, epoch: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_seeds(PRESET, DATA, 1, CPU, interrupts)


def test_its_epochs_are_told_with_their_seed() -> None:
    told: list[tuple[int, int]] = []
    run_seeds(PRESET, DATA, 1, CPU, lambda seed, epoch: told.append((seed, epoch)))
    assert sorted(told) == [(seed, epoch) for seed in range(3) for epoch in (1, 2)]


@pytest.mark.parametrize(
    ("accuracies", "holds"),
    [([0.99, 0.993, 0.999], True), ([0.9, 0.9921, 1.0], True), ([0.99, 0.9919, 1.0], False)],
)
def test_at_least_holds_from_just_below_the_figure_up(accuracies: list[float], holds: bool) -> None:
    histories = [History([Epoch(1, 0.1, 1.0, value, None, 1.0)]) for value in accuracies]
    claim = Claim(
        what="x", measure="test_accuracy", epochs=(1,), figures=(0.993,), within=0.001,
        of="at_least",
    )  # fmt: skip
    assert claim.holds(histories) is holds


def test_one_model_file_is_not_asked_of_a_committee() -> None:
    committees = [name for name in preset_names() if load_preset(name).members > 1]
    assert committees
    for name in committees:
        result = CliRunner().invoke(app, ["train", "--preset", name])
        assert result.exit_code != 0
        assert f"mlp reproduce {name}" in str(result.exception or result.output)
