"""Arrays that are made once and then reused, so that a repeated step allocates nothing."""

from __future__ import annotations

from typing import Any

from backends import Array, Backend


class Buffers:
    """Arrays that are made once for each name and shape and then reused.

    A layer's output in such an array is valid until its next call with the same shapes.

    Args:
        backend: the device that the arrays live on.
        dtype: their dtype.
    """

    def __init__(self, backend: Backend, dtype: str) -> None:
        self.xp = backend.xp
        self._dtype = dtype
        self._arrays: dict[tuple[str, tuple[int, ...]], Array] = {}

    def __call__(self, name: str, *shape: int, dtype: Any = None) -> Array:
        """Return the array of this name and shape, with whatever was last written to it."""
        array = self._arrays.get((name, shape))
        if array is None:
            array = self.xp.empty(shape, dtype or self._dtype)
            self._arrays[name, shape] = array
        return array
