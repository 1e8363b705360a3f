"""``mlp doctor``: how a report is written, for people and as JSON."""

from __future__ import annotations

import json
import sys

import pytest
from command import Command

from backends.cuda.checks import CudaFacts, Gpu
from mlp.benchmark.doctor import Problem, Report, Speed
from mlp.benchmark.machine import describe_machine
from mlp.benchmark.parity import Parity
from mlp.cli.doctor import doctor


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Report:
    """A machine with a GPU that computes one thing wrongly."""
    gpu = Gpu(0, "a GPU", "9.0", 60 * 2**30, 80 * 2**30)
    report = Report(
        describe_machine(),
        CudaFacts(("cupy-cuda12x 14.2.0",), "12.9", "12.8", (gpu,)),
        [Problem("something does not work", "mend it"), Problem("nor does that", None)],
        {"cuda:0": [Parity("sums", 1e-7, 1e-5), Parity("products", float("nan"), 1e-5)]},
        [Speed("cpu", (16,), 9e5), Speed("cuda:0", (16,), 1e6)],
    )
    monkeypatch.setattr(sys.modules[doctor.__module__], "examine", lambda device, seconds: report)
    return report


@pytest.mark.usefixtures("report")
def test_people_are_told_line_by_line(mlp: Command) -> None:
    result = mlp("doctor")
    assert result.code == 1, "a GPU that differs"
    for line in (
        "CuPy: cupy-cuda12x 14.2.0, built for CUDA 12.8",
        "NVIDIA driver: serves CUDA up to 12.9",
        "cuda:0: a GPU, compute capability 9.0, 60.0 of 80.0 GiB free, images on tensor cores",
        "! something does not work",
        "  $ mend it",
        "cuda:0 against the CPU:",
        "  cuda:0 pays from 784-16-10 on",
    ):
        assert line in result.out.splitlines(), line
    assert "sums                      the same: 1.0e-07 apart" in result.out
    assert "products                  DIFFERENT" in result.out


def test_tensor_cores_that_take_no_bf16_are_told(mlp: Command, report: Report) -> None:
    old = report.cuda.gpus[0]._replace(capability="7.5")
    report.cuda = report.cuda._replace(gpus=(old, old._replace(capability="12.0")))
    out = mlp("doctor").out
    assert "capability 7.5, 60.0 of 80.0 GiB free, images in float32 (bf16 needs 8.0)" in out
    assert "capability 12.0, 60.0 of 80.0 GiB free, images on tensor cores" in out


@pytest.mark.usefixtures("report")
def test_json_holds_the_same(mlp: Command) -> None:
    result = mlp("doctor", "--json")
    told = json.loads(result.out)
    assert result.code == 1
    assert set(told) == {"machine", "cuda", "problems", "parity", "speeds", "pays_from"}
    assert told["cuda"]["gpus"][0]["name"] == "a GPU"
    assert [check["holds"] for check in told["parity"]["cuda:0"]] == [True, False]
    assert told["parity"]["cuda:0"][1]["difference"] is None, "NaN is no JSON"
    assert told["pays_from"] == {"cuda:0": [16]}


def test_a_gpu_that_never_pays_is_told(report: Report, mlp: Command) -> None:
    report.speeds = [Speed("cpu", (16,), 9e5), Speed("cuda:0", (16,), 5e5)]
    assert "  cuda:0 trains none of these faster than the CPU" in mlp("doctor").out.splitlines()
