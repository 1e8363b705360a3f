"""A split's images and labels on the device, handed out in batches and in pieces of batches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backends import Array
from mlp.data.augment import Deformation
from mlp.nn.buffers import Buffers
from mlp.nn.network import MLP

HOST_SHARE = 2
"""Images that would fill more than one part in so many of a device's free memory stay outside."""


class Batch(NamedTuple):
    """Images and labels, in arrays that are used again for a later batch of the same slot."""

    slot: int
    x: Array
    labels: Array


class Batches:
    """Images as rows of floats from 0 to 1, for one network on its device.

    The bytes are kept and each batch is converted, which is faster than to fetch four times as many
    bytes; only where all images make one piece are they converted once for all. Images that are too
    many for the device stay on the host, or in a mapped file, and each batch is brought over.

    Args:
        images: uint8, shape (N, ...), each I values.
        labels: integers, shape (N,); or answers of 0 and 1, shape (N, L).
        model: the network that they are for: its device, dtype and widths.
        augment: how `gather` deforms the images; see `mlp.data.augment`.

    Attributes:
        key: what the deformations of an epoch follow from.
        on_host: whether the images stay on the host; the labels never do.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[Any],
        model: MLP,
        augment: str | None = None,
    ) -> None:
        backend = model.backend
        self.backend, self.xp = backend, backend.xp
        self._buffer = Buffers(backend, model.dtype)
        rows = images.reshape(len(images), math.prod(images.shape[1:]))
        itemsize = np.dtype(model.dtype).itemsize
        memory = backend.memory()
        self.on_host = memory.is_discrete and rows.nbytes > memory.free // HOST_SHARE
        self.images: Array = rows if self.on_host else backend.asarray(rows)  # (N, I)
        memory = backend.memory()  # what they leave
        widths = rows.shape[1] + 3 * sum(model.sizes[1:])  # x; and y, f(y) and dy a layer
        self.piece = max(1, memory.working_set // (widths * itemsize))
        self.keeps_floats = len(rows) <= self.piece and not self.on_host
        if self.keeps_floats:
            self.images = self._as_floats(self.images, self.xp.empty(rows.shape, model.dtype))
        # On the host integers stay bytes as well; what takes rows by them wants them wide.
        self._wide = np.dtype(np.int64 if labels.ndim == 1 else model.dtype)
        keeps_bytes = labels.ndim == 1 and not (self.keeps_floats or memory.is_discrete)
        self.labels = backend.asarray(labels, None if keeps_bytes else self._wide)
        self._ahead = memory.workers > 1 and augment is not None
        self.key = 0
        self.deformations: list[Deformation] = []  # one for each slot
        if augment is not None:
            shape = images.shape[1:]
            for _ in range(max(2, memory.workers)):
                self.deformations.append(Deformation(augment, shape, backend, model.dtype))

    def __len__(self) -> int:
        return len(self.images)

    def order(self, rows: NDArray[np.int64]) -> Array:
        """Bring indices, shape (n,), to where the images are."""
        return rows if self.on_host else self.backend.asarray(rows)

    def stream(self, spans: Sequence[Array], slot: int = 0) -> Iterator[Batch]:
        """Gather one span of rows after another, deformed ones while the one before is in use.

        Args:
            spans: parts of an `order`, each of shape (n,).
            slot: into which arrays, unless they are gathered into two in turn.
        """
        firsts = [0, *accumulate(len(rows) for rows in spans)]
        if len(spans) == 1 or not self._ahead:
            for rows, first in zip(spans, firsts, strict=False):
                yield Batch(slot, *self.gather(rows, first, slot))
            return
        with ThreadPoolExecutor(1) as other:
            coming = other.submit(self.gather, spans[0], 0, 0)
            for k in range(len(spans)):
                x, labels = coming.result()
                if k + 1 < len(spans):
                    coming = other.submit(self.gather, spans[k + 1], firsts[k + 1], (k + 1) % 2)
                yield Batch(k % 2, x, labels)

    def gather(self, rows: Array, first: int = 0, slot: int = 0) -> tuple[Array, Array]:
        """Copy some rows, in any order, into arrays that are reused for as many; deform them.

        Args:
            rows: part of an `order`, shape (n,).
            first: the place of the first of them in the epoch's order.
            slot: which arrays; those of another slot keep what they hold.

        Returns:
            x of shape (n, I) and labels of shape (n,) or (n, L).
        """
        n, labels = len(rows), self.labels_of(rows, slot)
        x = self._buffer(f"x {slot}", n, self.images.shape[1])
        if self.on_host:
            self._as_floats(self.backend.asarray(self.images.take(rows, axis=0)), x)
        elif self.keeps_floats:
            self.xp.take(self.images, rows, axis=0, out=x)
        else:
            pixels = self._buffer(f"pixels {slot}", n, self.images.shape[1], dtype="uint8")
            self.xp.take(self.images, rows, axis=0, out=pixels)
            self._as_floats(pixels, x)
        return self.deformations[slot](x, first, self.key) if self.deformations else x, labels

    def labels_of(self, rows: Array, slot: int = 0) -> Array:
        """Copy the labels of some rows, which the next call for as many and this slot overwrites.

        Args:
            rows: part of an `order`, shape (n,).
            slot: which array.
        """
        shape = (len(rows), *self.labels.shape[1:])
        labels = self._buffer(f"kept labels {slot}", *shape, dtype=self.labels.dtype)
        self.xp.take(self.labels, self.backend.asarray(rows), axis=0, out=labels)
        return labels if labels.dtype == self._wide else self._widened(labels, slot)

    def slice(self, start: int, stop: int, slot: int = 0) -> tuple[Array, Array]:
        """Return the rows from start to stop: views where floats are kept, else as `gather`."""
        pixels, labels = self.images[start:stop], self.labels[start:stop]
        if self.keeps_floats:
            return pixels, labels
        x = self._buffer(f"x {slot}", *pixels.shape)
        return self._as_floats(self.backend.asarray(pixels), x), self._widened(labels, slot)

    def pieces(self, start: int, stop: int, lanes: int = 1) -> Iterator[tuple[int, int]]:
        """Cut a range of rows into even pieces that suit the device, equally many for each lane."""
        count = -(-(stop - start) // (self.piece * lanes)) * lanes
        for i in range(count):
            yield (
                start + (stop - start) * i // count,
                start + (stop - start) * (i + 1) // count,
            )

    def _widened(self, labels: Array, slot: int) -> Array:
        wide = self._buffer(f"labels {slot}", *labels.shape, dtype=self._wide)
        self.xp.copyto(wide, labels)
        return wide

    def _as_floats(self, pixels: Array, out: Array) -> Array:
        self.xp.copyto(out, pixels)
        return self.xp.multiply(out, 1.0 / 255.0, out=out)
