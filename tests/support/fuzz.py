"""Parsers attacked with changed bytes: whatever they are given, they read it or say why not."""

from __future__ import annotations

import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
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
    *(b"//[", b"9" * 5_000, b"[" * 2_000, b"\\ud800", b"../", b"|", b"#", b"'", b"\xff\xfe"),
    *(b"{" * 2_000, b"0x" + b"f" * 300, b"</script>", b"a." * 2_000, b"\t", b";", b"%", b"@data"),
)

MOST_SECONDS, MOST_MB, SMALL = 1.0, 300.0, 1 << 20
"""What reading an input may take that is below so many bytes: seconds of a core, and memory."""


@dataclass
class Tally:
    """What came of an attack: tries, distinct faults, the slowest in seconds, peak in MB."""

    tries: int = 0
    refused: int = 0
    slowest: float = 0.0
    peak: float = 0.0
    faults: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """A parser: what to do with an input, and inputs that it reads.

    Attributes:
        act: reads an input.
        seeds: makes such inputs.
        modules: the files of the program whose lines are counted as reached or not.
    """

    act: Try
    seeds: Callable[[], list[bytes]]
    modules: tuple[str, ...] = ()


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
                times = 1 if rng.random() < 0.98 else 10 ** int(rng.integers(1, 5))
                part = changed[at : min(end, at + 60)]
                changed[at:at] = part * min(times, (SMALL // 2) // max(1, len(part)))
            case _:
                start = int(rng.integers(0, len(other) + 1))
                changed[at : at + 20] = other[start : start + 20]
    return bytes(changed[: SMALL - 1])


def attempt(target: Target, content: bytes, tally: Tally) -> tuple[float, float]:
    """Try one input; a fault is an exception that is no `MLPError`, or one unfit to print.

    Returns:
        The seconds of a core that it took, and the megabytes that the peak of memory rose.
    """
    started, before = time.process_time(), peak()
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
    seconds, grown = time.process_time() - started, peak() - before
    tally.slowest = max(tally.slowest, seconds)
    tally.peak = peak()
    return seconds, grown


def peak() -> float:
    """Return the most memory that the process has had, in MB."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1024 if sys.platform != "darwin" else 1 << 20)


class Guide:
    """What keeps an input to be changed further; this one keeps none."""

    def watch(self) -> AbstractContextManager[object]:
        """Watch while an input is tried."""
        return nullcontext()

    def is_new(self) -> bool:
        """Whether what was watched last did what none had done before."""
        return False


def attack(
    target: Target,
    seconds: float,
    seed: int = 0,
    most: int | None = None,
    guide: Guide | None = None,
    before: Callable[[bytes], object] = bytes,
    strict: bool = False,
) -> Tally:
    """Try the seeds, and changed ones until the time is over or ``most`` inputs are tried.

    Args:
        target: what is attacked.
        seconds: how long.
        seed: of the changes.
        most: inputs; None for as many as the time lets.
        guide: chooses what is changed further, beside the seeds.
        before: called with each input before it is tried.
        strict: whether it is a fault, too, to take more than `MOST_SECONDS` or `MOST_MB`.
    """
    rng, tally, guide = np.random.default_rng(seed), Tally(), guide or Guide()
    seeds, kept = target.seeds(), list[bytes]()

    def one(content: bytes) -> None:
        before(content)
        with guide.watch():
            seconds, grown = attempt(target, content, tally)
        if strict and tally.tries > len(seeds):  # which load libraries
            if seconds > MOST_SECONDS:
                tally.faults.setdefault("slow", content)
            if grown > MOST_MB:
                tally.faults.setdefault("large", content)
        if guide.is_new() and len(content) < SMALL // 8:
            kept.append(content)

    for content in seeds:
        one(content)
    end = time.monotonic() + seconds
    while time.monotonic() < end and (most is None or tally.tries < most):
        pool = kept if kept and rng.random() < 0.7 else seeds
        one(mutate(pool[rng.integers(len(pool))], seeds[rng.integers(len(seeds))], rng))
    return tally


def regressions(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Inputs that once were a fault, with the target's name: files called TARGET.WHAT."""
    for path in sorted(folder.iterdir()):
        yield path.name.split(".")[0], path.read_bytes()
