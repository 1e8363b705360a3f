"""Deformed training images: turned, scaled, sheared, shifted, distorted, with other strokes.

Source: Simard, Steinkraus and Platt, Best Practices for Convolutional Neural Networks Applied to
Visual Document Analysis (2003), section 2, with one draw for a group of images.
"""

from __future__ import annotations

import math
from typing import Any

from backends import Array, Backend, get_backend
from mlp.common.rng import generator
from mlp.data.deformations import affine, parse_augment
from mlp.data.resample import GROUP, Warp
from mlp.nn.buffers import Buffers
from mlp.nn.counter_rng import RandomBits


class Deformation:
    """Deforms batches at random. All draws of an epoch follow from the images' places in it.

    Args:
        augment: what to do; see `mlp.data.deformations.parse_augment`.
        shape: the height and the width of an image, in pixels.
        backend: the device that the batches are on.
        dtype: their dtype.

    Raises:
        UsageError: see `parse_augment`.
    """

    def __init__(self, augment: str, shape: tuple[int, ...], backend: Backend, dtype: str) -> None:
        kinds = parse_augment(augment)
        self.xp, self.dtype, self.buffer = backend.xp, dtype, Buffers(backend, dtype)
        height, width = self.height, self.width = shape
        self.bits, self.warp = RandomBits(backend), Warp(height, width, backend, dtype)
        most = kinds.get("affine") or affine(rotation=0.0, scale=0.0, shift=0.0)
        self._most = self._column(
            math.radians(most["rotation"]),
            math.radians(most["shear"]),
            *(most["scale"], most["scale"], most["shift"], most["shift"]),
        )  # (6, 1)
        self._map = backend.fuse(_map)
        self._grid = self._centred_grid()  # (height · width, 3)
        self._centre = self._column((height - 1) / 2, (width - 1) / 2)  # (2, 1)
        self._thickness = kinds.get("thickness", {}).get("amount", 0.0)
        self._elastic = "elastic" in kinds
        if self._elastic:
            sigma, alpha = kinds["elastic"]["sigma"], kinds["elastic"]["alpha"]
            self._smooth_down = self._gaussian(height, sigma) * alpha  # (height, height)
            self._smooth_right = self._gaussian(width, sigma)  # (width, width)
        scratch = 16 * height * width * self._grid.itemsize  # of an image, about
        self._chunk = max(1, backend.memory().working_set // scratch // GROUP) * GROUP

    def __call__(self, x: Array, first: int = 0, key: int = 0) -> Array:
        """Deform some images.

        Args:
            x: rows of values from 0 to 1, shape (n, height · width).
            first: the place of the first of them in the epoch.
            key: the epoch's key.

        Returns:
            The deformed images: a view of the same shape, of an array that is reused for as many.
        """
        n = len(x)
        deformed = self.buffer("deformed", self.height * self.width, n)
        start = 0
        while start < n:
            skipped = (first + start) % GROUP
            stop = min(start + self._chunk - skipped, n)
            groups = self._deform(x[start:stop], first + start, key)
            self.xp.copyto(deformed[:, start:stop], groups[:, skipped : skipped + stop - start])
            start = stop
        return deformed.T

    def _deform(self, x: Array, first: int, key: int) -> Array:
        """Deform images, and what is absent of their groups: shape (height · width, R · GROUP)."""
        framed = self.warp.lay_out(x, first % GROUP)  # (height + 2, width + 2, R · GROUP)
        draws, noise = self._draw(first // GROUP, framed.shape[2] // GROUP, key)
        if self._thickness:
            self._thicken(framed, draws[0])
        return self.warp.read(framed, self._positions(draws[1:], noise))

    def _draw(self, first: int, R: int, key: int) -> tuple[Array, Array]:
        """Draw from U(-1, 1) for R groups from the given one on.

        Returns:
            Shape (7, R): one row for the thickness, and 6 for the affine map. And for an elastic
            field its noise, downwards for each group and then to the right, shape (2 R, height,
            width); else nothing, (0, height, width).
        """
        H, W = self.height, self.width
        fields = 2 if self._elastic else 0
        draws, noise = self.buffer("draws", 7, R), self.buffer("noise", R * fields, H, W)
        self.bits.seek(key + first * (7 + fields * H * W))
        bits = self.bits.draw(R, 7 + fields * H * W)
        self._to_uniform(bits[:, :7].T, draws)
        for nth in range(fields):
            own = 7 + nth * H * W
            rows = noise[nth * R : nth * R + R].reshape(R, H * W)
            self._to_uniform(bits[:, own : own + H * W], rows)
        return draws, noise

    def _to_uniform(self, bits: Array, out: Array) -> None:
        """Turn 32 bits each into numbers from -1 to 1."""
        self.xp.copyto(out, bits)
        self.xp.multiply(out, 2.0**-31, out=out)
        self.xp.subtract(out, 1.0, out=out)

    def _thicken(self, framed: Array, draws: Array) -> None:
        """Blend each pixel with the greatest, or the least, of itself and its four neighbours.

        With s = ±1, which turns the least into the greatest, y = x + s t (max(s x) - s x).

        Args:
            framed: the images, shape (height + 2, width + 2, R · GROUP); overwritten.
            draws: s t for each group before it is scaled, positive for thicker strokes, shape (R,).
        """
        xp, R = self.xp, len(draws)
        sign, share = self.buffer("sign", R, GROUP), self.buffer("share", R, GROUP)
        turned, most = self.buffer("turned", *framed.shape), self.buffer("most", *framed.shape)
        xp.copyto(share, draws.reshape(R, 1))
        xp.sign(share, out=sign)
        xp.multiply(share, self._thickness, out=share)
        xp.multiply(framed, sign.reshape(-1), out=turned)
        inner, most = turned[1:-1, 1:-1], most[1:-1, 1:-1]
        xp.maximum(turned[:-2, 1:-1], turned[2:, 1:-1], out=most)
        xp.maximum(most, turned[1:-1, :-2], out=most)
        xp.maximum(most, turned[1:-1, 2:], out=most)
        xp.maximum(most, inner, out=most)
        xp.subtract(most, inner, out=most)
        xp.multiply(most, share.reshape(-1), out=most)
        xp.add(framed[1:-1, 1:-1], most, out=framed[1:-1, 1:-1])

    def _positions(self, draws: Array, noise: Array) -> Array:
        """Turn draws (6, R) and noise (2 R, height, width) into the positions to read at.

        Each field of noise is smoothed by products of its own: how BLAS adds up depends on the
        size of a product, and so a field would on how many are made at once.

        Returns:
            For each pixel the row and the column, shape (height · width, 2, R).
        """
        xp, H, W, R = self.xp, self.height, self.width, draws.shape[1]
        positions = self.buffer("positions", H * W, 2, R)
        matrix = self.buffer("matrix", 6, R)
        xp.multiply(draws, self._most, out=draws)
        self._map(*(draws[i] for i in range(4)), *(matrix[i] for i in range(6)))
        xp.add(draws[4:], self._centre, out=matrix[4:])
        xp.matmul(self._grid, matrix.reshape(3, 2 * R), out=positions.reshape(H * W, 2 * R))
        if self._elastic:
            down, field = self.buffer("down", *noise.shape), self.buffer("field", *noise.shape)
            xp.matmul(self._smooth_down, noise, out=down)
            xp.matmul(down, self._smooth_right, out=field)
            every = positions.reshape(H * W, 2 * R)
            xp.add(every, field.reshape(2 * R, H * W).T, out=every)
        return positions

    def _column(self, *values: float) -> Array:
        """Bring some numbers to the device as a column."""
        column = self.xp.empty((len(values), 1), dtype=self.dtype)
        for i, value in enumerate(values):
            column[i] = value
        return column

    def _centred_grid(self) -> Array:
        """Make the rows (y, x, 1) of all pixels, counted from the middle of the image."""
        H, W = self.height, self.width
        grid = self.xp.ones((H, W, 3), dtype=self.dtype)
        grid[:, :, 0] = (self.xp.arange(H) - (H - 1) / 2).reshape(H, 1)
        grid[:, :, 1] = self.xp.arange(W) - (W - 1) / 2
        return grid.reshape(H * W, 3)

    def _gaussian(self, length: int, sigma: float) -> Array:
        """Make the matrix (length, length) that smooths a column, with nothing beyond its ends."""
        reach = math.ceil(6 * sigma)
        total = sum(math.exp(-0.5 * (d / sigma) ** 2) for d in range(-reach, reach + 1))
        i = self.xp.arange(length, dtype=self.dtype)
        distance = (i.reshape(length, 1) - i) / sigma
        return self.xp.exp(distance * distance * -0.5) / total


def deform(images: Any, augment: str, seed: int) -> Any:
    """Deform images as training would, on the CPU, but each with a draw of its own.

    Args:
        images: uint8, shape (N, height, width).
        augment: what to do; see `parse_augment`.
        seed: of the draws.

    Returns:
        The deformed images, of the same shape and dtype.

    Raises:
        UsageError: see `parse_augment`.
    """
    backend = get_backend("cpu")
    deformation = Deformation(augment, images.shape[1:], backend, "float32")
    key = epoch_key(seed, 0)
    x = images.reshape(len(images), -1).astype("float32") / 255.0
    for i in range(len(x)):
        x[i : i + 1] = deformation(x[i : i + 1], i * GROUP, key)
    return (x * 255.0 + 0.5).astype("uint8").reshape(images.shape)


def epoch_key(seed: int, epoch: int) -> int:
    """Draw the key of an epoch's deformations, on the host."""
    return int(generator(seed, f"deformation of epoch {epoch}").integers(2**32))


def _map(
    xp: Any,
    turn: Array,
    shear: Array,
    taller: Array,
    wider: Array,
    row_of_y: Array,
    column_of_y: Array,
    row_of_x: Array,
    column_of_x: Array,
    sine: Array,
    slope: Array,
) -> None:
    """Write how the row and the column that a pixel (y, x) is read at follow from y and x.

    Its place is scaled by 1 / (1 + taller) and 1 / (1 + wider), then sheared, then turned.
    The last two arrays are scratch.
    """
    xp.sin(turn, out=sine)
    xp.tan(shear, out=slope)
    xp.cos(turn, out=column_of_x)
    xp.multiply(sine, slope, out=row_of_y)
    xp.subtract(column_of_x, row_of_y, out=row_of_y)
    xp.multiply(column_of_x, slope, out=column_of_y)
    xp.add(sine, column_of_y, out=column_of_y)
    xp.negative(sine, out=row_of_x)
    xp.add(taller, 1.0, out=taller)
    xp.add(wider, 1.0, out=wider)
    xp.divide(row_of_y, taller, out=row_of_y)
    xp.divide(column_of_y, taller, out=column_of_y)
    xp.divide(row_of_x, wider, out=row_of_x)
    xp.divide(column_of_x, wider, out=column_of_x)
