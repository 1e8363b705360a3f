"""An interrupt at any moment of the command's start and end is told by no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from source import ROOT

WATCH = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from mlp.__main__ import main
sys.argv = ["mlp", *{arguments!r}]
main()
"""


def end_at(folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command, and interrupt it when it imports a module."""
    return subprocess.run(
        [sys.executable, "-c", WATCH.format(module=module, arguments=arguments)],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="it sends signals")
@pytest.mark.parametrize("module", ["numpy", "mlp.common.errors", "mlp.cli", "mlp.cli.presets"])
def test_an_interrupt_while_it_imports_prints_nothing(tmp_path: Path, module: str) -> None:
    ended = end_at(tmp_path, module, "presets")
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("name", ["MLP", "train", "get_backend"])
def test_what_the_package_offers_is_there_when_it_is_asked_for(name: str) -> None:
    code = f"import mlp, sys; assert 'numpy' not in sys.modules; print(mlp.{name}.__name__)"
    told = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == name
