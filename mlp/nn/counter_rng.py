"""Random numbers that are drawn on the device by hashing a counter, and are alike on every device.

The bits of a place do not depend on what was drawn before, so that a batch can be cut into
micro-batches for several workers, and a captured step draws new numbers in each replay.
"""

from __future__ import annotations

from typing import Any

from backends import Array, Backend
from mlp.nn.buffers import Buffers


class RandomBits:
    """A row of 2³² places, each with 32 bits that look independent of all others.

    Args:
        backend: the device to draw on.
    """

    def __init__(self, backend: Backend) -> None:
        self.xp, self.buffer = backend.xp, Buffers(backend, "uint32")
        self._place = self.xp.zeros(1, dtype="uint32")
        self._counts: dict[tuple[int, int], Array] = {}
        self._hash = backend.fuse(_hash)

    def seek(self, place: int) -> None:
        """Go to a place, counted modulo 2³²."""
        self._place[0] = place % 2**32

    def seek_from(self, base: Array, ahead: int) -> None:
        """Go to a place so many ahead of the one in an array, shape (1,), counted modulo 2³².

        A replay of a captured call reads the array anew, which it does not do with a number.
        """
        self.xp.add(base, ahead % 2**32, out=self._place)

    def draw(self, rows: int, columns: int) -> Array:
        """Return the bits of the next places, row by row: uint32 of shape (rows, columns)."""
        shape = rows, columns
        if shape not in self._counts:
            count = self.xp.arange(rows * columns, dtype="uint32")
            self._counts[shape] = count.reshape(shape)
        bits, shifted = self.buffer("bits", *shape), self.buffer("shifted", *shape)
        self._hash(self._counts[shape], self._place, bits, shifted)
        self.xp.add(self._place, rows * columns, out=self._place)
        return bits


def _hash(xp: Any, count: Array, place: Array, bits: Array, shifted: Array) -> None:
    """Write a hash of place + count, modulo 2³².

    Source: the function ``lowbias32`` of Wellons, Prospecting for Hash Functions (2018).
    """
    xp.add(count, place, out=bits)
    xp.right_shift(bits, 16, out=shifted)
    xp.bitwise_xor(bits, shifted, out=bits)
    xp.multiply(bits, 0x7FEB352D, out=bits)
    xp.right_shift(bits, 15, out=shifted)
    xp.bitwise_xor(bits, shifted, out=bits)
    xp.multiply(bits, 0x846CA68B, out=bits)
    xp.right_shift(bits, 16, out=shifted)
    xp.bitwise_xor(bits, shifted, out=bits)
