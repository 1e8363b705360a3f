"""What a run and who watches it tell each other through files."""

from __future__ import annotations

import os
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from mlp.training.runs.watch_files import ABOUT, ALIVE, ASKED, MOMENT, NAMES, RunControl, WatchFiles


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_asked_arrives(tmp_path: Path) -> None:
    run, page = WatchFiles(tmp_path), WatchFiles(tmp_path)
    assert run.asked() is None
    for asked in (RunControl(), RunControl(True, 3, 0.5), RunControl(stop=True)):
        page.ask(asked)
        assert run.asked() == asked
    assert names(tmp_path) == [ASKED]


def test_what_is_asked_within_a_tick_of_the_clock_arrives(tmp_path: Path) -> None:
    run, page, now = WatchFiles(tmp_path), WatchFiles(tmp_path), time.time_ns()
    for steps in (1, 2):
        page.ask(RunControl(True, steps))
        os.utime(tmp_path / ASKED, ns=(now, now))
        assert run.asked() == RunControl(True, steps)


def test_each_moment_has_a_time_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also within a tick of the file system's clock, or the last moment might never be seen."""
    run, page, clock = WatchFiles(tmp_path), WatchFiles(tmp_path), count(10**18)
    monkeypatch.setattr("time.time_ns", lambda: next(clock))
    times = []
    for epoch in range(3):
        run.tell({"epoch": epoch}, {})
        times.append(page.changed())
    assert times == [10**18, 10**18 + 1, 10**18 + 2]


def test_who_has_not_said_for_a_while_that_he_watches_is_gone(tmp_path: Path) -> None:
    files = WatchFiles(tmp_path)
    files.ask(RunControl())
    old = time.time() - 2 * ALIVE
    os.utime(tmp_path / ASKED, (old, old))
    assert files.asked() is None
    files.stay()
    assert files.asked() == RunControl()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '{"paused": 1}', '{"rate": 0}', '{"rate": "x"}', '{"rate": 1e300}',
     '{"steps": -1}', '{"steps": true}', '{"steps": 0.5}', '{"stop": null}', '{"other": 1}'],
)  # fmt: skip
def test_what_makes_no_sense_is_asked_by_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / ASKED).write_text(text)
    assert WatchFiles(tmp_path).asked() is None


def test_what_a_run_tells_arrives_as_it_is(tmp_path: Path) -> None:
    run, page = WatchFiles(tmp_path), WatchFiles(tmp_path)
    assert (page.about(), page.moment(), page.changed()) == (None, None, 0)
    run.tell_about({"sizes": [4, 2]}, {"x": np.eye(2)})
    run.tell({"epoch": 1}, {"losses": np.arange(6.0).reshape(3, 2)})
    about, moment = page.about(), page.moment()
    assert about is not None
    assert moment is not None
    assert (about[0], moment[0]) == ({"sizes": [4, 2]}, {"epoch": 1})
    np.testing.assert_array_equal(about[1]["x"], np.eye(2))
    np.testing.assert_array_equal(moment[1]["losses"], [[0, 1], [2, 3], [4, 5]])
    assert page.changed() > 0
    assert names(tmp_path) == [ABOUT, MOMENT]
    run.clear()
    assert names(tmp_path) == []


def test_what_is_still_asked_stays_where_a_run_goes_on(tmp_path: Path) -> None:
    files = WatchFiles(tmp_path)
    files.ask(RunControl(rate=0.5))
    files.tell({"epoch": 1}, {})
    files.clear()
    assert names(tmp_path) == [ASKED]
    os.utime(tmp_path / ASKED, (0, 0))  # nobody watches any more
    files.clear()
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04" + bytes(40)])
def test_a_file_that_is_none_is_none(tmp_path: Path, content: bytes) -> None:
    for name in NAMES:
        (tmp_path / name).write_bytes(content)
    files = WatchFiles(tmp_path)
    assert (files.about(), files.moment(), files.asked()) == (None, None, None)


def test_a_folder_that_is_gone_is_told_to_who_asks(tmp_path: Path) -> None:
    files = WatchFiles(tmp_path / "gone")
    with pytest.raises(OSError, match="gone"):
        files.ask(RunControl())
    files.stay()
    files.clear()
