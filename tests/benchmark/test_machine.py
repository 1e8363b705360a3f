"""What a figure was measured on."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from backends import Backend, get_backend
from mlp.benchmark.machine import describe_device, describe_machine


def test_the_machine_is_described() -> None:
    machine = describe_machine()
    assert machine.cores >= 1
    assert machine.processor
    assert machine.versions["NumPy"] == np.__version__
    assert machine.blas in str(machine)
    assert describe_device(get_backend("cpu")) == machine.processor


def test_a_system_that_tells_less_is_described_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has neither call."""
    monkeypatch.delattr(os, "sysconf")
    monkeypatch.delattr(os, "getloadavg")
    machine = describe_machine()
    assert (machine.memory_bytes, machine.load) == (None, None)
    assert "GiB" not in str(machine)
    assert "load" not in str(machine)


def test_a_processor_without_a_name_is_called_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_, **__: "processor : 0\n")
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert describe_device(get_backend("cpu")) == "aarch64"


def test_a_gpu_is_described_by_its_name_and_versions() -> None:
    runtime = SimpleNamespace(
        getDeviceProperties=lambda index: {"name": b"GPU %d" % index},
        runtimeGetVersion=lambda: 12090,
    )
    xp = SimpleNamespace(__version__="14.2.0", cuda=SimpleNamespace(runtime=runtime))
    gpu = cast("Backend", SimpleNamespace(name="cuda:1", xp=xp))
    assert describe_device(gpu) == "GPU 1, CuPy 14.2.0, CUDA 12.9"
