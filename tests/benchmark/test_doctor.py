"""mlp doctor on machines that are healthy, and on some that are broken in each way."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer
from cuda_stand_in import Cublas, StandIn, install
from typer.testing import CliRunner

from backends import BackendError, get_backend
from backends.cuda import checks
from backends.cuda.blas import load_cublas
from backends.cuda.kernels import Kernels
from mlp.benchmark.doctor import Parity, Report, Speed, examine, wheel_problems
from mlp.benchmark.machine import describe_machine
from mlp.cli.doctor import as_dict, doctor, lines

WHEEL12, WHEEL13 = "cupy-cuda12x 14.2.0", "cupy-cuda13x 14.2.0"


@pytest.fixture(autouse=True)
def one_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed here must not matter."""
    monkeypatch.setattr(checks, "installed_wheels", lambda: (WHEEL12,))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)


def without_cupy(monkeypatch: pytest.MonkeyPatch, driver: int) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)  # so that importing it fails
    monkeypatch.setattr(checks, "driver_version", lambda: driver)


def run(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(doctor)
    return CliRunner().invoke(app, list(arguments))


# Devices that cannot be used


@pytest.mark.parametrize(
    ("driver", "command"),
    [(12040, "'cupy-cuda12x[ctk]'"), (13000, "'cupy-cuda13x[ctk]'"), (0, "'cupy-cuda12x[ctk]'")],
)
def test_a_missing_cupy_is_told_with_the_wheel_for_the_driver(
    monkeypatch: pytest.MonkeyPatch, driver: int, command: str
) -> None:
    without_cupy(monkeypatch, driver)
    with pytest.raises(BackendError, match="CuPy cannot be imported") as caught:
        get_backend("cuda")
    assert caught.value.command == f"pip install {command}"
    assert ("nor is an NVIDIA driver" in str(caught.value)) == (driver == 0)
    assert get_backend("auto").name == "cpu"


@pytest.mark.parametrize(
    ("machine", "index", "sentence", "command"),
    [
        ({"driver": 0}, 0, "no NVIDIA driver is loaded: install one", "nvidia-smi"),
        (
            {"driver": 12040, "runtime": 13000},
            0,
            r"serves CUDA up to 12\.4 but CuPy is built for 13\.0: update the driver, or change",
            "pip uninstall -y cupy-cuda13x && pip install 'cupy-cuda12x[ctk]'",
        ),
        (
            {"driver": 11080},
            0,
            r"serves CUDA up to 11\.8 but CuPy is built for 12\.9: update the driver$",
            "nvidia-smi",
        ),
        ({"devices": -1}, 0, r"lists no device \(cudaErrorNoDevice: no CUDA", "nvidia-smi"),
        ({"devices": 0}, 0, "no CUDA device is visible: see nvidia-smi", "nvidia-smi"),
        ({"devices": 1}, 1, "there is no cuda:1: choose cuda:0$", "--device cuda:0"),
        ({"devices": 3}, 7, "there is no cuda:7: choose cuda:0 to cuda:2", "--device cuda:2"),
    ],
)
def test_a_device_that_cannot_be_used_is_told(
    monkeypatch: pytest.MonkeyPatch,
    machine: dict[str, int],
    index: int,
    sentence: str,
    command: str,
) -> None:
    install(monkeypatch, StandIn(**machine))
    with pytest.raises(BackendError, match=sentence) as caught:
        get_backend(f"cuda:{index}")
    assert caught.value.command == command


def test_devices_that_the_environment_hides_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, StandIn(devices=0))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    with pytest.raises(BackendError, match=r"visible \(CUDA_VISIBLE_DEVICES is '7'\)") as caught:
        get_backend("cuda")
    assert caught.value.command == "unset CUDA_VISIBLE_DEVICES"


def test_a_library_that_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cupy = StandIn()
    cupy.broken = ImportError("libcublas.so.12: cannot open shared object file\nand more")
    install(monkeypatch, cupy)
    with pytest.raises(BackendError, match=r"file\): install the CUDA libraries") as caught:
        get_backend("cuda")
    assert caught.value.command == "pip install 'cupy-cuda12x[ctk]'"


def test_a_device_that_computes_wrongly_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    cupy = StandIn()
    install(monkeypatch, cupy)
    monkeypatch.setattr(cupy, "matmul", lambda a, b: a + b + b, raising=False)
    with pytest.raises(BackendError, match=r"a sum that is 8 came out as 12\.0"):
        get_backend("cuda")


