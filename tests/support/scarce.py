"""Trains where memory, file handles, disk, processes or the clock fail; looks at what is left."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from source import ROOT

from mlp.models.metadata import metadata_of
from mlp.models.model_file import load

MB = 1 << 20
DATA = ("--dataset", "synthetic:600+100", "--device", "cpu")
PATIENCE = 120.0
"""Seconds after which a training is said to hang."""

RECIPES = {
    "small batches": ("--hidden", "64", "--batch-size", "16"),
    "large batches": ("--hidden", "512,256", "--batch-size", "64"),
    "the whole set": ("--hidden", "64", "--batch-size", "full"),
}
EPOCHS = 5

PLUGINS = {
    "no thread": (
        "import _thread, threading\n"
        'def start(*arguments):\n raise RuntimeError("can\'t start new thread")\n'
        "_thread.start_new_thread = threading._start_new_thread = start\n"
        "threading._start_joinable_thread = start"
    ),
    "the clock jumps": (
        "import itertools, time\nhours = itertools.count()\nnow = time.time\n"
        "time.time = lambda: now() + 3600.0 * (next(hours) % 7 - 3)"
    ),
}
"""What a plugin does to the process before anything is imported."""

LIMIT = r"""
import re, resource, sys
from pathlib import Path

class Counting:
    def __init__(self, file):
        self.file, self.told = file, 0

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, text):
        done = self.file.write(text)
        self.told += text.startswith("epoch ")
        if text.startswith("epoch ") and self.told == {after}:
            amount = {amount}
            if "{what}" == "AS":
                status = Path("/proc/self/status").read_text()
                amount += int(re.search(r"VmSize:\s+(\d+) kB", status)[1]) << 10
            resource.setrlimit(resource.RLIMIT_{what}, (amount, amount))
        return done

sys.stderr = Counting(sys.stderr)
"""
"""A plugin that limits the process once it has told of so many epochs. From outside, a limit could
come after the look for a thread's room and before the thread's first line, where Python waits for
ever; no system lowers one then."""


@dataclass(frozen=True)
class Shortage:
    """Something that a training runs out of.

    Attributes:
        what: a key of `PLUGINS`, or a limit: ``AS``, ``NOFILE``, ``FSIZE``.
        amount: of the limit; for ``AS`` after epochs, beyond what the process has.
        after: how many epochs it has told by then; 0 from its start.
        recipe: a key of `RECIPES`.
        run: whether a run's folder is kept.
    """

    what: str
    amount: int = 0
    after: int = 0
    recipe: str = "small batches"
    run: bool = False

    @property
    def title(self) -> str:
        """What it is called in a report."""
        amount = f" {self.amount:,}" if self.what not in PLUGINS else ""
        kept = ", a run" if self.run else ""
        return f"{self.what}{amount}, after {self.after} epochs, {self.recipe}{kept}"


def every_shortage() -> Iterator[Shortage]:
    """Yield what ``python -m tests.faults`` tries."""
    for recipe in RECIPES:
        for run in (False, True):
            for megabytes in (60, 100, 140, 170, 200, 230, 260, 300, 400, 600):
                yield Shortage("AS", megabytes * MB, 0, recipe, run)
            for megabytes in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256):
                yield Shortage("AS", megabytes * MB, 2, recipe, run)
            for handles in (5, 6, 8, 12, 16):  # with 4 Python does not start
                yield Shortage("NOFILE", handles, 0, recipe, run)
            yield Shortage("NOFILE", 3, 2, recipe, run)
            for size in (0, 1000, 100_000):
                yield Shortage("FSIZE", size, 0, recipe, run)
                yield Shortage("FSIZE", size, 2, recipe, run)
            for what in PLUGINS:
                yield Shortage(what, 0, 0, recipe, run)


def suffer(shortage: Shortage, folder: Path) -> str:
    """Train under a shortage, in an empty folder.

    Returns:
        The last line that was said, or an empty text where the training reached its end.

    Raises:
        AssertionError: if it hangs, ends without a sentence, or an epoch is lost.
    """
    plugin = folder / "plugin.py"
    plugin.write_text(PLUGINS.get(shortage.what, ""))
    if shortage.after:
        plugin.write_text(LIMIT.format(**vars(shortage)))
    place, model = ("--out", folder / "m.safetensors"), folder / "m.safetensors"
    if shortage.run:
        place, model = ("--run", folder / "run"), folder / "run" / "model.safetensors"
    limit = ""
    if shortage.what not in PLUGINS and not shortage.after:
        flag, unit = {"AS": ("v", 1024), "NOFILE": ("n", 1), "FSIZE": ("f", 512)}[shortage.what]
        limit = f"ulimit -{flag} {shortage.amount // unit}; "
    recipe = (*RECIPES[shortage.recipe], "--epochs", str(EPOCHS), *map(str, place))
    training = (sys.executable, "-m", "mlp", "train", *DATA, *recipe)
    with subprocess.Popen(
        ["/bin/sh", "-c", f'{limit}exec "$@"', "sh", *training],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "MLP_PLUGINS": str(plugin), "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        guard = threading.Timer(PATIENCE, process.kill)
        guard.start()
        assert process.stderr is not None
        lines = [line.rstrip() for line in process.stderr]
        guard.cancel()
    told = sum(line.startswith("epoch ") for line in lines)
    what = f"{shortage.title}: code {process.returncode}, said {lines}"
    assert process.returncode in (0, 1), what  # a kill by the guard would be another
    assert not any("Traceback" in line or "panicked" in line for line in lines), what
    if process.returncode == 0:
        assert told == EPOCHS, what
    else:
        assert lines[-1].startswith(("mlp: ", "OpenBLAS error: ")), what
    if shortage.what == "FSIZE" and not shortage.after:
        return lines[-1]  # nothing could be kept
    if model.exists():
        assert len(metadata_of(load(model)).history) == told or shortage.what != "AS", what
    else:
        assert not told or list(folder.glob("run/checkpoint-*")), what
    return lines[-1] if process.returncode else ""
