"""A device that knows of no others has its arrays copied as any are."""

from __future__ import annotations

import numpy as np
import pytest
from cuda_stand_in import open_stand_in
from device import CountingBackend

from backends import BackendError
from backends.cuda.nccl import CudaPeers
from backends.peers import PlainPeers, peers_of


def test_arrays_go_to_the_host_and_back() -> None:
    device = CountingBackend()
    peers, array = peers_of(device), device.asarray(np.arange(6.0).reshape(2, 3))
    assert isinstance(peers, PlainPeers)
    memory = peers.memory((2, 3), "float64")
    peers.fetch(array, memory)
    assert memory.tolist() == [[0, 1, 2], [3, 4, 5]]
    peers.bring(memory + 1, array)
    assert device.to_numpy(array).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert (peers.address, peers.kernels) == ("", "counting")


def test_nothing_links_it() -> None:
    with pytest.raises(BackendError, match="nothing links counting to other devices"):
        peers_of(CountingBackend()).linker()


def test_a_gpu_has_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(peers_of(open_stand_in(monkeypatch)[1]), CudaPeers)
