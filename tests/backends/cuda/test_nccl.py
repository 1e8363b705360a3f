"""What links GPUs: found by CuPy or not, in a graph never, and copies by way of pinned memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cuda_stand_in import open_stand_in
from cupy_stand_in import StandIn
from gpu_ranks import kinds, run_on_gpus

from backends import Backend, BackendError
from backends.cuda import nccl
from backends.cuda.nccl import NcclLink, import_nccl, visible_gpus
from backends.peers import peers_of
from mlp.training.ranks.ranks import Ranks

Device = tuple[StandIn, Backend]


def test_a_gpu_tells_where_and_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    cupy, backend = open_stand_in(monkeypatch, devices=2)
    peers = peers_of(backend)
    assert (peers.address, peers.kernels) == ("0000:00:00.0", "a stand-in")
    monkeypatch.setattr(nccl, "import_cupy", lambda: cupy)
    assert visible_gpus() == ("0000:00:00.0 30", "0000:01:00.0 31")
    # Instances of a divided GPU have its address, and UUIDs of their own; old CuPy tells none.
    monkeypatch.setattr(type(cupy.cuda.Device(0)), "pci_bus_id", "0000:3B:00.0")
    assert visible_gpus() == ("0000:3B:00.0 30", "0000:3B:00.0 31")
    cupy.cuda.runtime.getDeviceProperties = lambda index: {"name": b"a stand-in"}
    assert visible_gpus() == ("0000:3B:00.0 ", "0000:3B:00.0 ")


def test_where_cuda_cannot_be_used_no_gpu_is_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Any:
        raise BackendError("CuPy cannot be imported")

    monkeypatch.setattr(nccl, "import_cupy", missing)
    assert visible_gpus() == ()
    monkeypatch.setattr(nccl, "import_cupy", lambda: StandIn(devices=-1))
    assert visible_gpus() == ()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_go_by_pinned_memory_and_no_array_is_made(device: Device, dtype: str) -> None:
    cupy, backend = device
    peers = peers_of(backend)
    array, memory = backend.asarray(np.arange(6, dtype=dtype)), peers.memory((6,), dtype)
    before = len(cupy.events)
    peers.fetch(array, memory)
    assert memory.tolist() == [0, 1, 2, 3, 4, 5]
    memory *= 2
    peers.bring(memory, array)
    assert cupy.events[before:] == [("to host", "get"), ("to device", "set")]
    assert backend.to_numpy(array).tolist() == [0, 2, 4, 6, 8, 10]


def test_without_its_library_nccl_is_refused_with_what_to_install(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As CuPy does it, which warns with the reason when it is first asked, and imports it still."""
    import_module = nccl.import_module

    def found(name: str) -> Any:
        nccl.warnings.warn("\nNCCL could not be loaded.\n\nReason: ImportError (no libnccl)\n")
        return SimpleNamespace(available=False)

    monkeypatch.setattr(nccl, "import_module", found)
    with pytest.raises(BackendError, match=r"finds no NCCL \(ImportError \(no libnccl\)\)") as told:
        peers_of(device[1]).linker()
    assert told.value.command == "pip install nvidia-nccl-cu12"
    monkeypatch.setattr(nccl, "import_module", lambda name: SimpleNamespace(available=False))
    assert import_nccl() == (None, "")
    monkeypatch.setattr(nccl, "import_module", lambda name: SimpleNamespace(available=True))
    assert peers_of(device[1]).linker().name == "NCCL"
    monkeypatch.setattr(nccl, "import_module", import_module)
    pytest.importorskip("cupy")
    assert import_nccl()[0] is None or import_nccl()[0].available


def test_arrays_come_to_whom_they_are_sent_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """All connections are made before the first is needed, and then nothing waits."""

    def work(ranks: Ranks, backend: Backend, cupy: StandIn) -> Any:
        linker, rank, others = peers_of(backend).linker(), ranks.rank, range(3)
        link = linker.link(ranks.on_first(linker.invite), ranks.size, rank)
        assert isinstance(link, NcclLink)
        first = kinds(cupy.events, "launch", "wait")[-3:]
        assert first == [("launch", "NCCL sends and receives"), ("launch", "NCCL all-gather"),
                         ("wait", "")]  # fmt: skip
        sent = [backend.asarray(np.full(2, 10 * rank + n, "f")) for n in range(6)]
        received = backend.xp.zeros((6, 2), dtype="float32")
        out = backend.xp.zeros(6, dtype="float32")
        before = len(cupy.events)
        link.all_to_all(
            [(n // 2, array) for n, array in enumerate(sent)],
            [(n // 2, received[n]) for n in range(6)],
        )
        link.all_gather(sent[0], out)
        done = link.mark()
        assert {kind for kind, _ in cupy.events[before:]} == {"launch", "event"}
        assert done()
        link.abort()
        return backend.to_numpy(received)[:, 0].tolist(), backend.to_numpy(out).tolist(), others

    for rank, (received, gathered, others) in enumerate(run_on_gpus(monkeypatch, 3, work)):
        assert received == [10 * other + 2 * rank + n for other in others for n in range(2)]
        assert gathered == [0, 0, 10, 10, 20, 20]


def test_two_of_one_communicator_on_one_gpu_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(ranks: Ranks, backend: Backend, cupy: StandIn) -> None:
        linker = peers_of(backend).linker()
        linker.link(ranks.on_first(linker.invite), ranks.size, ranks.rank)

    with pytest.raises(BackendError, match=r"has failed .*invalid usage.*: NCCL_DEBUG=WARN"):
        run_on_gpus(monkeypatch, 2, work, gpus=1)
