"""A folder's lock: one process has it, and none that is dead."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from source import ROOT

from mlp.common.errors import UsageError
from mlp.training.runs import lock
from mlp.training.runs.lock import is_locked, locked

pytestmark = pytest.mark.skipif(lock.fcntl is None, reason="this system locks no files")

HOLD = """
import os, sys, time
from pathlib import Path
from mlp.training.runs.lock import locked
with locked(Path(sys.argv[1]), print):
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, b"1")
        time.sleep(60)
        os._exit(0)
    os.read(reading, 1)
    print("held", flush=True)
    time.sleep(60)
"""


def test_it_is_held_once_and_given_back(tmp_path: Path) -> None:
    warnings: list[str] = []
    assert not is_locked(tmp_path)
    with locked(tmp_path, warnings.append):
        assert is_locked(tmp_path)
        with (
            pytest.raises(UsageError, match=f"process {os.getpid()} is training"),
            locked(tmp_path, warnings.append),
        ):
            pass
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)
    with locked(tmp_path, warnings.append):
        assert is_locked(tmp_path)
    assert warnings == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_killed_process_holds_it_no_more_even_where_its_children_live_on(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    holder = subprocess.Popen(
        command, stdout=subprocess.PIPE, env=environment, start_new_session=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(tmp_path)
        holder.kill()
        holder.wait()
        assert not is_locked(tmp_path)  # its child sleeps still
    finally:
        os.killpg(holder.pid, 9)
        assert holder.stdout is not None
        holder.stdout.close()


def test_where_there_are_no_locks_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "fcntl", None)
    warnings: list[str] = []
    with locked(tmp_path, warnings.append):
        assert not is_locked(tmp_path)
    assert len(warnings) == 1
    assert str(tmp_path) in warnings[0]


def test_a_folder_that_cannot_be_locked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(95, os.strerror(95))

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    warnings: list[str] = []
    with locked(tmp_path, warnings.append):
        assert not is_locked(tmp_path)
    assert len(warnings) == 1
