"""Workers: one starts over from the same place, and says so when it fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.harness.arms import Setting, ours
from bench.harness.job import Job
from bench.harness.worker import Worker, WorkerError
from bench.harness.workloads import plain_sgd


def test_a_worker_starts_over_from_the_same_place(job: Job) -> None:
    with Worker(ours(), Setting()) as worker:
        worker.prepare(replace(job, recipe=plain_sgd(128, 0.5)))
        fresh = worker.accuracy()
        worker.train(4)
        trained = worker.accuracy()
        worker.start(job.weights, 0)
        assert worker.accuracy() == fresh != trained
        worker.train(4)
        assert worker.accuracy() == trained
        with pytest.raises(WorkerError, match="AttributeError"):
            worker._ask("no_such_thing")
