"""Prefetching: the next images are gathered in a thread while the network learns from these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate

from backends import Array
from mlp.data.batches import Batches


def prefetch(batches: Batches, spans: Sequence[Array]) -> Iterator[tuple[int, Array, Array]]:
    """Gather one span of rows after another, each while the one before is in use.

    Args:
        batches: the images; two replicas are gathered into in turn.
        spans: parts of an order, each of shape (n,).

    Yields:
        Which of the two was gathered into; x of shape (n, I); labels of shape (n,) or (n, L).
    """
    firsts = [0, *accumulate(len(rows) for rows in spans)]
    two = batches.replicas(2)
    two[1].key = batches.key
    with ThreadPoolExecutor(1) as other:
        coming = other.submit(two[0].gather, spans[0], 0)
        for nth in range(len(spans)):
            x, labels = coming.result()
            if nth + 1 < len(spans):
                gather = two[(nth + 1) % 2].gather
                coming = other.submit(gather, spans[nth + 1], firsts[nth + 1])
            yield nth % 2, x, labels
