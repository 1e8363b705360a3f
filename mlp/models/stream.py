"""The outputs of a network for chunk after chunk of rows, several chunks at a time on a CPU."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlp.common.threads import blas_threads, start_pool
from mlp.data.batches import Batches
from mlp.models.predict import run
from mlp.nn.network import MLP

Chunk = TypeVar("Chunk")


def stream_outputs(
    replicas: Sequence[MLP],
    chunks: Iterable[Chunk],
    images_of: Callable[[Chunk], NDArray[Any]],
) -> Iterator[tuple[Chunk, NDArray[Any]]]:
    """Run a network on chunks in their order; no more are read ahead than there are replicas.

    Args:
        replicas: the network and replicas of it, a thread each.
        chunks: what is read.
        images_of: makes of a chunk the images of a `mlp.data.dataset.Split`, shape (N, …); called
            in the order of the chunks.

    Yields:
        Each chunk with the outputs for it, shape (N, C).
    """
    idle: SimpleQueue[MLP] = SimpleQueue()
    for replica in replicas:
        idle.put(replica)

    def work(images: NDArray[Any]) -> NDArray[Any]:
        model = idle.get()
        try:
            with np.errstate(all="ignore"):  # weights of any size may be asked
                return run(model, Batches(images, np.zeros(len(images), np.int64), model))
        finally:
            idle.put(model)

    # One pool for the whole stream: BLAS is limited once, as threads that did it would not agree.
    with blas_threads(1), start_pool(len(replicas)) as pool:
        ahead: deque[tuple[Chunk, Future[NDArray[Any]]]] = deque()
        for chunk in chunks:
            ahead.append((chunk, pool.submit(work, images_of(chunk))))
            if len(ahead) > len(replicas):
                first, future = ahead.popleft()
                yield first, future.result()
        for chunk, future in ahead:
            yield chunk, future.result()
