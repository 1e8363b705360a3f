"""The report on machines that are healthy, and on some that are broken in each way."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from cublas_stand_in import Cublas
from cuda_stand_in import install
from cupy_stand_in import StandIn

from backends import BackendError
from backends.cuda import checks
from backends.cuda.kernels import Kernels
from mlp.benchmark import doctor
from mlp.benchmark.doctor import Report, Speed, examine, wheel_problems
from mlp.benchmark.machine import describe_machine
from mlp.benchmark.parity import Parity

WHEEL12, WHEEL13 = "cupy-cuda12x 14.2.0", "cupy-cuda13x 14.2.0"


@pytest.fixture(autouse=True)
def one_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed here must not matter."""
    monkeypatch.setattr(checks, "installed_wheels", lambda: (WHEEL12,))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.setattr(doctor, "open_replay", lambda: print)


def without_cupy(monkeypatch: pytest.MonkeyPatch, driver: int) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)  # so that importing it fails
    monkeypatch.setattr(checks, "driver_version", lambda: driver)
    monkeypatch.setattr(checks, "installed_wheels", tuple)


def test_kernels_for_another_processor_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not examine("cpu", 0).problems
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    [problem] = examine("cpu", 0).problems
    assert "kernels for Haswell" in problem.sentence
    assert problem.command == "unset OPENBLAS_CORETYPE"


@pytest.mark.skipif(sys.platform != "linux", reason="steps are compiled on Linux alone")
def test_steps_that_are_not_compiled_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "open_replay", lambda: None)
    [problem] = examine("cpu", 0).problems
    assert "no C compiler (cc)" in problem.sentence


def test_two_wheels_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "installed_wheels", lambda: (WHEEL12, WHEEL13))
    monkeypatch.setattr(checks, "driver_version", lambda: 13000)
    install(monkeypatch, StandIn())
    [problem] = examine(seconds=0).problems
    assert problem.sentence.startswith("2 CuPy wheels are installed and share their files")
    assert problem.command == (
        "pip uninstall -y cupy-cuda12x cupy-cuda13x && pip install 'cupy-cuda13x[ctk]'"
    )
    assert not list(wheel_problems(checks.CudaFacts((WHEEL12,), None, None, ())))


def test_a_machine_without_a_gpu_is_told_so_and_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    without_cupy(monkeypatch, 0)
    monkeypatch.setattr("mlp.benchmark.doctor.LADDER", ((4,),))
    report = examine(seconds=0.01)
    [problem] = report.problems
    assert problem.sentence.startswith("CuPy cannot be imported")
    assert problem.command == "pip install 'cupy-cuda12x[ctk]'"
    [speed] = report.speeds
    assert (speed.device, speed.hidden) == ("cpu", (4,))
    assert speed.images_per_second > 0
    assert not report.differing


def test_the_cpu_alone_needs_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    without_cupy(monkeypatch, 0)
    assert examine("cpu", seconds=0).problems == []


def test_a_gpu_that_was_asked_for_must_work(monkeypatch: pytest.MonkeyPatch) -> None:
    without_cupy(monkeypatch, 0)
    with pytest.raises(BackendError, match="CuPy cannot be imported"):
        examine("cuda", seconds=0)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A machine with two GPUs."""
    cupy = StandIn(devices=2)
    install(monkeypatch, cupy)
    monkeypatch.setattr(checks, "driver_version", lambda: 12090)
    return cupy


def test_every_gpu_is_compared_with_the_cpu(gpus: StandIn) -> None:
    report = examine(seconds=0)
    assert list(report.parity) == ["cuda:0", "cuda:1"]
    assert not report.differing
    assert all(0 < c.difference < c.limit for cs in report.parity.values() for c in cs)
    assert [gpu.name for gpu in report.cuda.gpus] == ["a stand-in"] * 2
    assert ("replay", "") in gpus.events  # three epochs got that far
    assert list(examine("cuda:1", seconds=0).parity) == ["cuda:1"]


def test_a_gpu_that_computes_otherwise_fails(
    gpus: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = Kernels.column_sums

    def off(self: Kernels, a: Any, out: Any, *joined: Any) -> Any:
        true(self, a, out, *joined)
        out *= np.float32(1.001)
        return out

    monkeypatch.setattr(Kernels, "column_sums", off)
    report = examine("cuda:0", seconds=0)
    assert report.differing == ["cuda:0"]
    holds = {check.check: check.holds for check in report.parity["cuda:0"]}
    assert not holds["products and sums"]
    assert holds["softmax cross-entropy"]


def test_a_nan_is_no_parity() -> None:
    check = Parity("sums", float("nan"), 1e-5)
    report = Report(describe_machine(), checks.CudaFacts((), None, None, ()))
    report.parity["cuda:0"] = [check]
    assert report.differing == ["cuda:0"]


def test_the_network_size_that_a_gpu_pays_from() -> None:
    report = Report(describe_machine(), checks.CudaFacts((), None, None, ()))
    report.parity["cuda:0"] = []
    small, large = (16, 16), (1024, 1024)
    report.speeds = [
        *[Speed("cpu", small, 9e5), Speed("cuda:0", small, 5e5)],
        *[Speed("cpu", large, 3e3), Speed("cuda:0", large, 8e5)],
    ]
    assert report.smallest_network_won("cuda:0") == large
    report.speeds = report.speeds[:2]
    assert report.smallest_network_won("cuda:0") is None


@pytest.mark.cuda
def test_the_first_gpu_is_well(cuda: Any) -> None:
    report = examine(cuda.name, seconds=0)
    assert not report.differing
    assert not report.problems


def test_a_failing_cublas_is_a_problem_of_its_gpu_alone(
    gpus: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = iter([Cublas(gpus, failing="cublasCreate"), Cublas(gpus)])
    monkeypatch.setattr("backends.cuda.device.load_cublas", lambda major: next(libraries))
    report = examine(seconds=0)
    assert list(report.parity) == ["cuda:1"]
    assert "cublasCreate failed" in report.problems[0].sentence
