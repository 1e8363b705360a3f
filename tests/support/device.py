"""A device made of host memory that keeps CuPy's rules and counts what a GPU would spend time on.

Its arrays are not NumPy's and refuse to meet them, as CuPy's do. Every operation counts as a
launch, every array that is made as an allocation, every wait for a result as a synchronisation and
every crossing between host and device as a transfer. The numbers are those of the CPU backend.
"""

from __future__ import annotations

import inspect
import operator
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from backends.base import Memory, kernel_of
from backends.cpu import CpuBackend, CpuNamespace
from backends.cuda.kernels import Kernels

CREATING = {"empty", "zeros", "ones", "full", "eye", "arange", "empty_like", "zeros_like"}
UFUNC_KEYWORDS = {"out", "dtype", "casting"}
WRITTEN = Kernels.WRITTEN


@cache
def real_cupy() -> Any:
    """The module, where it is installed; it imports without a GPU."""
    try:
        import cupy
    except ImportError:
        return None
    return cupy


@cache
def refusal(name: str, positional: int, keywords: frozenset[str]) -> str | None:
    """Say why CuPy would refuse a call, judged by its names alone; None where it would not."""
    cupy = real_cupy()
    if isinstance(function := getattr(np, name, None), np.ufunc):
        unknown = keywords - UFUNC_KEYWORDS
        if function.signature is None and unknown:
            return f"CuPy's {name} takes no {', '.join(sorted(unknown))}"
    if cupy is None:
        return None
    function = getattr(cupy, name, None)
    if function is None:
        return f"CuPy has no {name}"
    if isinstance(function, cupy.ufunc):
        most = function.nin + function.nout
        return None if positional <= most else f"CuPy's {name} takes {most} arrays at most"
    try:
        inspect.signature(function).bind_partial(*[None] * positional, **dict.fromkeys(keywords))
    except TypeError as error:
        return f"CuPy's {name} refuses the call: {error}"
    return None


class DeviceArray:
    """An array on the device. Made by `CountingBackend`, from an array that it then owns."""

    __array_ufunc__ = None  # np.exp(device_array) is a TypeError
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, device: CountingBackend, held: np.ndarray) -> None:
        self.device, self.held = device, held
        self.shape, self.ndim, self.dtype = held.shape, held.ndim, held.dtype
        self.size, self.nbytes, self.itemsize = held.size, held.nbytes, held.itemsize

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("a device array does not turn into a host array by itself")

    def __len__(self) -> int:
        return len(self.held)

    @property
    def T(self) -> DeviceArray:  # noqa: N802
        return DeviceArray(self.device, self.held.T)

    def reshape(self, *shape: Any) -> DeviceArray:
        view = self.held.reshape(*shape)
        if not np.shares_memory(view, self.held) and self.size:
            self.device.note("allocation", "reshape")
        return DeviceArray(self.device, view)

    def copy(self) -> DeviceArray:
        self.device.note("allocation", "copy")
        return self.device.launched("copy", self.held.copy())

    def __getitem__(self, index: Any) -> DeviceArray:
        if isinstance(index, DeviceArray):
            if index.dtype == bool:
                self.device.note("synchronisation", "boolean mask")
            self.device.note("allocation", "indexing")
            return self.device.launched("indexing", self.held[index.held])
        if isinstance(index, np.ndarray | list):
            raise TypeError("a device array is not indexed with what lies on the host")
        return DeviceArray(self.device, np.asarray(self.held[index]))

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, DeviceArray) and index.dtype == bool:
            self.device.note("synchronisation", "boolean mask")
        index = index.held if isinstance(index, DeviceArray) else index
        self.held[index] = self.device.unwrap(value)
        self.device.note("launch", "assignment")

    def get(self) -> np.ndarray:
        """Copy to the host."""
        self.device.note("synchronisation", "get")
        self.device.note("to host", "get")
        return self.held.copy()

    def item(self) -> Any:
        return self.get().item()

    def tolist(self) -> Any:
        return self.get().tolist()

    def __float__(self) -> float:
        return float(self.get().item())

    def __int__(self) -> int:
        return int(self.get().item())

    def __bool__(self) -> bool:
        return bool(self.get().item())


def _method(name: str) -> Callable[..., DeviceArray]:
    def method(self: DeviceArray, *args: Any, **kwargs: Any) -> DeviceArray:
        self.device.note("allocation", name)
        return self.device.launched(name, np.asarray(getattr(self.held, name)(*args, **kwargs)))

    return method


