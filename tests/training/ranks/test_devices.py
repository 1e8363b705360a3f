"""Each rank takes a GPU that no other has, where there are enough; and all agree on it."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from cupy_stand_in import StandIn
from gpu_ranks import StandInNccl, run_on_gpus
from thread_ranks import run_ranks

from backends import Backend, get_backend
from mlp.training.ranks import devices
from mlp.training.ranks.devices import Host, Seen, open_device_of, share_gpus
from mlp.training.ranks.ranks import ALONE, AgreedError, Ranks


@pytest.mark.parametrize(
    ("hosts", "numbers"),
    [
        (["a ab", "a ab", "a ab"], [0, 1, 0]),
        (["a ab", "b ab", "a ab", "b ab"], [0, 0, 1, 1]),
        (["a ab", "a ab", "b a", "b a"], [0, 1, 0, 0]),  # different numbers of GPUs
        (["a a", "a b", "a c"], [0, 0, 0]),  # a launcher lets each see its own
        (["a b", "a ab", "a abc"], [0, 0, 2]),
        (["a a", "b ", "a a"], [0, None, 0]),
    ],
)
def test_each_takes_the_gpu_that_the_fewest_have(hosts: list[str], numbers: list[Any]) -> None:
    seen = [
        Seen(Host("localhost", boot), tuple(gpus))
        for boot, gpus in (host.split(" ") for host in hosts)
    ]
    assert share_gpus(seen) == numbers


def test_a_host_is_told_by_its_name_and_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "BOOT", tmp_path / "boot_id")
    assert Host.own() == (socket.gethostname(), "")
    (tmp_path / "boot_id").write_text("8a1f-2c\n")
    assert Host.own() == (socket.gethostname(), "8a1f-2c")


def opened(patch: pytest.MonkeyPatch, size: int, **options: Any) -> list[str]:
    """The name of each rank's device."""

    def name(ranks: Ranks, backend: Backend, cupy: StandIn) -> str:
        return backend.name

    return run_on_gpus(patch, size, name, **options)


@pytest.mark.parametrize(
    ("asked", "gpus", "names"),
    [
        ("cuda", 3, ["cuda:0", "cuda:1", "cuda:2"]),
        ("cuda", 2, ["cuda:0", "cuda:1", "cuda:0"]),
        ("cuda:1", 2, ["cuda:1"] * 3),
        ("auto", 4, ["cuda:0", "cuda:1", "cuda:2"]),
        ("auto", 2, ["cpu"] * 3),
        ("auto", 0, ["cpu"] * 3),
        ("cpu", 3, ["cpu"] * 3),
    ],
)
def test_ranks_open_what_is_asked_for(
    asked: str, gpus: int, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert opened(monkeypatch, 3, gpus=gpus, asked=asked) == names


def test_a_gpu_that_one_cannot_use_is_used_by_none_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fill(ranks: Ranks, cupy: StandIn, nccl: StandInNccl) -> None:
        cupy.full = ranks.rank == 1

    assert opened(monkeypatch, 2, asked="auto", prepare=fill) == ["cpu", "cpu"]
    with pytest.raises(AgreedError, match="rank 1: the GPU's memory is full: end what else runs"):
        opened(monkeypatch, 2, prepare=fill)


def test_a_rank_without_a_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def hide(ranks: Ranks, cupy: StandIn, nccl: StandInNccl) -> None:
        if ranks.rank == 2:
            cupy.cuda.runtime.getDeviceCount = lambda: 0

    with pytest.raises(AgreedError, match="rank 2: no CUDA device is visible"):
        opened(monkeypatch, 3, prepare=hide)


def test_ranks_that_ask_for_different_devices_are_refused() -> None:
    def work(ranks: Ranks) -> None:
        open_device_of(ranks, ["cpu", "auto"][ranks.rank], get_backend)

    with pytest.raises(AgreedError, match='its --device is "auto", not "cpu"; start all by one'):
        run_ranks(2, work)


def test_one_process_opens_what_it_is_told() -> None:
    names: list[str] = []
    backend = get_backend("cpu")

    def note(name: str) -> Backend:
        names.append(name)
        return backend

    for asked in ("auto", "cuda", "cpu"):
        assert open_device_of(ALONE, asked, note) is backend
    assert names == ["auto", "cuda", "cpu"]
