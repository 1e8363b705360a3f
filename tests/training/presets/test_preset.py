"""The presets, and the verdicts on what they claim."""

from __future__ import annotations

import dataclasses

import pytest

from backends import get_backend
from mlp.cli.presets import HEADINGS, _print_markdown
from mlp.data.load import load_dataset
from mlp.training.history import Epoch, History
from mlp.training.loop import train
from mlp.training.presets.preset import Claim, load_preset, preset_names
from mlp.training.presets.reproduce import compare, run_seeds

DATA = load_dataset("synthetic:60+20")


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_trains(name: str) -> None:
    preset = load_preset(name)
    hidden = tuple(min(width, 16) for width in preset.architecture.hidden)
    architecture = dataclasses.replace(preset.architecture, hidden=hidden)
    recipe = dataclasses.replace(preset.recipe, epochs=1, warmup=0.0, validation=0)
    model = architecture.build(784, 10, recipe.loss, 0, get_backend("cpu"))
    start = model.parameters.copy()
    history = train(model, DATA, recipe)
    assert [epoch.epoch for epoch in history.epochs] == [1]
    assert (model.parameters != start).any()


@pytest.mark.parametrize("name", preset_names())
def test_every_claim_is_about_epochs_that_are_reported(name: str) -> None:
    preset = load_preset(name)
    every, last = preset.recipe.report_every, preset.recipe.epochs
    reported = {*range(1, last + 1, every), last}
    for claim in preset.claims:
        assert len(claim.epochs) == len(claim.figures)
        assert set(claim.epochs) <= reported


def runs(*accuracies: float) -> list[History]:
    """Histories of one epoch each, with these training accuracies."""
    return [History([Epoch(1, 0.5, a, 0.5, None, 1.0)]) for a in accuracies]


def claim(figure: float, of: str, within: float = 0.01) -> Claim:
    return Claim(
        what="train accuracy", measure="train_accuracy", epochs=(1,), figures=(figure,),
        within=within, of=of,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("of", "figure", "holds"),
    [
        ("median", 0.80, True),
        ("median", 0.805, True),
        ("median", 0.82, False),
        ("median", 0.78, False),
        ("range", 0.905, True),
        ("range", 0.695, True),
        ("range", 0.92, False),
        ("range", 0.68, False),
        ("at_least", 0.81, True),
        ("at_least", 0.1, True),
        ("at_least", 0.82, False),
    ],
)
def test_verdicts(of: str, figure: float, holds: bool) -> None:
    assert claim(figure, of).holds(runs(0.7, 0.8, 0.9)) is holds


def test_a_claim_about_several_epochs_must_hold_at_each() -> None:
    histories = [
        History([Epoch(1, 0.5, a, 0.5, None, 1.0), Epoch(2, 0.5, b, 0.5, None, 1.0)])
        for a, b in ((0.7, 0.8), (0.7, 0.8))
    ]
    both = dataclasses.replace(claim(0.0, "median"), epochs=(1, 2), figures=(0.7, 0.8))
    assert both.holds(histories)
    assert not dataclasses.replace(both, figures=(0.7, 0.9)).holds(histories)


def test_the_table_tells_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    preset = load_preset("diary-16")
    small = dataclasses.replace(
        preset,
        architecture=dataclasses.replace(preset.architecture, hidden=(8,)),
        recipe=dataclasses.replace(preset.recipe, epochs=1),
        claims=(claim(0.0, "range", within=1.0), claim(5.0, "median")),
    )
    told: list[tuple[int, int]] = []
    histories = run_seeds(small, DATA, 2, get_backend("cpu"), lambda s, e: told.append((s, e)))
    _print_markdown(compare(small, histories))
    lines = capsys.readouterr().out.splitlines()
    assert told == [(0, 1), (1, 1)]
    assert lines[0] == "| " + " | ".join(HEADINGS) + " |"
    assert lines[2].endswith("| reproduced |")
    assert lines[3].endswith("| not reproduced |")
