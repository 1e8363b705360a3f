"""Digits extracted from many pictures, in their order, on all cores; a few pictures are held."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice
from multiprocessing import connection, get_all_start_methods, get_context, parent_process
from typing import NamedTuple

import numpy as np

from mlp.common.errors import DataError, MLPError
from mlp.common.threads import blas_threads
from mlp.handwriting.digit import Digit
from mlp.handwriting.load import load_picture
from mlp.handwriting.pipeline import extract_digit, extract_digits

POOL_SECONDS = 2.0
"""Processes are started where what is left would take one of them longer than this."""

SECONDS_AT_ONCE = 0.1
"""A process is given so many pictures at a time as take it about so long."""

MOST_AT_ONCE = 32
"""Pictures that a process is given at a time at most."""

AHEAD = 3
"""Tasks of each process that are begun, or wait, ahead of the one whose result is next."""


@dataclass(frozen=True)
class Way:
    """How pictures are read.

    Attributes:
        many: whether they may show rows of digits.
        keeps_stages: whether the stages of each are kept, which take megabytes.
        turns: quarter turns, clockwise, that bring them upright.
    """

    many: bool = False
    keeps_stages: bool = False
    turns: int = 0


class Source(NamedTuple):
    """A picture by its name; with its content where that is in no file of this name."""

    name: str
    content: bytes | None = None


class Extraction(NamedTuple):
    """The digits of a picture; or why there are none."""

    digits: list[Digit]
    problem: str | None = None


def extract(source: Source, way: Way) -> Extraction:
    """Extract the digits of one picture; whatever goes wrong leaves others to be read."""
    try:
        pixels = load_picture(source.name if source.content is None else BytesIO(source.content))
        pixels = np.ascontiguousarray(np.rot90(pixels, -way.turns))
        digits = extract_digits(pixels) if way.many else [extract_digit(pixels)]
    except DataError as error:
        return Extraction([], str(error))
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
        told = f"{source.name} cannot be read, by a fault of mlp ({fault}): please report it"
        return Extraction([], told)
    return Extraction(digits if way.keeps_stages else [replace(d, stages={}) for d in digits])


def extract_all(sources: Sequence[Source], way: Way, processes: int) -> Iterator[Extraction]:
    """Extract the digits of pictures, in order.

    Args:
        sources: the pictures.
        way: how they are read.
        processes: how many may work, where that pays; with 1 all is done in this one.

    Raises:
        MLPError: if a process was killed.
    """
    spent = 0.0
    for done, source in enumerate(sources):
        start = time.perf_counter()
        extraction = extract(source, way)
        spent += time.perf_counter() - start if done else 0.0  # much is loaded for the first
        yield extraction
        left = len(sources) - done - 1
        if processes > 1 and done and spent / done * left > POOL_SECONDS:
            yield from _in_processes(sources[done + 1 :], way, processes)
            return


def _in_processes(sources: Sequence[Source], way: Way, processes: int) -> Iterator[Extraction]:
    # A forked copy of this process, which may have threads, could hang: a server without any forks.
    method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
    context = get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(processes, context, _begin)
    try:
        left, size = iter(sources), 1
        ahead: deque[Future[_Done]] = deque()
        for _ in range(AHEAD * processes):
            _submit(pool, left, size, way, ahead)
        while ahead:
            extractions, seconds = ahead.popleft().result()
            yield from extractions
            in_time = int(len(extractions) * SECONDS_AT_ONCE / seconds)
            size = max(1, min(in_time, 2 * size, MOST_AT_ONCE))
            _submit(pool, left, size, way, ahead)
    except BrokenProcessPool:
        raise MLPError(
            "a process that read pictures was killed, perhaps for want of memory: read fewer at a "
            "time, or end other programs"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


class _Done(NamedTuple):
    """What a process extracted, and how long it took."""

    extractions: list[Extraction]
    seconds: float


def _submit(
    pool: ProcessPoolExecutor,
    left: Iterator[Source],
    count: int,
    way: Way,
    ahead: deque[Future[_Done]],
) -> None:
    if sources := list(islice(left, count)):
        ahead.append(pool.submit(_work, sources, way))


def _work(sources: list[Source], way: Way) -> _Done:
    start = time.perf_counter()
    with blas_threads(1):
        extractions = [extract(source, way) for source in sources]
    return _Done(extractions, time.perf_counter() - start)


def _begin() -> None:
    """Leave Ctrl-C to the first process, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
