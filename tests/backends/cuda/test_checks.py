"""Why a GPU cannot be used: each broken machine, and the command that mends it."""

from __future__ import annotations

import ctypes
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from cuda_stand_in import install
from cupy_stand_in import StandIn

from backends import BackendError, get_backend
from backends.cuda import checks
from backends.cuda.blas import load_cublas

WHEEL12 = "cupy-cuda12x 14.2.0"


@pytest.fixture(autouse=True)
def one_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed here must not matter."""
    monkeypatch.setattr(checks, "installed_wheels", lambda: (WHEEL12,))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def without_cupy(monkeypatch: pytest.MonkeyPatch, driver: int) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)  # so that importing it fails
    monkeypatch.setattr(checks, "driver_version", lambda: driver)
    monkeypatch.setattr(checks, "installed_wheels", tuple)


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


BANNER = f"""
{"=" * 64}
Failed to import CuPy.

If you installed CuPy via wheels, make sure that the package matches with the version of CUDA.

Original error:
  ImportError: {{}}
{"=" * 64}
"""


class Refuses:
    """What finds CuPy, and fails to import it as CuPy does."""

    def __init__(self, error: ImportError) -> None:
        self.error = error

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == "cupy":
            raise self.error


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BANNER.format("libnvrtc.so: no such file"), "ImportError: libnvrtc.so: no such file"),
        (BANNER.format("No module named 'fastrlock'"), "ImportError: No module named 'fastrlock'"),
        ("libcuda.so.1: no such file\nand more", "libcuda.so.1: no such file"),
        ("====\n====", r"ImportError('====\n====')"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("wheels", "found", "command"),
    [
        ((WHEEL12,), f"{WHEEL12} is installed but cannot", "pip install 'cupy-cuda12x[ctk]'"),
        (("cupy 14.2.0",), "cupy 14.2.0 is installed but cannot",
         "pip install 'cupy-cuda13x[ctk]'"),
        ((), "CuPy cannot", "pip install 'cupy-cuda13x[ctk]'"),
    ],
)  # fmt: skip
def test_a_cupy_that_cannot_be_imported_is_told_by_what_it_says_last(
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    reason: str,
    wheels: tuple[str, ...],
    found: str,
    command: str,
) -> None:
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Refuses(ImportError(text)), *sys.meta_path])
    monkeypatch.setattr(checks, "driver_version", lambda: 13000)
    monkeypatch.setattr(checks, "installed_wheels", lambda: wheels)
    with pytest.raises(BackendError) as caught:
        get_backend("cuda")
    assert str(caught.value).startswith(f"{found} be imported ({reason}): ")
    assert str(caught.value).endswith(f"with {command}")
    assert caught.value.command == command


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
    with pytest.raises(BackendError, match=r"a sum that is 16 came out as 24\.0"):
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


def test_the_wheels_here_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    names = ["CuPy-CUDA12x", "numpy", "cupy", "cupyx-tools", "cupy-stubs", None]
    distributions = [SimpleNamespace(metadata={"Name": n}, version="1") for n in names]
    monkeypatch.setattr(checks.metadata, "distributions", lambda: distributions)
    assert checks.installed_wheels() == ("cupy 1", "cupy-cuda12x 1")
