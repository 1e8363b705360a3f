"""bench.same: two trees are the same, or what differs is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from source import ROOT

from bench import same
from bench.same import Outcome, Row, commands, main, train


def test_every_preset_is_trained_in_bounded_time() -> None:
    names = dict(commands([]))
    assert {"visual", "ciresan", "the default", "multilabel"} <= names.keys()
    assert "--dataset" in names["hinton"]
    assert list(dict(commands(["diary-1"]))) == ["diary-16"]


def test_a_tree_is_the_same_as_itself(tmp_path: Path) -> None:
    arguments = ("--hidden", "none", "--dataset", "synthetic:50+10")
    here, again = (train(ROOT, "small", arguments, tmp_path) for _ in range(2))
    row = Row("small", here, again)
    assert row.same_arrays
    assert row.cells()[2:] == ["same", "same"]
    assert any("accuracy" in key for key in here.values)
    assert not any("seconds" in key for key in here.values)


@pytest.mark.parametrize(
    ("there", "cells"),
    [
        (Outcome("a" * 64, {"x": 1}), ["same", "same"]),
        (Outcome("b" * 64, {"x": 1}), ["DIFFER: there bbbbbbbbbbbb", "same"]),
        (Outcome("a" * 64, {"x": 2}), ["same", "x"]),
        (Outcome("a" * 64, {"x": 1, "y\n3\nz": 0}), ["same", "-y.z"]),
        (Outcome("a" * 64, {}), ["same", "+x"]),
        (Outcome(None, {}, "no such preset"), ["here: done; there: no such preset", ""]),
    ],
)
def test_what_differs_is_named(there: Outcome, cells: list[str]) -> None:
    row = Row("name", Outcome("a" * 64, {"x": 1}), there)
    assert row.cells()[2:] == cells
    assert row.same_arrays == (cells[0] == "same")


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no way to keep to one core")
def test_another_tree_is_run_with_its_own_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tree whose command prints where it lies stands in for a worktree."""
    package = tmp_path / "mlp"
    package.mkdir()
    (package / "__main__.py").write_text("import os; print('[', len(os.sched_getaffinity(0)), ']')")
    done = same._mlp(tmp_path, (), tmp_path, one_core=True)
    assert done.stdout.split() == ["[", "1", "]"]
    outcome = same.predict(tmp_path, tmp_path, (), tmp_path)
    assert list(outcome.values) == ["0"]
    (package / "__main__.py").write_text("raise SystemExit('broken')")
    assert same.predict(tmp_path, tmp_path, (), tmp_path).error == "broken"


def test_a_commit_that_does_not_exist_ends_it() -> None:
    with pytest.raises(SystemExit, match=r"bench\.same: "):
        main(["no-such-commit"])
