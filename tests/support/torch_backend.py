"""A third backend, in one small file outside of the package: PyTorch's tensors as ``xp``.

That whole trainings run on it shows that the seam is a seam: nothing in `mlp` or `backends` knows
of it. It is plain: nothing is captured, and nothing is fused.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from backends import Memory

NAMES = {
    "maximum": "maximum",
    "minimum": "minimum",
    "clip": "clamp",
    "right_shift": "bitwise_right_shift",
}


def dtype_of(dtype: Any) -> Any:
    """PyTorch's dtype; it has no arithmetic on uint32, which is kept in 64 bits."""
    if dtype is None or isinstance(dtype, torch.dtype):
        return dtype
    name = np.dtype(dtype).name
    return torch.int64 if name == "uint32" else getattr(torch, name)


class TorchNamespace:
    """PyTorch under NumPy's names."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._call, getattr(torch, NAMES.get(name, name)))

    def _call(
        self, function: Callable[..., Any], *args: Any, out: Any = None, dtype: Any = None
    ) -> Any:
        if out is None:
            return function(*args) if dtype is None else function(*args, dtype=dtype_of(dtype))
        values = (
            torch.tensor(a, dtype=out.dtype) if isinstance(a, float | int) else a for a in args
        )
        out.copy_(function(*values))
        return out if out.is_floating_point() else out.bitwise_and_(0xFFFFFFFF)

    def empty(self, shape: Any, dtype: Any = None) -> Any:
        return torch.zeros(shape, dtype=dtype_of(dtype))

    def copyto(self, out: Any, a: Any, casting: str = "same_kind") -> None:
        out.copy_(torch.as_tensor(a))

    def take(self, a: Any, indices: Any, axis: int, out: Any) -> Any:
        return out.copy_(a[indices.long()])

    def sum(self, a: Any, axis: int | None = None, out: Any = None, keepdims: bool = False) -> Any:
        return out.copy_(a.sum() if axis is None else a.sum(axis, keepdim=keepdims))

    def max(self, a: Any, axis: int, out: Any, keepdims: bool = False) -> Any:
        return out.copy_(a.amax(axis, keepdim=keepdims))

    def min(self, a: Any, axis: int, out: Any, keepdims: bool = False) -> Any:
        return out.copy_(a.amin(axis, keepdim=keepdims))

    def argmax(self, a: Any, axis: int, out: Any) -> Any:
        return out.copy_(a.argmax(axis))


class TorchBackend:
    """The host's processor, by way of PyTorch."""

    def __init__(self) -> None:
        self.name, self.xp = "torch", TorchNamespace()

    def asarray(self, array: Any, dtype: Any = None) -> Any:
        return torch.as_tensor(np.array(array) if isinstance(array, np.ndarray) else array).to(
            dtype_of(dtype)
        )

    def to_numpy(self, array: Any) -> Any:
        return array.numpy()

    def synchronize(self) -> None:
        pass

    def fuse(self, function: Callable[..., None]) -> Callable[..., None]:
        return partial(function, self.xp)

    def capture(self, step: Callable[[], Any]) -> Callable[[], Any]:
        return step

    def memory(self) -> Memory:
        return Memory(free=1 << 30, peak=0, working_set=WORKING_SET_BYTES)


WORKING_SET_BYTES = 4 << 20
