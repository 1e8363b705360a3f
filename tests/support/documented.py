"""The commands and the Python that a document shows, and how a test runs them."""

from __future__ import annotations

import doctest
import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple
from unittest.mock import patch

from command import ASKED_BY_A_TERMINAL, Command, Result
from source import ROOT

import mlp

RUN_WHOLE = [
    *sorted((ROOT / "docs" / "book").glob("[0-9]*.md")),
    *sorted((ROOT / "docs" / "explained").glob("*.md")),
]
"""The pages whose blocks are run from top to bottom, and print what stands below them."""

SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
"""How what a page shows is compared with what is printed: ... stands for anything."""


class Block(NamedTuple):
    """A fenced block: its language, what is in it, and the number of its first line."""

    language: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order, those in lists as well."""
    fence = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
    return [
        Block(found[2], dedent(found[3]), page.count("\n", 0, found.start(3)) + 1)
        for found in fence.finditer(page)
    ]


def few_digits(*_: object, **__: object) -> mlp.Dataset:
    """What MNIST is where a page asks for it: digits that are drawn in no time."""
    return mlp.load_dataset("synthetic:1200+300")


@patch("mlp.data.load.load_mnist", few_digits)
def run_page(path: Path, command: Command) -> int:
    """Run a page from top to bottom, in one namespace, and compare what it prints.

    Blocks of ``python`` and ``sh`` are run; a block of ``text`` is what the block before it prints,
    a command's stderr before its stdout. A command whose comment has "exit code N" ends so. MNIST
    is `few_digits`.

    Returns:
        How many blocks ran.
    """
    names: dict[str, Any] = {"__name__": "page"}
    printed, ran = "", 0
    for block in blocks(path.read_text(encoding="utf-8")):
        place = f"{path.name}, line {block.line}"
        if block.language == "python":
            source = "\n" * (block.line - 1) + block.text
            with redirect_stdout(StringIO()) as output:
                exec(compile(source, str(path), "exec"), names)
            printed, ran = output.getvalue(), ran + 1
        elif block.language == "sh":
            printed, ran = "", ran + 1
            for line in block.text.replace("\\\n", "").splitlines():
                wanted = re.search(r" #.*exit code (\d+)", line)
                for shown in commands(f"```sh\n{line}\n```"):
                    program, *arguments = shlex.split(shown)
                    assert program == "mlp", f"{place}: {shown}"
                    done = command(*arguments)
                    assert done.code == int(wanted[1] if wanted else 0), f"{place}: {done}"
                    printed += done.err + done.out
        elif block.language == "text":
            assert doctest.OutputChecker().check_output(block.text, printed, SAME), (
                f"{place} shows\n{block.text}\nbut this is printed:\n{printed}"
            )
    return ran


def commands(text: str) -> list[str]:
    """The commands of all blocks of shell, without their comments."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    parts = [part for line in lines for part in line.partition(" #")[0].split("&&")]
    return [part.strip() for part in parts if part.strip()]


def run_mlp(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ASKED_BY_A_TERMINAL}
    return subprocess.run(
        [sys.executable, "-m", "mlp", *arguments],
        cwd=folder,
        env={**kept, "MLP_OFFLINE": "1", "PYTHONPATH": str(ROOT), "BROWSER": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def in_a_process(folder: Path) -> Command:
    """The command line in a folder, and in a process of its own."""

    def run(*arguments: object) -> Result:
        done = run_mlp(folder, *map(str, arguments))
        return Result(done.returncode, done.stdout, done.stderr)

    return run


def run_notebook(path: Path) -> None:
    """Run a notebook's cells of code from top to bottom, in one namespace."""
    names: dict[str, Any] = {"__name__": "notebook"}
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{path.name}, cell {number}", "exec"), names)
