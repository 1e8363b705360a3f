"""The comparison with peers: what it writes, and that it notices when the work is not the same."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cpu import run
from bench.growth import Point, flops, make_images, measure
from bench.harness.arms import OURS, Arm, Setting, ours
from bench.harness.contest import Contest, Entry, find_best
from bench.harness.job import Task, write_dataset, write_weights
from bench.harness.report import contest_document, contest_markdown, save
from bench.harness.worker import Worker, WorkerError
from bench.harness.workloads import Workload
from bench.overhead import shrunk, times, update_of
from mlp.data.dataset import Dataset, Split
from mlp.training.recipe import Recipe

MACHINE = {
    "processor": "P",
    "cores": 1,
    "memory_gib": 1.0,
    "system": "S",
    "python": "3",
    "load_before": 0.0,
    "commit": "c",
}
TINY = Workload(hidden=(4,), batch_size=32, lr=0.1)
ONCE = {"repeats": 2, "trials": 1, "settle": 0.0}

LIAR = """
import json, sys
ANSWERS = {"prepare": {"versions": {}}, "train": {"seconds": 0.5}, "evaluate": {"accuracy": 0.5}}
for line in sys.stdin:
    print(json.dumps(ANSWERS[json.loads(line)["do"]]), flush=True)
"""


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Images whose class is the row that is inked."""
    labels = (np.arange(320) % 10).astype(np.uint8)
    images = np.zeros((320, 28, 28), np.uint8)
    images[np.arange(320), labels] = 255
    split = Split(images, labels)
    return Dataset("rows", "a test", 10, split, split[:60])


@pytest.fixture
def task(dataset: Dataset, tmp_path: Path) -> Task:
    write_dataset(dataset, tmp_path)
    write_weights(tmp_path / "w.npz", (784, 4, 10), 0)
    return Task(data=str(tmp_path), weights=str(tmp_path / "w.npz"), sizes=(784, 4, 10))


def stub(tmp_path: Path, text: str) -> Arm:
    """An arm whose worker is a script."""
    script = tmp_path / "stub.py"
    script.write_text(text)
    return Arm("stub", (sys.executable, str(script)), (Setting(),))


def entry(accuracy: float, *seconds: float) -> Entry:
    return Entry(setting="s", seconds=list(seconds), accuracy=accuracy)


def test_this_project_alone_gives_json_and_a_table(dataset, tmp_path):
    contests = run([TINY], [ours()], dataset, **ONCE)
    document = contest_document(contests, MACHINE)
    save(document, contest_markdown(contests, MACHINE), tmp_path / "cpu")

    (contest,) = json.loads((tmp_path / "cpu.json").read_text())["contests"]
    mine = contest["entries"][OURS]
    assert len(mine["seconds"]) == 2
    assert all(0 < s < 10 for s in mine["seconds"])
    assert 0 <= mine["accuracy"] <= 1
    assert "numpy" in mine["versions"]
    assert contest["ratio"] is None  # nobody to compare with
    assert contest["failure"] is None
    lines = (tmp_path / "cpu.md").read_text().splitlines()
    assert any(re.match(r"\| 784-4-10 b32 \| \d", line) for line in lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cpu.json", "cpu.md"]


def test_an_arm_that_reaches_another_accuracy_is_a_failure(dataset, tmp_path):
    arms = [ours(), stub(tmp_path, LIAR)]
    contests = run([replace(TINY, lr=1e-6, tolerance=0.01)], arms, dataset, **ONCE)
    document = contest_document(contests, MACHINE)
    assert len(document["failures"]) == 1
    assert "stub 50.00%" in document["failures"][0]
    assert document["failures"][0] in contest_markdown(contests, MACHINE)
    assert contests[0].ratio.peer == "stub"


def test_the_ratio_is_to_the_best_peer_turn_by_turn():
    contest = Contest(
        "w",
        1,
        0.01,
        {
            OURS: entry(0.90, 1.0, 3.0, 2.0),
            "slow": entry(0.90, 9.0, 9.0, 9.0),
            "quick": entry(0.905, 2.0, 2.0, 4.0),
            "absent": Entry(absent="not installed"),
        },
    )
    assert contest.ratio == ("quick", 0.5, 0.5, 1.5)
    assert contest.failure is None
    contest.entries["slow"].accuracy = 0.92
    assert "slow 92.00%" in contest.failure


def test_a_library_that_is_not_installed_is_absent_and_a_crash_is_told(task, tmp_path):
    missing = stub(tmp_path, 'input(); print(\'{"missing": "torch"}\')')
    assert find_best(missing, task, 1, 1)[1].absent == "torch is not installed"
    crash = stub(tmp_path, "raise SystemExit('out of paper')")
    setting, told = find_best(crash, task, 1, 1)
    assert setting is None
    assert "out of paper" in next(iter(told.tried.values()))


def test_a_worker_starts_over_from_the_same_place(task):
    task = replace(task, recipe=Recipe(lr=0.5, schedule="constant", warmup=0.0))
    with Worker(ours(), Setting()) as worker:
        worker.prepare(task)
        fresh = worker.accuracy()
        worker.train(4)
        trained = worker.accuracy()
        worker.start(task.weights, 0)
        assert worker.accuracy() == fresh != trained
        worker.train(4)
        assert worker.accuracy() == trained
        with pytest.raises(WorkerError, match="AttributeError"):
            worker._ask("no_such_thing")


def test_growth_measures_a_mapped_file(tmp_path):
    make_images(tmp_path, 500)
    result = measure(Point("images", 500, 500, (8,), "mapped"), tmp_path, repeats=1)
    assert result.images_per_second == pytest.approx(500 / result.seconds[0])
    assert flops((784, 8, 10)) == 2 * (2 * 784 * 8) + 3 * (2 * 8 * 10)
    assert result.peak_bytes is None or result.peak_bytes > result.start_bytes * 0.5


def test_the_overhead_is_that_of_the_same_calls_on_next_to_nothing() -> None:
    calls = update_of((16, 16), 32)
    small = [shrunk(call) for call in calls]
    assert [call.func for call in small] == [call.func for call in calls]
    for call, other in zip(small, calls, strict=True):
        for a, b in zip(call.args, other.args, strict=True):
            assert np.shape(a) == tuple(min(side, 2) for side in np.shape(b))
    assert len(times(small, 3)) == 3
