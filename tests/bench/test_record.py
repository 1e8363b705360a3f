"""Records: a mean over seeds, whole schedules, and a row of the page only where one is due."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from bench import record
from bench.harness.arms import OURS, ours, peers
from bench.harness.comparison import Entry
from bench.harness.machine import Provenance
from bench.record import HEAD, RECORDS, Mean, Outcome, Record
from bench.target import Run, Runner
from mlp.data.dataset import Dataset
from mlp.training.recipe import Recipe

TINY = Record(0.05, (4,), Recipe(epochs=2))


def outcome(*accuracies: float, target: float = 0.98) -> Outcome:
    """What this project's runs of one epoch came to, and an arm that did not run."""
    runs = [Run(seed, 1.0 + seed, [accuracy]) for seed, accuracy in enumerate(accuracies)]
    absent = Runner(peers("python")[0], Entry(absent="torch is not installed"), 1)
    arms = [Runner(ours(), Entry("as it comes"), 1, runs), absent]
    return Outcome(Record(target, (16,), Recipe()), arms)


def page(folder: Path) -> Path:
    path = folder / "records.md"
    path.write_text(f"before\n{record.BEGIN}\n{record.END}\nafter\n")
    return path


def test_each_seed_trains_to_the_end_of_its_schedule(dataset: Dataset) -> None:
    (found,) = record.run([TINY], [ours()], dataset, seeds=2, trials=1, settle=0.0)
    (runner,) = found.runners
    assert [len(run.accuracies) for run in runner.runs] == [2, 2]
    assert [run.seed for run in runner.runs] == [0, 1]
    assert found.failure is None
    text = record.markdown([found], Provenance())
    assert f"| {OURS} | as it comes | 784-4-10, batch 128, rate 0.15, 2 epochs | 2 |" in text
    assert found.to_dict()["arms"][OURS]["runs"][1]["seed"] == 1


def test_a_mean_comes_with_its_standard_error() -> None:
    assert Mean.of([1.0, 2.0, 3.0]) == Mean(2.0, 1.0 / math.sqrt(3.0))
    assert math.isnan(Mean.of([1.0]).error)


def test_the_mean_decides_and_not_each_run() -> None:
    assert outcome(0.97, 0.991).failure is None
    missed = outcome(0.97, 0.989)
    assert missed.failure is not None
    assert missed.failure.endswith("reached 97.950% where 98.0 % is asked")
    text = record.markdown([missed], Provenance())
    assert "97.950 ± 0.950 %, missed | 1.500 ± 0.500 |" in text
    assert "- PyTorch eager is absent: torch is not installed" in text
    assert "Not a record" in text


def test_rows_of_another_commit_stay_and_of_this_one_go(tmp_path: Path) -> None:
    path = page(tmp_path)
    assert len(HEAD) == 10
    first, again, other = (
        ["98.0 %", commit, "a machine", "mlp", "", "a net", "30", "98.1", seconds, "a day"]
        for commit, seconds in (("aaa", "1.0"), ("aaa", "0.9"), ("bbb", "0.8"))
    )
    for row in (first, again, other):
        record.write(path, [row])
    lines = path.read_text().splitlines()
    assert lines[0], lines[-1] == ("before", "after")
    assert [line.split(" | ")[8] for line in lines[4:-2]] == ["0.9", "0.8"]
    path.write_text("no marks")
    with pytest.raises(ValueError, match="has no place for the table: add the lines"):
        record.write(path, [first])


@pytest.mark.parametrize(
    ("seeds", "commit", "accuracy", "reason"),
    [
        (29, "abc", 0.99, "the mean of 30 seeds or more: give --seeds 30"),
        (30, "abc-dirty", 0.99, "commit what has changed first"),
        (30, "abc", 0.97, "reached 97.000% where 98.0 % is asked"),
        (30, "abc", 0.99, None),
    ],
)
def test_the_page_gets_a_row_where_one_is_due(
    seeds: int,
    commit: str,
    accuracy: float,
    reason: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = page(tmp_path)
    found = outcome(*[accuracy] * seeds)
    monkeypatch.setattr(record, "run", lambda *_, **__: [found])
    monkeypatch.setattr(record, "load_digits", lambda folder: folder)
    monkeypatch.setattr(record, "Provenance", lambda: Provenance(commit=commit))
    options = ["--seeds", str(seeds), "--write", str(path), "--out", str(tmp_path)]
    assert record.main(options) == (0 if reason is None else 1)
    assert (reason or "") in capsys.readouterr().err
    assert (OURS in path.read_text()) == (reason is None)
    assert (tmp_path / "record.json").exists()
    assert (tmp_path / "record.md").exists()


def test_targets_are_chosen_by_their_per_cent() -> None:
    assert [found.target for found in record.choose(RECORDS, ["98.5"])] == [0.985]
