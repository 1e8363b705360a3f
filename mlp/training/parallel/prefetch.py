"""Prefetching: the next images are gathered in a thread while the network learns from these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from backends import Array
from mlp.common.threads import start_pool
from mlp.data.batches import Batches


def prefetch(
    batches: Batches, spans: Sequence[Array], start: int = 0
) -> Iterator[tuple[int, Array, Array]]:
    """Gather one span of rows after another, each in a thread while the one before is in use.

    Args:
        batches: the images; two replicas of them take turns.
        spans: parts of an order, each of shape (n,).
        start: the place in the order of the first image.

    Yields:
        Which of the two was gathered into; x of shape (n, I); labels of shape (n,) or (n, L).
    """
    places = firsts(spans, start)
    two = batches.replicas(2)
    two[1].key = batches.key
    with start_pool(1) as other:
        coming = other.submit(two[0].gather, spans[0], start)
        for nth in range(len(spans)):
            x, labels = coming.result()
            if nth + 1 < len(spans):
                gather = two[(nth + 1) % 2].gather
                coming = other.submit(gather, spans[nth + 1], places[nth + 1])
            yield nth % 2, x, labels


def firsts(spans: Sequence[Array], start: int = 0) -> list[int]:
    """Return the place in the order of each span's first image."""
    return list(accumulate((len(rows) for rows in spans[:-1]), initial=start))
