"""Options that several commands share: which device and which dataset they open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import TINY, Command, refused

import backends.cuda
from backends import BackendError, CpuBackend
from mlp.cli.options import open_device
from mlp.data.load import load_dataset


def test_cuda_never_falls_back(mlp: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def unusable(*_: Any, **__: Any) -> Any:
        raise BackendError("no NVIDIA driver is loaded: install one")

    monkeypatch.setattr(backends.cuda, "CudaBackend", unusable)
    refused(mlp("train", *TINY, "--device", "cuda"), "NVIDIA driver")
    refused(mlp("train", *TINY, "--device", "cuda:1"), "NVIDIA driver")
    result = mlp("train", *TINY, "--device", "auto")
    assert result.code == 0
    assert "device: cpu" in result.err


def test_auto_takes_cuda_where_it_works(mlp: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    class Working(CpuBackend):
        def __init__(self, index: int = 0, *_: Any, **__: Any) -> None:
            super().__init__()
            self.name = f"cuda:{index}"

    monkeypatch.setattr(backends.cuda, "CudaBackend", Working)
    assert json.loads(mlp("train", *TINY, "--device", "auto", "--json").out)["device"] == "cuda:0"


def test_a_gpu_that_has_compiled_nothing_yet_is_told_of(
    mlp: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Working(CpuBackend):
        def __init__(self, *_: Any, **__: Any) -> None:
            super().__init__()
            self.name = "cuda:0"
            (tmp_path / "kernel").touch()  # by which it is tried

    monkeypatch.setattr(backends.cuda, "CudaBackend", Working)
    monkeypatch.setenv("CUPY_CACHE_DIR", str(tmp_path))
    told = f"compiled first, for some seconds, and kept in {tmp_path}"
    assert told in " ".join(mlp("train", *TINY, "--device", "cuda").err.split())
    assert "compiled first" not in mlp("train", *TINY, "--device", "cuda").err
    (tmp_path / "kernel").unlink()
    assert "compiled first" not in mlp("train", *TINY, "--device", "cpu").err


@pytest.mark.parametrize("error", [RuntimeError("no home"), PermissionError("not yours")])
@pytest.mark.parametrize("device", ["cpu", "auto", "cuda"])
def test_a_home_that_is_not_to_be_seen_stops_no_device(
    device: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unseen() -> Path:
        raise error

    class Working(CpuBackend):
        def __init__(self, *_: Any, **__: Any) -> None:
            super().__init__()
            self.name = "cuda:0"

    monkeypatch.setattr(backends.cuda, "CudaBackend", Working)
    monkeypatch.setattr("mlp.cli.options.kernel_cache", unseen)
    assert open_device(device).name == ("cpu" if device == "cpu" else "cuda:0")


def test_auto_says_that_it_takes_synthetic_digits(
    mlp: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLP_OFFLINE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MLP_DATA_DIR", raising=False)
    small = load_dataset("synthetic:120+50")
    monkeypatch.setattr("mlp.data.load.load_synthetic", lambda **_: small)
    arguments = ("train", "--device", "cpu", "--hidden", "8", "--epochs", "1")
    result = mlp(*arguments)
    assert result.code == 0
    assert any("synthetic digits" in line for line in result.err.splitlines()[:3])
    refused(mlp(*arguments, "--dataset", "mnist"), "MNIST", "--data")
