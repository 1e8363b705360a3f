"""Ends commands at random moments in every way that happens, and looks at what is lost and left."""

from __future__ import annotations

import fcntl
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from sessions import members
from source import ROOT

from mlp.common.errors import MLPError
from mlp.data.formats import convert as datasets
from mlp.data.load import load_dataset
from mlp.models import model_file
from mlp.models.metadata import metadata_of

FAULTS = (
    "model lost",
    "told epoch lost",
    "old one lost",
    "traceback",
    "no sentence",
    "hangs",
    "processes left",
    "(left, then swept)",
    "left for good",
    "(after epoch 1)",
)
"""What is counted; those in brackets are no faults."""

EPOCH = re.compile(rb"^epoch (\d+)/", re.M)
DATA = ("--dataset", "synthetic:1500+200", "--device", "cpu")
RECIPES = (
    ("--epochs", "15", "--hidden", "64,32", "--batch-size", "16"),
    ("--epochs", "10", "--hidden", "512,256", "--batch-size", "64"),
    ("--epochs", "12", "--hidden", "64", "--validation", "0.2", "--keep", "best"),
    ("--epochs", "60", "--hidden", "64", "--batch-size", "full"),
)
UNTOLD = (-signal.SIGINT, -signal.SIGTERM, -signal.SIGHUP)
"""The ends of a process that trains not yet, or no more; these signals ask for no sentence then."""

PATIENCE = 120.0
"""Seconds after which a process that was told to end is said to hang."""


