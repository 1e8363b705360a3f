"""Arms' processes: one starts over from the same place, and says so when it fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.harness.arm_process import ArmError, ArmProcess
from bench.harness.arms import Setting, ours
from bench.harness.job import Job
from bench.harness.workloads import plain_sgd


def test_a_process_starts_over_from_the_same_place(job: Job) -> None:
    with ArmProcess(ours(), Setting()) as process:
        process.prepare(replace(job, recipe=plain_sgd(128, 0.5)))
        fresh = process.accuracy()
        process.train(4)
        trained = process.accuracy()
        process.start(job.weights, 0)
        assert process.accuracy() == fresh != trained
        process.train(4)
        assert process.accuracy() == trained
        with pytest.raises(ArmError, match="AttributeError"):
            process._ask("no_such_thing")
