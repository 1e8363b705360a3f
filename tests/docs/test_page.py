"""How one sees a network at work: the commands of that page run, one after the other."""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.request import urlopen

import pytest
from documented import commands, run_mlp
from served import serving
from source import ROOT

pytest.importorskip("starlette", reason="the page needs the extra mlp-digits[draw]")

PAGE = (ROOT / "docs" / "page.md").read_text(encoding="utf-8")
SOON = ("--dataset", "synthetic:600+200", "--epochs", "2")


def test_the_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with a page are asked for it; the second run is there already."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert run_mlp(tmp_path, "train", "--run", "runs/second", *SOON).returncode == 0
    for command in commands(PAGE):
        _, name, *arguments = shlex.split(command)
        if name == "train":
            done = run_mlp(tmp_path, name, *arguments, *SOON)
            assert done.returncode == 0, done.stderr
        else:
            with (
                serving(*arguments, command=name) as port,
                urlopen(f"http://127.0.0.1:{port}/") as page,
            ):
                assert page.status == 200
    assert len(list(tmp_path.glob("runs/mine/snapshot-*"))) > 5
