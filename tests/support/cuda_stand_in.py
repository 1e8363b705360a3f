"""Puts the stand-ins for CuPy and cuBLAS where the CUDA backend looks."""

from __future__ import annotations

from typing import Any

import pytest
from cublas_stand_in import Cublas
from cupy_stand_in import StandIn

from backends import Backend, get_backend


def install(patch: pytest.MonkeyPatch, cupy: StandIn, failing: str | None = None) -> list[Cublas]:
    """Put stand-ins where the CUDA backend looks; return those of cuBLAS, one for each handle."""
    libraries: list[Cublas] = []

    def load(major: int) -> Cublas:
        libraries.append(Cublas(cupy, failing))
        return libraries[-1]

    for module in ("device", "checks"):
        patch.setattr(f"backends.cuda.{module}.import_cupy", lambda: cupy)
    patch.setattr("backends.cuda.device.load_cublas", load)
    return libraries


def open_stand_in(
    patch: pytest.MonkeyPatch, *, precision: str = "float32", graph: bool = True, **options: Any
) -> tuple[StandIn, Backend]:
    """Open a CUDA backend on a stand-in; the options are those of `StandIn`."""
    cupy = StandIn(**options)
    install(patch, cupy)
    return cupy, get_backend("cuda", precision=precision, graph=graph)
