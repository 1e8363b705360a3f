"""PyTorch's arm of the GPU benchmark, with its capture replaced: there is no GPU here."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bench.harness.job import Job

torch = pytest.importorskip("torch", reason="PyTorch, whose arm this is, is not installed")


@pytest.mark.parametrize(("batch_size", "whole"), [("full", True), (64, False)])
def test_a_full_batch_is_read_where_it_lies(job: Job, batch_size: Any, whole: bool) -> None:
    """A graph of mini-batches has arrays of its own, which each batch is copied into."""
    from bench.peers.pytorch import PyTorch

    recipe = replace(job.recipe, batch_size=batch_size, schedule="constant", warmup=0.0)
    own = replace(job, recipe=recipe, options={"graph": True, "gather": "epoch"})
    peer = PyTorch(own)
    peer.start(own)
    captured: list[Any] = []

    def capture(x: Any, t: Any, lr: float) -> Any:
        captured.append(x)
        return SimpleNamespace(replay=lambda: None), x, t

    peer._capture = capture  # type: ignore[method-assign]
    for _ in range(2):
        peer.epoch(0, own.lrs(0))
    assert [x is peer._images for x in captured] == [whole]
