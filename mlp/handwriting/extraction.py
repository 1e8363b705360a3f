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

AHEAD = 4
"""Pictures that are read ahead for each process."""


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


def extract_all(sources: Sequence[Source], way: Way, workers: int) -> Iterator[Extraction]:
    """Extract the digits of pictures, in order.

    Args:
        sources: the pictures.
        way: how they are read.
        workers: how many processes may work, where that pays; with 1 all is done in this one.

    Raises:
        MLPError: if a process was killed.
    """
    spent = 0.0
    for done, source in enumerate(sources, start=1):
        start = time.perf_counter()
        extraction = extract(source, way)
        spent += time.perf_counter() - start
        yield extraction
        if workers > 1 and spent / done * (len(sources) - done) > POOL_SECONDS:
            yield from _in_processes(sources[done:], way, workers)
            return


def _in_processes(sources: Sequence[Source], way: Way, workers: int) -> Iterator[Extraction]:
    # A forked copy of this process, which may have threads, could hang: a server without any forks.
    method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
    context = get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(workers, context, _begin)
    try:
        left = iter(sources)
        ahead: deque[Future[Extraction]] = deque(
            pool.submit(_work, source, way) for source in islice(left, AHEAD * workers)
        )
        while ahead:
            yield ahead.popleft().result()
            ahead.extend(pool.submit(_work, source, way) for source in islice(left, 1))
    except BrokenProcessPool:
        raise MLPError(
            "a process that read pictures was killed, perhaps for want of memory: read fewer at a "
            "time, or end other programs"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _work(source: Source, way: Way) -> Extraction:
    with blas_threads(1):
        return extract(source, way)


def _begin() -> None:
    """Leave Ctrl-C to the first process, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
