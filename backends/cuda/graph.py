"""A step that is captured in a CUDA graph at its second call and replayed from then on."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from backends.cuda.queue import Queue


class GraphWarning(RuntimeWarning):
    """A step that could not be captured: it runs as it would without graphs, only slower."""


class CapturedStep:
    """A step as one CUDA graph; see `backends.base.Backend.capture` for what a step may do.

    The first call runs the step, which makes its buffers and compiles its kernels. The second
    captures it, which computes nothing, and launches the graph. If capturing fails, every call
    runs the step, and a `GraphWarning` says why.

    Memory that a step allocates while it is captured is used by every replay of the graph. So it
    comes from a pool that lives as long as the graph and serves nothing else.

    Args:
        step: what to repeat.
        cupy: the module.
        queue: where everything runs.
    """

    def __init__(self, step: Callable[[], Any], cupy: Any, queue: Queue) -> None:
        self._step, self._cupy, self._queue = step, cupy, queue
        self._stream = queue.stream
        self._pool = cupy.cuda.MemoryPool()
        self._call: Callable[[], Any] = self._warm_up

    def __call__(self) -> Any:
        """Do the step's work; return what the step returned."""
        self._queue.enter()
        return self._call()

    @property
    def replays(self) -> bool:
        """Whether the next call replays a graph."""
        return self._call == self._replay

    def _warm_up(self) -> Any:
        with self._queue.holding():
            result = self._step()
        self._call = self._capture
        return result

    def _capture(self) -> Any:
        try:
            self._graph, self._result = self._captured()
        except Exception as error:  # CuPy, the driver and cuBLAS each raise types of their own
            reason = str(error).strip().splitlines()
            warnings.warn(
                f"no CUDA graph could be captured ({reason[0] if reason else repr(error)}), "
                "so each operation is launched by itself, which is slower",
                GraphWarning,
                stacklevel=3,
            )
            self._call = self._step
            return self._step()
        self._call = self._replay
        return self._replay()

    def _replay(self) -> Any:
        self._graph.launch(self._stream)
        return self._result

    def _captured(self) -> tuple[Any, Any]:
        """Record the step's work in a graph without doing it; return the graph and the result.

        A capture must be ended even if it fails, or the stream stays unusable. What the garbage
        collector destroys meanwhile may wait for the device, as another backend's cuBLAS handle
        does, which would break the capture: so it works before and afterwards.
        """
        gc.collect()
        collects = gc.isenabled()
        gc.disable()
        try:
            return self._recorded()
        finally:
            if collects:
                gc.enable()

    def _recorded(self) -> tuple[Any, Any]:
        with self._cupy.cuda.using_allocator(self._pool.malloc):
            self._stream.begin_capture()
            try:
                with self._queue.holding():
                    result = self._step()
            except BaseException:
                with suppress(Exception):
                    self._stream.end_capture()
                raise
            return self._stream.end_capture(), result
