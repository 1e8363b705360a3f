"""docs/export.md: its commands run, one after the other, and so do its blocks of Python and C."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from source import ROOT

from mlp.cli import main

TEXT = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


COMMANDS = "".join(blocks("sh")).splitlines()


def run(folder: Path, command: str) -> None:
    name, *arguments = shlex.split(command)
    if name != "mlp":
        subprocess.run([name, *arguments], cwd=folder, check=True)
        return
    if arguments[0] == "eval":
        arguments += ["--dataset", "synthetic:10+200"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLP_OFFLINE", "1")
        patch.setattr(sys, "argv", ["mlp", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
    assert not end.value.code, command


@pytest.fixture(scope="module")
def folder(reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the commands have run, but for the compiler's."""
    folder = tmp_path_factory.mktemp("export")
    shutil.copy(reader, folder / "digits.safetensors")
    for command in COMMANDS:
        if command.startswith("mlp "):
            run(folder, command)
    return folder


def test_the_commands_run(folder: Path) -> None:
    assert len(COMMANDS) == 8
    made = {path.name for path in folder.iterdir()}
    assert {"digits.onnx", "digits.h", "digits.json", "state-dict.safetensors"} <= made


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_program_in_c_runs(folder: Path) -> None:
    (program,) = blocks("c")
    (folder / "main.c").write_text(program)
    for command in COMMANDS:
        if command.startswith("cc "):
            run(folder, command)
    done = subprocess.run([folder / "main"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in list("0123456789")


def test_the_program_in_python_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime", reason="the test extra brings onnxruntime")
    monkeypatch.chdir(folder)
    (block,) = blocks("python")
    names: dict[str, object] = {}
    exec(compile(block, "export.md", "exec"), names)
    assert names["probabilities"].shape == (3, 10)  # type: ignore[attr-defined]
    assert str(names["names"]).startswith('["0", "1"')
