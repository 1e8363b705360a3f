"""The measurement of ranks' memory: what it counts, and the table that it makes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mpi_runs import needs_mpi
from thread_ranks import run_ranks

from bench import rank_memory
from mlp.data.formats.idx_folder import load_idx_folder

MIB = 1 << 20

needs_smaps = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="needs a system that tells what is shared"
)


def test_images_take_no_room_and_are_read_as_others(tmp_path: Path) -> None:
    rank_memory.write_images(tmp_path, 3_000)
    images = load_idx_folder(tmp_path, classes=10).train
    assert images.images.shape == (3_000, 28, 28)
    assert not images.images.any()
    assert np.unique(images.labels).tolist() == list(range(10))
    hole = tmp_path / "hole"
    with hole.open("wb") as file:
        file.truncate(3 * MIB)
    if hole.stat().st_blocks * 512 < MIB:  # or this file system keeps no holes
        assert (tmp_path / "train-images-idx3-ubyte").stat().st_blocks * 512 < MIB


@needs_smaps
def test_each_rank_tells_its_memory(tmp_path: Path) -> None:
    rank_memory.write_images(tmp_path, 300)
    for size in (1, 2):
        for told in run_ranks(size, lambda ranks: rank_memory.measure(ranks, tmp_path)):
            assert len(told) == size
            assert all(set(one) == set(rank_memory.LINES) for one in told)
            assert all(0 < one["private"] <= one["resident"] for one in told)


def test_shares_are_more_than_what_a_batch_takes() -> None:
    def told(mebibytes: int) -> dict[str, int]:
        return dict.fromkeys(rank_memory.LINES, mebibytes * MIB)

    found = {1_000: {1: [told(110)], 2: [told(40), told(55)]}}
    *_, first, second = rank_memory.markdown(found, told(10)).strip().splitlines()
    assert first == "| 1,000 | 1 | 100 | 100 | 100 | 100% |"
    assert second == "| 1,000 | 2 | 45 | 45 | 45 | 45% |"


def test_a_system_that_does_not_tell_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(self: Path, encoding: str) -> str:
        raise FileNotFoundError(2, "No such file")

    monkeypatch.setattr(Path, "read_text", missing)
    with pytest.raises(rank_memory.UsageError, match="only Linux tells"):
        rank_memory.own_memory()


def test_no_launcher_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.scale.sys.executable", "/nowhere/python")
    monkeypatch.setattr("bench.scale.shutil.which", lambda name: None)
    assert rank_memory.main([]) == 2
    assert "pip install mpi4py mpich" in capsys.readouterr().err


@needs_mpi
@needs_smaps
def test_it_starts_ranks(tmp_path: Path) -> None:
    assert rank_memory.main(["--images", "2000", "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "rank_memory.json").read_text())
    assert [len(found["measured"]["2000"][count]) for count in ("1", "2")] == [1, 2]
