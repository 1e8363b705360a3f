"""What tests of the CUDA backend share."""

from __future__ import annotations

import pytest
from cuda_stand_in import StandIn, open_stand_in

from backends import Backend


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> tuple[StandIn, Backend]:
    return open_stand_in(monkeypatch)
