"""What the documents point to is there: files, headings, and the options of commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from source import ROOT

from mlp.cli import app

NOT_OURS = {".venv", "build", "dist", ".git", ".pytest_cache", "node_modules"}

DOCUMENTS = [
    path for path in sorted(ROOT.rglob("*.md")) if not NOT_OURS & set(path.relative_to(ROOT).parts)
]

TOLD_AS_THEY_WERE = {"LOG.md", "CHANGELOG.md"}
"""Documents of what has been, whose paths and options may be gone."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(document: Path) -> set[str]:
    """The names under which the headings of a document can be linked to."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(document: Path, text: str) -> list[str]:
    """The links of a document to files or headings that do not exist."""
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        path, _, heading = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (heading and heading not in anchors(target)):
            dead.append(link)
    return dead


def missing_paths(text: str) -> list[str]:
    """The paths in backticks that look like files of the repository and are none."""
    paths = re.findall(r"`((?:mlp|backends|bench|tests|docs|data|\.ci)/[\w./*-]+)`", text)
    return [path for path in paths if not list(ROOT.glob(path.rstrip("/")))]


@cache
def command_of(*words: str) -> Any:
    """The command of such words, made once."""
    if not words:
        return typer.main.get_command(app)
    return command_of(*words[:-1]).commands[words[-1]]


def unknown_options(text: str) -> list[str]:
    """The ``--options`` of ``mlp`` commands in backticks that the commands do not have."""
    wrong = []
    for code in re.findall(r"`(mlp [^`]+)`", text):
        known, command, asked = {"--help"}, command_of(), ()
        words = shlex.split(code.replace("\n", " "), comments=True)[1:]
        for number, word in enumerate(words):
            option = word.partition("=")[0]
            if hasattr(command, "commands") and not word.startswith("-"):
                if word not in command.commands:
                    if word.isupper():  # COMMAND stands for any
                        break
                    wrong.append(f"mlp {word}")
                    break
                asked = (*asked, word)
                command = command_of(*asked)
            elif option.startswith("--"):
                own = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
                if option not in own | known:
                    wrong.append(f"{option} of {' '.join(['mlp', *words[:number]])}")
    return wrong


def unknown_benchmarks(text: str) -> list[str]:
    """The ``python -m bench.…`` commands in backticks with no such module or no such options."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bench").rglob("*.py"))
    wrong = []
    for module, rest in re.findall(r"`python\s+-m\s+bench\.(\w+)([^`]*)`", text):
        if not (ROOT / "bench" / f"{module}.py").is_file():
            wrong.append(f"bench.{module}")
        wrong += [option for option in re.findall(r"--[\w-]+", rest) if f'"{option}"' not in source]
    return wrong


def test_the_documents_are_found() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/figures.md", "bench/LOG.md"} <= {
        name_of(path) for path in DOCUMENTS
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_no_link_is_dead(document: Path) -> None:
    assert dead_links(document, document.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "document", [d for d in DOCUMENTS if d.name not in TOLD_AS_THEY_WERE], ids=name_of
)
def test_paths_and_options_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert missing_paths(text) == []
    assert unknown_options(text) == []
    assert unknown_benchmarks(text) == []


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("[a](docs/nothing.md)", lambda text: dead_links(ROOT / "README.md", text)),
        ("[a](#nothing)", lambda text: dead_links(ROOT / "README.md", text)),
        ("`mlp/nothing.py`", missing_paths),
        ("`mlp train --nothing 3`", unknown_options),
        ("`mlp nothing`", unknown_options),
        ("`python -m bench.cpu --nothing 3`", unknown_benchmarks),
        ("`python -m bench.nothing`", unknown_benchmarks),
    ],
)
def test_what_is_missing_is_seen(text: str, check: Callable[[str], list[str]]) -> None:
    assert len(check(text)) == 1


def test_the_presets_point_to_files_that_exist() -> None:
    for preset in sorted((ROOT / "mlp" / "training" / "presets").glob("*.toml")):
        text = preset.read_text(encoding="utf-8")
        named = re.findall(r"\bmlp/[\w/]+\.py", text)
        assert [path for path in named if not (ROOT / path).is_file()] == [], preset.name
