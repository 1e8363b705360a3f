"""The step of a shard: what it keeps from one epoch to the next."""

from __future__ import annotations

import pytest
from toys import FAST, needs_fork, share_out, trained

import mlp.training.parallel.workers
from mlp.training.recipe import Recipe


@needs_fork
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_processes_keep_their_velocity(momentum: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process changes is lost with it, at the end of each epoch, but for what it shares."""
    monkeypatch.setattr(mlp.training.parallel.workers, "WORTH_FORKING", 1)
    recipe = Recipe(batch_size=20, momentum=momentum, **FAST)
    share_out(monkeypatch, 2)
    results = []
    for forks in (False, True):
        monkeypatch.setattr(mlp.training.parallel.workers, "may_fork", lambda forks=forks: forks)
        results.append(trained(recipe).tobytes())
    assert results[0] == results[1]
