"""The how-to pages without a test of their own: what they show runs, and no page is left out."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from command import Command, in_this_process
from documented import RUN_WHOLE, blocks, commands, few_digits
from mpi_runs import LAUNCHER, mpiexec, needs_mpi
from source import ROOT

import mlp

DOCS = ROOT / "docs"
SOON = ("--dataset", "synthetic:400+100", "--hidden", "16")

RUN_BY = {
    "README.md": "tests/test_readme.py",
    "docs/adding.md": "tests/docs/test_adding.py",
    "docs/data.md": "tests/test_data_page.py",
    "docs/export.md": "tests/docs/test_export.py",
    "docs/page.md": "tests/docs/test_page.py",
    "docs/tour.md": "tests/docs/test_tour.py",
    **dict.fromkeys(
        (f"docs/{name}.md" for name in ("many-machines", "resume", "searching", "sklearn")),
        "tests/docs/test_how_to.py",
    ),
    **{page.relative_to(ROOT).as_posix(): "tests/docs/test_book.py" for page in RUN_WHOLE},
}
"""The pages with code, and the file that runs it."""

INSTALLS = {"docs/install.md", "docs/book/index.md"}
"""Pages of commands that install, which are not run as they stand; .ci/run, .ci/check_package and
.ci/book install the same extras."""


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def python_of(name: str) -> list[str]:
    return [block.text for block in blocks(read(name)) if block.language == "python"]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command line in an empty folder, without network; MNIST is a few digits."""
    monkeypatch.setenv("MLP_OFFLINE", "1")
    monkeypatch.setattr("mlp.data.load.load_mnist", few_digits)
    return in_this_process(tmp_path, monkeypatch, capsys)


def pages_with_code() -> Iterator[str]:
    for page in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        if any(block.language in ("python", "sh", "c") for block in blocks(text)):
            yield page.relative_to(ROOT).as_posix()


def test_every_page_with_code_is_run() -> None:
    assert set(pages_with_code()) == set(RUN_BY) | INSTALLS
    assert [test for test in RUN_BY.values() if not (ROOT / test).is_file()] == []


@pytest.mark.parametrize("name", ["README.md", "docs/sklearn.md", *sorted(INSTALLS)])
def test_the_extras_that_pages_name_exist(name: str) -> None:
    extras = tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"]
    named = re.findall(r"(?:'\.|mlp-digits)\[([\w,]+)\]", read(name))
    assert named
    assert {extra for group in named for extra in group.split(",")} <= set(extras)


def test_every_extra_is_told_of() -> None:
    extras = tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"]
    rows = re.findall(r"^\| (`.*?) \| ", read("docs/install.md"), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert told == set(extras) - {"peers"}  # what bench compares with


def test_resuming(run: Command, tmp_path: Path) -> None:
    """Its folders are then there, and the third is by the recipe of the first."""
    for command in commands(read("docs/resume.md")):
        _, *arguments = shlex.split(command)
        fresh = "--run" in arguments and "--config" not in arguments
        done = run(*arguments, *(("--hidden", "16") if fresh else ()))
        assert done.code == 0, f"{command}: {done.err}"
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"first", "second", "third"}
    history = (tmp_path / "runs/first/history.jsonl").read_text().splitlines()
    assert len(history) == 6
    names = {path.name for path in (tmp_path / "runs/first").iterdir()}
    assert {"model.safetensors", "recipe.toml", "history.jsonl", "log.txt"} <= names


def test_searching(run: Command, tmp_path: Path) -> None:
    for command in commands(read("docs/searching.md")):
        _, name, *arguments = shlex.split(command)
        if "--resume" in arguments:  # of the day on which it was written
            arguments = ["--resume", str(next((tmp_path / "runs").iterdir()))]
        else:
            arguments += SOON[:2]
            if name == "search":
                arguments += ["--epochs", "2"]
                arguments += [] if "--grid" in arguments else ["--trials", "2"]
        done = run(name, *arguments)
        assert done.code == 0, f"{command}: {done.err}"
        assert done.out


def test_searching_by_optuna(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in proposes one trial: Optuna is no dependency."""
    proposed = SimpleNamespace(
        suggest_float=lambda name, low, high, log: low, suggest_int=lambda name, low, high, log: low
    )

    class Study:
        best_params: dict[str, float] | None = None

        def optimize(self, objective: Any, n_trials: int, catch: type[Exception]) -> None:
            assert n_trials > 1
            assert issubclass(catch, Exception)
            assert 0 < objective(proposed) <= 1
            self.best_params = {}

    stand_in = SimpleNamespace(create_study=lambda direction: Study())
    monkeypatch.setitem(sys.modules, "optuna", stand_in)
    (block,) = python_of("docs/searching.md")
    exec(compile(block, "searching.md", "exec"), {})


def test_estimators() -> None:
    pytest.importorskip("sklearn")
    data = mlp.load_dataset("synthetic:200+50").train
    names: dict[str, Any] = {"X": data.images.reshape(len(data), -1) / 255.0, "y": data.labels}
    (block,) = python_of("docs/sklearn.md")
    exec(compile(block, "sklearn.md", "exec"), names)
    assert names["model"].predict(names["X"]).shape == names["y"].shape


def test_ranks_from_python() -> None:
    """Of which there is one, without a launcher."""
    (block,) = python_of("docs/many-machines.md")
    names: dict[str, Any] = {}
    exec(compile(block, "many-machines.md", "exec"), names)
    assert names["ranks"].size == 1
    assert np.isfinite(names["model"].parameters).all()


@needs_mpi
def test_ranks(tmp_path: Path) -> None:
    install, *launched = commands(read("docs/many-machines.md"))
    assert install.startswith("pip install ")
    for command in launched:
        program, _, count, name, *arguments = shlex.split(command)
        assert (program, name) == (LAUNCHER.name, "mlp")
        bounds = (*SOON, "--epochs", "1") if "--resume" not in arguments else ()
        done = mpiexec(int(count), "-m", "mlp", *arguments, *bounds, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/big/model.safetensors").is_file()


def test_a_part_of_ones_own_by_a_variable(tmp_path: Path) -> None:
    """The command of docs/adding.md, beside a file of the blocks that it stands above."""
    (command,) = commands(read("docs/adding.md"))
    variable, program, *arguments = shlex.split(command)
    assert program == "mlp"
    parts = "from __future__ import annotations\n\n" + "\n".join(python_of("docs/adding.md"))
    (tmp_path / "my_parts.py").write_text(parts, encoding="utf-8")
    name, _, value = variable.partition("=")
    done = subprocess.run(
        [sys.executable, "-m", "mlp", *arguments, *SOON, "--epochs", "1"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PATH": "", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), name: value},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