class Targets:
    """What is attacked: trainings and conversions, and how long each takes when left alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seconds: dict[tuple[str, ...], float] = {}
        datasets.write(load_dataset("synthetic:3000+500"), folder / "digits.npz")
        datasets.write(load_dataset("synthetic:30+10"), folder / "few.npz")

    def seconds(self, arguments: tuple[str, ...]) -> float:
        if arguments not in self._seconds:
            place = self.folder / "alone"
            place.mkdir()
            start = time.monotonic()
            _finish(place, arguments)
            self._seconds[arguments] = time.monotonic() - start
            shutil.rmtree(place)
        return self._seconds[arguments]


def send(*numbers: int, within: float = 0.0) -> Callable[[subprocess.Popen[bytes], Random], None]:
    """Make an attack by signals, each a moment after the one before."""

    def act(process: subprocess.Popen[bytes], random: Random) -> None:
        for number in numbers:
            process.send_signal(number)
            time.sleep(random.uniform(0, within))

    return act


def do_nothing(process: subprocess.Popen[bytes], random: Random) -> None:
    """The terminal has been closed already."""


Act = Callable[[subprocess.Popen[bytes], Random], None]
ATTACKS: dict[str, Act] = {
    "SIGKILL": send(signal.SIGKILL),
    "Ctrl-C": send(signal.SIGINT),
    "Ctrl-C twice": send(signal.SIGINT, signal.SIGINT, within=0.2),
    "Ctrl-C five times": send(*[signal.SIGINT] * 5, within=0.1),
    "SIGTERM": send(signal.SIGTERM),
    "SIGHUP": send(signal.SIGHUP),
    "terminal closed": do_nothing,
    "convert killed": send(signal.SIGKILL),
    "convert, Ctrl-C": send(signal.SIGINT, signal.SIGINT, within=0.05),
}


def attack(kind: str, targets: Targets, seed: int, number: int) -> dict[str, str]:
    """Attack once; return what was found, by `FAULTS`."""
    random = Random(f"{seed} {number}")
    place = targets.folder / "place"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    if kind.startswith("convert"):
        return _attack_conversion(ATTACKS[kind], place, targets, random)
    recipe = random.choice(RECIPES)
    arguments = ("train", *DATA, *recipe)
    wait = random.uniform(0.05, 1.1) * targets.seconds(arguments)
    terminal = kind == "terminal closed"
    told, code, found = _run(place, arguments, wait, ATTACKS[kind], random, terminal)
    epochs = max((int(match) for match in EPOCH.findall(told)), default=0)
    if epochs:
        found["(after epoch 1)"] = str(epochs)
    models = [path for path in place.iterdir() if not path.name.startswith(".")]
    if epochs and not models:
        found["model lost"] = f"{epochs} epochs were told; {told[-300:]!r}"
    for path in models:
        try:
            history = metadata_of(model_file.load(path)).history
        except MLPError as error:
            found["model lost"] = str(error)
        else:
            measured = len(history)
            if kind != "SIGKILL" and measured < epochs:
                found["told epoch lost"] = f"{epochs} were told, the model has {measured}"
    is_early = not epochs and code in UNTOLD  # while it was imported
    is_done = b"model: " in told
    is_told = is_done or b"interrupted" in told or b"mlp: " in told
    if not (terminal or kind == "SIGKILL" or is_early or is_told or code == 0):
        found["no sentence"] = f"{code}: {told[-300:]!r}"
    _sweep(place, ("train", *DATA, "--epochs", "1", "--hidden", "4"), found)
    return found


def _attack_conversion(act: Act, place: Path, targets: Targets, random: Random) -> dict[str, str]:
    """Attack the replacement of a folder of images, which must be the old or the new one."""
    old, new = (str(targets.folder / name) for name in ("few.npz", "digits.npz"))
    arguments = ("data", "convert", new, "out", "--to", "images")
    wait = random.uniform(0.2, 1.05) * targets.seconds(arguments)
    _finish(place, ("data", "convert", old, "out", "--to", "images"))
    _, _, found = _run(place, (*arguments, "--force"), wait, act, random, terminal=False)
    count = sum(1 for _ in (place / "out").rglob("*.png"))
    if count not in (40, 3500):
        found["old one lost"] = f"{count} images are there"
    _sweep(place, ("data", "convert", old, "other", "--to", "images"), found)
    return found


def _sweep(place: Path, arguments: tuple[str, ...], found: dict[str, str]) -> None:
    """Look for what is left beside the result, and whether the next command deletes it."""

    def left() -> list[str]:
        return [path.name for path in place.iterdir() if path.name.startswith(".")]

    if before := left():
        found["(left, then swept)"] = str(before)
        _finish(place, arguments)
        if after := left():
            found["left for good"] = str(after)


def _finish(place: Path, arguments: Sequence[str]) -> None:
    command = [sys.executable, "-m", "mlp", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True)


def _run(
    place: Path,
    arguments: Sequence[str],
    wait: float,
    act: Act,
    random: Random,
    terminal: bool,
) -> tuple[bytes, int, dict[str, str]]:
    """Run a command and attack it after a while; return what it told, its exit code, and faults."""

    def begin() -> None:
        for name in ("SIGINT", "SIGHUP"):  # which a background job or nohup may have ignored
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        if terminal:
            fcntl.ioctl(2, termios.TIOCSCTTY, 0)

    reading, writing = os.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "mlp", *arguments],
        cwd=place, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
        stdout=writing, stderr=writing, start_new_session=True, preexec_fn=begin,
    )  # fmt: skip
    os.close(writing)
    told, found = b"", dict[str, str]()
    until = time.monotonic() + wait
    told += _read(reading, lambda: time.monotonic() < until)
    if terminal:
        os.close(reading)
    act(process, random)
    if not terminal:
        late = time.monotonic() + PATIENCE
        told += _read(reading, lambda: time.monotonic() < late)
        os.close(reading)
    try:
        code = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        found["hangs"] = told[-300:].decode(errors="replace")
        os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    if b"Traceback" in told or b"Exception ignored" in told:
        found["traceback"] = told[-600:].decode(errors="replace")
    late = time.monotonic() + 30
    while (left := members(process.pid)) and time.monotonic() < late:
        time.sleep(0.05)
    if left:
        found["processes left"] = str(left)
        os.killpg(process.pid, signal.SIGKILL)
    return told, code, found


def _read(descriptor: int, goes_on: Callable[[], bool]) -> bytes:
    """Read until the end, or until it is to go on no more."""
    told = b""
    while goes_on():
        if select.select([descriptor], [], [], 0.01)[0]:
            try:
                part = os.read(descriptor, 65536)
            except OSError:  # a terminal's end
                break
            if not part:
                break
            told += part
    return told
