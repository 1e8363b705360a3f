"""What tests of the CUDA backend share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cuda_compiler import open_compiler
from cuda_stand_in import open_stand_in
from cupy_stand_in import StandIn

from backends import Backend


@pytest.fixture
def cupy() -> StandIn:
    return StandIn()


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> tuple[StandIn, Backend]:
    return open_stand_in(monkeypatch)


@pytest.fixture(scope="session")
def compile_cuda() -> Callable[[str, str], bytes]:
    return open_compiler()
