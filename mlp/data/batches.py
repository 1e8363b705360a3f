"""A split's images and labels on the device, handed out in batches and micro-batches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends import Array, keep_pixels
from mlp.common.threads import share_of
from mlp.data.augment import Deformation
from mlp.nn.buffers import Buffers
from mlp.nn.network import MLP

HOST_SHARE = 2
"""Images larger than 1/HOST_SHARE of the device's free memory stay on the host."""

UNIT = 1.0 / 255.0
"""What a byte is multiplied by to be from 0 to 1."""


class Batches:
    """Images as rows of floats from 0 to 1, or columns of floats, for a network on its device.

    The images are kept as bytes and converted batch by batch, which is faster than reading four
    times as many bytes. Only images that fit one micro-batch are converted beforehand, but for
    those that a device with memory of its own deforms. Images that are too large for the device
    stay on the host, or in a mapped file, and each batch is copied. Floats are taken as they are. A
    device may keep bytes in a form of its own, which its products read; see `backends.keep_pixels`.

    Args:
        images: shape (N, ...), each I values: uint8, of which 255 becomes 1, or floats.
        labels: integers, shape (N,); or, of the model's outputs, answers of 0 and 1 or real
            numbers, shape (N, L).
        model: the network that reads them; its device, dtype and widths decide how.
        augment: how `gather` deforms the images; see `mlp.data.augment`.
        weights: how much each image counts in the loss, shape (N,). With them, what is handed out
            as labels are rows of targets with the weight as a last column, shape (N, C + 1).
        product_rows: how many images at once go into a product, where they go nowhere else; 0
            where something else reads them, for which they have to be floats.

    Attributes:
        key: the random key of an epoch's deformations.
        given_labels: the labels as they were given, on the host.
        weights: on the device, shape (N,); None without them.
        micro_batch_size: how many images the device works on best at once.
        keeps_floats: whether the images are converted already, to floats or for the products.
        on_host: whether the images stay on the host; the labels never do.
    """

    def __init__(
        self,
        images: NDArray[Any],
        labels: NDArray[Any],
        model: MLP,
        augment: str | None = None,
        weights: NDArray[Any] | None = None,
        product_rows: int = 0,
    ) -> None:
        backend = model.backend
        self.backend, self.xp = backend, backend.xp
        self._dtype, self._augment, self._shape = model.dtype, augment, images.shape[1:]
        self._make_room()
        rows = images.reshape(len(images), math.prod(self._shape))
        memory = backend.memory()
        self._is_discrete = memory.is_discrete
        self.on_host = memory.is_discrete and rows.nbytes > memory.free // HOST_SHARE
        self._are_bytes = rows.dtype == np.uint8
        kept = None if self._are_bytes else np.dtype(model.dtype)
        pixels: Array | None = None
        if product_rows and self._are_bytes and model.dtype == "float32" and not self.on_host:
            pixels = keep_pixels(backend, rows, product_rows, model.sizes[1])
        self.keeps_pixels = pixels is not None
        self.images: Array = pixels  # (N, I)
        if pixels is None:
            self.images = rows if self.on_host else backend.asarray(rows, kept)
        memory = backend.memory()  # what the images leave free
        self.micro_batch_size = max(1, memory.working_set // bytes_an_image(model))
        deforms_bytes = augment is not None and memory.is_discrete  # a kernel may read them there
        fits = len(rows) <= self.micro_batch_size and not deforms_bytes
        self.keeps_floats = (fits or self.keeps_pixels or not self._are_bytes) and not self.on_host
        if self.keeps_floats and self._are_bytes and not self.keeps_pixels:
            self.images = self._as_floats(self.images, self.xp.empty(rows.shape, model.dtype))
        # On the CPU, integer labels stay bytes as well; as indices they have to be wider.
        self.given_labels, self.weights = labels, None
        if weights is not None:
            self.weights = backend.asarray(np.asarray(weights, model.dtype))  # (N,)
            targets = np.eye(model.sizes[-1])[labels] if labels.ndim == 1 else labels
            labels = np.column_stack([targets, weights])
        self._wide = np.dtype(np.int64 if labels.ndim == 1 else model.dtype)
        keeps_bytes = labels.ndim == 1 and not (self.keeps_floats or memory.is_discrete)
        self.labels = backend.asarray(labels, None if keeps_bytes else self._wide)
        self.key = 0

    def __len__(self) -> int:
        return len(self.images)

    def replicas(self, count: int) -> list[Batches]:
        """Return this and others on the same images, each with its own arrays to gather into."""
        while len(self._others) < count - 1:
            replica = copy(self)
            replica._make_room()
            self._others.append(replica)
        return [self, *self._others[: count - 1]]

    def unweighted(self) -> Batches:
        """Return the same images with their labels alone."""
        if self.weights is None:
            return self
        plain = copy(self)
        plain._make_room()
        plain.weights = None
        plain._wide = np.dtype(np.int64 if self.given_labels.ndim == 1 else self._dtype)
        plain.labels = self.backend.asarray(self.given_labels, plain._wide)
        return plain

    def to_device(self, rows: NDArray[np.int64]) -> Array:
        """Bring indices, shape (n,), to where the images are: the device or the host."""
        return rows if self.on_host else self.backend.asarray(rows)

    def gather(self, rows: Array, first: int = 0) -> tuple[Array, Array]:
        """Copy rows, in any order, and deform them.

        The next call for as many rows writes into the same arrays.

        Args:
            rows: what `to_device` returns, or a part of it, shape (n,); or shape (n, S), where each
                of S networks side by side has its own.
            first: the first one's place in the epoch's order.

        Returns:
            x of shape (n, I), floats or what the device keeps, and labels of shape (n,) or (n, L).
            Or those of the S networks side by side: x of shape (n, S·I), and labels of shape (n, S)
            or (n, S·L).
        """
        if rows.ndim == 2:
            n, S = rows.shape
            x, labels = self.gather(rows.reshape(n * S))  # (n·S, I), (n·S,) or (n·S, L)
            wide = x.reshape(n, S * x.shape[1])
            return wide, labels.reshape(n, S * math.prod(labels.shape[1:]))
        n, labels = len(rows), self.labels_of(rows)
        if self.keeps_pixels:
            bits = self._buffer("bits", n, self.images.shape[1], dtype=self.images.bits.dtype)
            return self.images.of(self.xp.take(self.images.bits, rows, axis=0, out=bits)), labels
        x, unit = self._pick(rows), 1.0
        if self._are_bytes and not self.keeps_floats and self._deformation is not None:
            unit = UNIT  # it reads bytes
        elif not self.keeps_floats:
            x = self._as_floats(x, self._buffer("x", *x.shape))
        if self._deformation is not None:
            x = self._deformation(x, first, self.key, unit)
        return x, labels

    def gather_into(self, x: Array, rows: Array, first: int = 0) -> None:
        """Write to ``x``, (n, I), what `gather` returns, on a device without memory of its own.

        Args:
            x: floats of the model's dtype.
            rows: see `gather`, as for ``first``.
            first: the place of the first one.
        """
        if self._deformation is not None:
            self.xp.copyto(x, self.gather(rows, first)[0])
        elif self.keeps_floats:
            self.xp.take(self.images, rows, axis=0, out=x)
        else:
            self._as_floats(self._pick(rows), x)

    def labels_of(self, rows: Array) -> Array:
        """Copy the labels of rows; the array is reused by the next call for as many.

        Args:
            rows: what `to_device` returns, or a part of it, shape (n,).
        """
        shape = (len(rows), *self.labels.shape[1:])
        labels = self._buffer("kept labels", *shape, dtype=self.labels.dtype)
        self.xp.take(self.labels, self.backend.asarray(rows), axis=0, out=labels)
        return labels if labels.dtype == self._wide else self._widened(labels)

    def add_up_weights(self, rows: Array, out: Array) -> None:
        """Write the sum of the weights of rows to ``out``, shape (1, 1).

        Args:
            rows: what `to_device` returns, or a part of it, shape (n,).
            out: where it goes.
        """
        picked = self._buffer("picked weights", len(rows))  # (n,)
        self.xp.take(self.weights, self.backend.asarray(rows), axis=0, out=picked)
        self.xp.sum(picked.reshape(1, -1), axis=1, keepdims=True, out=out)

    def slice(self, start: int, stop: int) -> tuple[Array, Array]:
        """Return the rows from start to stop, as `gather` does; views where floats are kept."""
        pixels, labels = self.images[start:stop], self.labels[start:stop]
        if self.keeps_floats:
            return pixels, labels
        x = self._buffer("x", *pixels.shape)
        return self._as_floats(self.backend.asarray(pixels), x), self._widened(labels)

    def micro_batches(
        self, start: int, stop: int, parts: int = 1, part: int = 0
    ) -> Iterator[tuple[int, int]]:
        """Cut a range of rows into even micro-batches, equally many for each of some parts.

        They may be a tenth larger than ``micro_batch_size``, rather than one more a part. A device
        with memory of its own keeps buffers for each size of them: there up to a quarter more are
        made where all are of one size then.

        Args:
            start: the first row.
            stop: the row behind the last one.
            parts: how many parts there are.
            part: the one whose micro-batches are handed out, which lie ``parts`` apart.
        """
        most = self.micro_batch_size + self.micro_batch_size // 10
        count = -(-(stop - start) // (most * parts)) * parts
        if self._is_discrete and count:
            more = range(count, count + count // 4 + 1, parts)
            count = next((n for n in more if (stop - start) % n == 0), count)
        for i in range(part, count, parts):
            rows = share_of(stop - start, i, count)
            yield start + rows.start, start + rows.stop

    def _pick(self, rows: Array) -> Array:
        """Copy rows to the device as they are kept, to an array that is reused for as many."""
        if self.on_host:
            return self.backend.asarray(self.images.take(rows, axis=0))
        name = "x" if self.keeps_floats else "pixels"
        picked = self._buffer(name, len(rows), self.images.shape[1], dtype=self.images.dtype)
        return self.xp.take(self.images, rows, axis=0, out=picked)

    def _make_room(self) -> None:
        self._others: list[Batches] = []
        self._buffer = Buffers(self.backend, self._dtype)
        self._deformation = (
            Deformation(self._augment, self._shape, self.backend, self._dtype)
            if self._augment is not None
            else None
        )

    def _widened(self, labels: Array) -> Array:
        wide = self._buffer("labels", *labels.shape, dtype=self._wide)
        self.xp.copyto(wide, labels)
        return wide

    def _as_floats(self, pixels: Array, out: Array) -> Array:
        self.xp.copyto(out, pixels)
        return self.xp.multiply(out, UNIT, out=out) if self._are_bytes else out


def bytes_an_image(model: MLP) -> int:
    """Return how many bytes a network keeps in use for each image: x; y, f(y) and dy of layers."""
    widths = model.sizes[0] + 3 * sum(model.sizes[1:])
    return int(widths * np.dtype(model.dtype).itemsize)
