"""The processes of a search: what they are pinned to, and one that ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlp.common.errors import MLPError
from mlp.training.search.pool import TrialProcess, cores_for, pool


def test_a_process_that_has_ended_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLP_PLUGINS", str(tmp_path / "plugin.py"))
    (tmp_path / "plugin.py").write_text("import os; os._exit(7)")
    told = pytest.raises(MLPError, match=r"ended with 7 while it trained trial 3.*--resume")
    with pool(tmp_path, [None], print) as processes, told:
        list(processes.results([3], 1, lambda: False))


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system pins nothing")
def test_a_process_is_pinned_to_its_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    core = max(os.sched_getaffinity(0))
    (tmp_path / "plugin.py").write_text(
        "import os, time; time.sleep(0.1); open('cores', 'w').write(str(os.sched_getaffinity(0)))"
    )
    monkeypatch.setenv("MLP_PLUGINS", str(tmp_path / "plugin.py"))
    monkeypatch.chdir(tmp_path)
    process = TrialProcess(tmp_path, core, print)
    with pytest.raises(MLPError):  # there is no search
        process.train(0, 1)
    process.wait()
    assert (tmp_path / "cores").read_text() == str({core})


def test_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cores_for(None, "NVIDIA H200") == [None]
    assert cores_for(3, "NVIDIA H200") == [None] * 3
    if hasattr(os, "sched_getaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        assert cores_for(None, "cpu") == usable
        assert cores_for(len(usable) + 1, "cpu") == [*usable, usable[0]]
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert cores_for(None, "cpu") == [None]
    with pytest.raises(MLPError, match="--jobs"):
        cores_for(0, "cpu")