def _operator(name: str) -> Callable[..., DeviceArray]:
    function = getattr(operator, name)

    def method(self: DeviceArray, *others: Any) -> DeviceArray:
        self.device.note("allocation", name)
        held = function(self.held, *map(self.device.unwrap, others))
        return self.device.launched(name, np.asarray(held))

    return method


for _name in ("add", "sub", "mul", "truediv", "matmul", "neg", "eq", "ne", "lt", "le", "gt", "ge"):
    setattr(DeviceArray, f"__{_name}__", _operator(_name))
for _name in ("any", "all", "sum", "argmax", "astype"):
    setattr(DeviceArray, _name, _method(_name))


class DeviceNamespace:
    """The CPU backend's functions, on device arrays, under CuPy's rules."""

    def __init__(self, device: CountingBackend) -> None:
        self._device = device
        self._cpu = CpuNamespace()

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._cpu, name)
        return function if isinstance(function, type) else partial(self._call, name, function)

    def _call(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        device, out = self._device, kwargs.get("out")
        call = name, len(args), frozenset(kwargs)
        device.calls.add(call)
        if why := refusal(*call):
            raise TypeError(why)
        if name in CREATING:
            device.note("allocation", name)
        else:
            device.note("launch", name)
            if out is None and name != "copyto":
                device.note("allocation", name)
            elif name == "matmul" and not out.held.flags.c_contiguous:
                device.note("allocation", "matmul into what is not contiguous")
        result = function(
            *map(device.unwrap, args),
            **{key: device.unwrap(value) for key, value in kwargs.items()},
        )
        if out is not None or result is None:
            return out
        return DeviceArray(device, np.asarray(result))


class CountingBackend:
    """A `backends.base.Backend` that counts.

    Args:
        working_set: bytes of one micro-batch of a large batch; the CPU backend's unless given.
        free: bytes of free memory; the host's unless given.

    Attributes:
        counts: how often each (kind, what) happened, kind one of launch, allocation,
            synchronisation, to device, to host.
        calls: each function called, with its count of positional arguments and its keywords.
    """

    def __init__(self, working_set: int | None = None, free: int | None = None) -> None:
        self.name = "counting"
        self.xp = DeviceNamespace(self)
        self.counts: Counter[tuple[str, str]] = Counter()
        self.calls: set[tuple[str, int, frozenset[str]]] = set()
        self._planted = {"working_set": working_set, "free": free}

    def count(self, kind: str) -> int:
        """How often something of a kind happened since the last `reset`."""
        return sum(n for (which, _), n in self.counts.items() if which == kind)

    def reset(self) -> None:
        """Count from 0 again; `calls` stays."""
        self.counts.clear()

    def note(self, kind: str, what: str) -> None:
        self.counts[kind, what] += 1

    def launched(self, what: str, held: np.ndarray) -> DeviceArray:
        self.note("launch", what)
        return DeviceArray(self, held)

    def unwrap(self, value: Any) -> Any:
        """Take what a call may be given: this device's arrays, and plain numbers and names."""
        if isinstance(value, DeviceArray):
            if value.device is not self:
                raise TypeError("arrays of two devices meet in one call")
            return value.held
        if isinstance(value, np.ndarray | np.generic):
            raise TypeError(f"a device function was given a {type(value).__name__} of the host")
        return value

    def asarray(self, array: Any, dtype: Any = None) -> DeviceArray:
        if isinstance(array, DeviceArray):
            return array
        self.note("to device", "asarray")
        return DeviceArray(self, np.array(array, dtype=dtype))

    def to_numpy(self, array: DeviceArray) -> np.ndarray:
        return array.get()

    def synchronize(self) -> None:
        self.note("synchronisation", "synchronize")

    def fuse(self, function: Callable[..., None]) -> Callable[..., None]:
        """Count as one launch a chain of elementwise calls, and one that CUDA has a kernel for."""

        def one_launch(kind: str, what: str) -> bool:
            elementwise = isinstance(getattr(np, what, None), np.ufunc) and what != "matmul"
            return kind == "launch" and (elementwise or kernel_of(function) in WRITTEN)

        def fused(*arrays: Any) -> None:
            before = self.counts.copy()
            function(self.xp, *arrays)
            if all(one_launch(*done) for done in self.counts - before):
                self.counts = before + Counter({("launch", "fused"): 1})

        return fused

    def capture(self, step: Callable[[], Any]) -> Callable[[], Any]:
        return step

    def memory(self) -> Memory:
        planted = {name: size for name, size in self._planted.items() if size is not None}
        return CpuBackend().memory()._replace(span=3, workers=1, is_discrete=True, **planted)
