"""Deformed training images: turned, scaled, sheared, shifted, distorted, with other strokes.

Source: Simard, Steinkraus and Platt, Best Practices for Convolutional Neural Networks Applied to
Visual Document Analysis (2003), section 2, with one draw for a group of images.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backends import Array, Backend, get_backend, kernel
from mlp.common.rng import generator
from mlp.data.deformations import affine, elastic, parse_augment
from mlp.data.positions import affine_map, centred_grid, gaussian
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
        self.xp, self.buffer = backend.xp, Buffers(backend, dtype)
        height, width = self.height, self.width = shape
        self.bits, self.warp = RandomBits(backend), Warp(height, width, backend, dtype)
        most = kinds.get("affine") or affine(rotation=0.0, scale=0.0, shift=0.0)
        radians = math.radians(most["rotation"]), math.radians(most["shear"])
        self._thickness = float(kinds.get("thickness", {}).get("amount", 0.0))
        self._fields = 2 if "elastic" in kinds else 0
        sigma, alpha = kinds.get("elastic", elastic()).values()

        def bring(values: Any) -> Array:
            return backend.asarray(np.asarray(values, dtype))

        self._most = bring([[a] for a in (*radians, *2 * [most["scale"]], *2 * [most["shift"]])])
        self._centre = bring([[(height - 1) / 2], [(width - 1) / 2]])  # (2, 1)
        self._grid = bring(centred_grid(height, width))  # (height · width, 3)
        self._down = bring(gaussian(height, sigma, dtype) * alpha)  # (height, height)
        self._right = bring(gaussian(width, sigma, dtype))  # (width, width)
        self._key, self._key_there = backend.xp.zeros(1, dtype="uint32"), 0
        self._fused, self._map = backend.fuse(self.deform), backend.fuse(affine_map)
        scratch = 16 * height * width * self._grid.itemsize  # of an image, about
        self._chunk = max(1, backend.memory().working_set // scratch // GROUP) * GROUP

    def __call__(self, x: Array, first: int = 0, key: int = 0, unit: float = 1.0) -> Array:
        """Deform some images.

        A captured call reads the epoch's key anew in each replay.

        Args:
            x: rows of values from 0 to 1, shape (n, height · width); or bytes, see ``unit``.
            first: the place of the first of them in the epoch.
            key: the epoch's key.
            unit: what the values are multiplied by to be from 0 to 1.

        Returns:
            The deformed images: of the same shape, in an array that is reused for as many.
        """
        if key != self._key_there:
            self._key[0] = self._key_there = key
        n = len(x)
        deformed = self.buffer("deformed", n, self.height * self.width)
        start = 0
        while start < n:
            stop = min(start + self._chunk - (first + start) % GROUP, n)
            self._fused(
                *(x[start:stop], deformed[start:stop], self._key),
                *(self._most, self._down, self._right),
                *(first + start, GROUP, self._fields, unit, self._thickness),
            )
            start = stop
        return deformed

    @kernel("deform")
    def deform(
        self,
        xp: Any,
        x: Array,
        deformed: Array,
        key: Array,
        most: Array,
        down: Array,
        right: Array,
        first: int,
        group: int,
        fields: int,
        unit: float,
        thickness: float,
    ) -> None:
        """Write deformed images. Images of a group share their draws, whether all are there or not.

        Args:
            xp: the namespace.
            x: shape (n, height · width), of the dtype of all, or bytes.
            deformed: where they go, of the same shape.
            key: where the draws of the epoch's first group begin, uint32, shape (1,).
            most: the most that is drawn for each number of the affine map, shape (6, 1).
            down: what smooths a field downwards, shape (height, height).
            right: what then smooths it to the right, shape (width, width).
            first: the place of the first image in the epoch.
            group: how many images are of a group.
            fields: how many fields of noise are drawn for a group: 2, or none.
            unit: what x is multiplied by.
            thickness: how much thicker or thinner strokes become at most.
        """
        before, skipped = divmod(first, group)
        framed = self.warp.lay_out(x, skipped, unit)  # (height + 2, width + 2, R · group)
        self.bits.seek_from(key, before * (7 + fields * self.height * self.width))
        draws, noise = self._draw(framed.shape[2] // group, fields)
        if thickness:
            self._thicken(framed, draws[0], thickness)
        positions = self._positions(draws[1:], noise, most, down, right)
        groups = self.warp.read(framed, positions)  # (height · width, R · group)
        xp.copyto(deformed, groups[:, skipped : skipped + len(x)].T)

    def _draw(self, R: int, fields: int) -> tuple[Array, Array]:
        """Draw from U(-1, 1) for the next R groups.

        Returns:
            Shape (7, R): one row for the thickness, and 6 for the affine map. And for an elastic
            field its noise, downwards for each group and then to the right, shape (2 R, height,
            width); else nothing, (0, height, width).
        """
        H, W = self.height, self.width
        draws, noise = self.buffer("draws", 7, R), self.buffer("noise", R * fields, H, W)
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

    def _thicken(self, framed: Array, draws: Array, thickness: float) -> None:
        """Blend each pixel with the greatest, or the least, of itself and its four neighbours.

        With s = ±1, which turns the least into the greatest, y = x + s t (max(s x) - s x).

        Args:
            framed: the images, shape (height + 2, width + 2, R · GROUP); overwritten.
            draws: s t for each group before it is scaled, positive for thicker strokes, shape (R,).
            thickness: the most that t becomes.
        """
        xp, R = self.xp, len(draws)
        sign, share = self.buffer("sign", R, GROUP), self.buffer("share", R, GROUP)
        turned, most = self.buffer("turned", *framed.shape), self.buffer("most", *framed.shape)
        xp.copyto(share, draws.reshape(R, 1))
        xp.sign(share, out=sign)
        xp.multiply(share, thickness, out=share)
        xp.multiply(framed, sign.reshape(-1), out=turned)
        inner, most = turned[1:-1, 1:-1], most[1:-1, 1:-1]
        xp.maximum(turned[:-2, 1:-1], turned[2:, 1:-1], out=most)
        xp.maximum(most, turned[1:-1, :-2], out=most)
        xp.maximum(most, turned[1:-1, 2:], out=most)
        xp.maximum(most, inner, out=most)
        xp.subtract(most, inner, out=most)
        xp.multiply(most, share.reshape(-1), out=most)
        xp.add(framed[1:-1, 1:-1], most, out=framed[1:-1, 1:-1])

    def _positions(
        self, draws: Array, noise: Array, most: Array, down: Array, right: Array
    ) -> Array:
        """Turn draws (6, R) and noise (2 R, height, width) into the positions to read at.

        Each field of noise is smoothed by products of its own: how BLAS adds up depends on the
        size of a product, and so a field would on how many are made at once.

        Returns:
            For each pixel the row and the column, shape (height · width, 2, R).
        """
        xp, H, W, R = self.xp, self.height, self.width, draws.shape[1]
        positions = self.buffer("positions", H * W, 2, R)
        matrix = self.buffer("matrix", 6, R)
        xp.multiply(draws, most, out=draws)
        self._map(*(draws[i] for i in range(4)), *(matrix[i] for i in range(6)))
        xp.add(draws[4:], self._centre, out=matrix[4:])
        xp.matmul(self._grid, matrix.reshape(3, 2 * R), out=positions.reshape(H * W, 2 * R))
        if len(noise):
            smooth, field = self.buffer("smooth", *noise.shape), self.buffer("field", *noise.shape)
            xp.matmul(down, noise, out=smooth)
            xp.matmul(smooth, right, out=field)
            every = positions.reshape(H * W, 2 * R)
            xp.add(every, field.reshape(2 * R, H * W).T, out=every)
        return positions


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
