"""Parsers attacked with changed bytes: whatever they are given, they read it or say why not."""

from __future__ import annotations

import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlp.common.errors import MLPError
from mlp.common.printable import LONGEST

Try = Callable[[bytes], object]
TOKENS = (
    *(b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x01", b"9" * 400),
    *(b"-1", b"1e999", b"nan", b"inf", b"\x1b[2J", b'"', b",", b"\n", b"{", b"[" * 50, b"null"),
    *(b"(", b")", b"'shape': (-1,)", b"0x", b"PK\x05\x06", b"label", b"\xef\xbb\xbf", b"=", b":"),
    b"//[",
)


@dataclass
class Tally:
    """What came of an attack: tries, distinct faults, the slowest in seconds, peak in MB."""

    tries: int = 0
    refused: int = 0
    slowest: float = 0.0
    peak: float = 0.0
    faults: dict[str, bytes] = field(default_factory=dict)


def mutate(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Change a few places: bytes, bits, tokens, cuts, repeats, or a part of another input."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        at, end = sorted(rng.integers(0, len(changed) + 1, 2).tolist())
        if rng.random() < 0.4:  # where headers are
            at = min(at, int(rng.integers(0, 160)))
        token = TOKENS[rng.integers(len(TOKENS))]
        match int(rng.integers(7)):
            case 0 if at < len(changed):
                changed[at] ^= 1 << int(rng.integers(8))
            case 1 if at < len(changed):
                changed[at] = int(rng.integers(256))
            case 2:
                changed[at:at] = token
            case 3:
                changed[at : at + len(token)] = token
            case 4:
                del changed[at : min(end, at + int(rng.integers(1, 60)))]
            case 5:
                changed[at:at] = changed[at : min(end, at + 60)]
            case _:
                start = int(rng.integers(0, len(other) + 1))
                changed[at : at + 20] = other[start : start + 20]
    return bytes(changed)


def attempt(target: Target, content: bytes, tally: Tally) -> None:
    """Try one input; a fault is an exception that is no `MLPError`, or one unfit to print."""
    started = time.process_time()
    tally.tries += 1
    try:
        target.act(content)
    except MLPError as error:
        tally.refused += 1
        text = str(error)
        if len(text) > LONGEST or not text.isprintable():
            tally.faults.setdefault(f"message {text[:80]!r}", content)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        tally.faults.setdefault(f"{type(error).__name__} at {last.filename}:{last.lineno}", content)
    tally.slowest = max(tally.slowest, time.process_time() - started)


def attack(target: Target, seconds: float, seed: int = 0, most: int | None = None) -> Tally:
    """Try the seeds, and changed ones until the time is over or ``most`` inputs are tried."""
    rng = np.random.default_rng(seed)
    tally = Tally()
    seeds = target.seeds()
    for content in seeds:
        attempt(target, content, tally)
    end = time.monotonic() + seconds
    while time.monotonic() < end and (most is None or tally.tries < most):
        one, other = (seeds[i] for i in rng.integers(0, len(seeds), 2))
        attempt(target, mutate(one, other, rng), tally)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tally.peak = kilobytes / (1024 if sys.platform != "darwin" else 1 << 20)
    return tally


@dataclass(frozen=True)
class Target:
    """A parser: what to do with an input, and inputs that it reads."""

    act: Try
    seeds: Callable[[], list[bytes]]


def regressions(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Inputs that once were a fault, with the target's name: files called TARGET.WHAT."""
    for path in sorted(folder.iterdir()):
        yield path.name.split(".")[0], path.read_bytes()