def test_a_cublas_that_cannot_be_loaded_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> Any:
        raise OSError(f"{name}: no such file")

    monkeypatch.setitem(sys.modules, "cuda.pathfinder", None)
    monkeypatch.setattr(ctypes, "CDLL", fail)
    with pytest.raises(BackendError, match=r"cuBLAS cannot be loaded .*'cupy-cuda12x\[ctk\]"):
        load_cublas(12)


def test_cublas_is_taken_from_where_cupy_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(abs_path="/somewhere/libcublas.so.13")
    finder = SimpleNamespace(load_nvidia_dynamic_lib=lambda name: found)
    monkeypatch.setitem(sys.modules, "cuda.pathfinder", finder)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: name)
    assert load_cublas(13) == "/somewhere/libcublas.so.13"
    monkeypatch.setitem(sys.modules, "cuda.pathfinder", None)
    assert load_cublas(12) == "libcublas.so.12"


def test_the_driver_is_asked_without_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(pointer: Any) -> int:
        pointer._obj.value = 12080
        return 0

    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(cuDriverGetVersion=version))
    assert checks.driver_version() == 12080


# The report


def test_kernels_for_another_processor_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not examine("cpu", 0).problems
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    [problem] = examine("cpu", 0).problems
    assert "kernels for Haswell" in problem.sentence
    assert problem.command == "unset OPENBLAS_CORETYPE"


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


def test_the_wheels_here_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    names = ["CuPy-CUDA12x", "numpy", "cupy", "cupyx-tools", "cupy-stubs", None]
    distributions = [SimpleNamespace(metadata={"Name": n}, version="1") for n in names]
    monkeypatch.setattr(checks.metadata, "distributions", lambda: distributions)
    assert checks.installed_wheels() == ("cupy 1", "cupy-cuda12x 1")


def test_a_machine_without_a_gpu_is_told_so_and_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    without_cupy(monkeypatch, 0)
    monkeypatch.setattr("mlp.benchmark.doctor.LADDER", ((4,),))
    done = run("--seconds", "0.01")
    assert done.exit_code == 0
    assert "! CuPy cannot be imported" in done.stdout
    assert "  $ pip install 'cupy-cuda12x[ctk]'" in done.stdout
    assert "784-4-10" in done.stdout


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

    def off(self: Kernels, a: Any, out: Any) -> Any:
        true(self, a, out)
        out *= np.float32(1.001)
        return out

    monkeypatch.setattr(Kernels, "column_sums", off)
    done = run("--seconds", "0", "--device", "cuda:0")
    assert done.exit_code == 1
    assert "products and sums         DIFFERENT" in done.stdout
    assert "softmax cross-entropy     the same" in done.stdout


def test_a_machine_that_tells_less_is_described_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has neither call."""
    monkeypatch.delattr(os, "sysconf")
    monkeypatch.delattr(os, "getloadavg")
    machine = describe_machine()
    assert (machine.memory_bytes, machine.load) == (None, None)
    assert "GiB" not in str(machine)
    assert "load" not in str(machine)


def test_a_nan_is_no_parity() -> None:
    check = Parity("sums", float("nan"), 1e-5)
    report = Report(describe_machine(), checks.CudaFacts((), None, None, ()))
    report.parity["cuda:0"] = [check]
    assert report.differing == ["cuda:0"]
    assert as_dict(report)["parity"]["cuda:0"][0]["difference"] is None


def test_the_network_size_that_a_gpu_pays_from() -> None:
    report = Report(describe_machine(), checks.CudaFacts((), None, None, ()))
    report.parity["cuda:0"] = []
    small, large = (16, 16), (1024, 1024)
    report.speeds = [
        *[Speed("cpu", small, 9e5), Speed("cuda:0", small, 5e5)],
        *[Speed("cpu", large, 3e3), Speed("cuda:0", large, 8e5)],
    ]
    assert report.pays_from("cuda:0") == large
    assert "  cuda:0 pays from 784-1024-1024-10 on" in lines(report)
    report.speeds = report.speeds[:2]
    assert report.pays_from("cuda:0") is None
    assert "  cuda:0 trains none of these faster than the CPU" in lines(report)


def test_json_is_one_object_and_complete(gpus: StandIn) -> None:
    done = run("--seconds", "0", "--json")
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert set(report) == {"machine", "cuda", "problems", "parity", "speeds", "pays_from"}
    assert report["cuda"]["gpus"][1]["number"] == 1
    assert all(check["holds"] for check in report["parity"]["cuda:0"])
    assert report["machine"]["blas"]


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
