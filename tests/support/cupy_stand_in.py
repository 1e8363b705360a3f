"""A CUDA device made of host memory: enough of CuPy to run the CUDA backend without one.

Arrays are NumPy's, kernels run on the host from their CUDA source, and a stream that
captures notes calls and does none of them. What a GPU's rules forbid raises an error; every launch,
allocation and transfer is noted in `events`.
"""

from __future__ import annotations

import contextlib
import weakref
from bisect import bisect_right, insort
from collections.abc import Callable, Iterator
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from host_kernel import HostKernel

CREATES = ("empty", "zeros", "ones", "eye", "empty_like", "zeros_like")


class DeviceArray(np.ndarray):
    """An array with its address where CuPy's have it; what reads it on the host is noted."""

    device: StandIn

    @property
    def data(self) -> Any:  # type: ignore[override]
        return SimpleNamespace(ptr=self.ctypes.data)

    def __array_wrap__(self, array: Any, context: Any = None, scalar: bool = False) -> Any:
        """What an operator returns, such as ``a * 2.0``, lies on the device as well."""
        return array if isinstance(array, DeviceArray) else self.device._made(np.asarray(array))

    def __array_finalize__(self, source: Any) -> None:
        if isinstance(source, DeviceArray):
            self.device = source.device

    def __float__(self) -> float:
        self.device.transfer("to host", "float")
        return float(np.asarray(self).item())

    def get(self, out: np.ndarray) -> np.ndarray:
        self.device.transfer("to host", "get")
        np.copyto(out, np.asarray(self))
        return out

    def set(self, array: np.ndarray, stream: Stream) -> None:
        assert stream.current(), "a stream that is not current"
        assert self.flags.c_contiguous
        assert (self.shape, self.dtype) == (array.shape, array.dtype)
        self.device.transfer("to device", "set")
        np.copyto(np.asarray(self), array)


def device_array(array: Any) -> DeviceArray:
    """Copy an array of the host to the device, which notes nothing of it."""
    return np.array(array).view(DeviceArray)


class Place:
    """What a graph keeps of an array: where it lies, which does not keep it alive."""

    def __init__(self, array: DeviceArray) -> None:
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        self._owner = weakref.ref(owner)
        self._offset = array.ctypes.data - owner.ctypes.data
        self._form = array.shape, array.strides, array.dtype

    def __call__(self) -> DeviceArray:
        owner = self._owner()
        assert owner is not None, "a graph uses memory that was freed"
        shape, strides, dtype = self._form
        memory = owner.reshape(-1).view(np.uint8)
        return DeviceArray(shape, dtype, memory, self._offset, strides)


class CUDARuntimeError(RuntimeError):
    """Stands in for `cupy.cuda.runtime.CUDARuntimeError`."""


class OutOfMemoryError(MemoryError):
    """Stands in for `cupy.cuda.memory.OutOfMemoryError`."""


class StandIn:
    """Stands in for the module ``cupy``.

    Args:
        run_kernels: whether kernels compute; else they are only noted.
        driver: the driver's CUDA version.
        runtime: the CUDA version that CuPy is built for.
        devices: how many there are.

    Attributes:
        events: what was done, in order: ``(kind, name)``, kind one of launch, allocate, to device,
            to host, capture, end capture, replay. What a graph does counts as one replay.
        kernels: every kernel's name and source.
        streams: the device of each stream that was made.
        graph_pools: a weak reference to each memory pool that was captured with.
        free: bytes that the device says are free.
        compiled: each kernel that the driver had to compile; a module counts as one.
        largest_transfer: the most bytes that were brought to the device at once.
        broken: what the first computation fails with, or None.
    """

    float32, float64, ndarray = np.float32, np.float64, DeviceArray

    def __init__(
        self,
        *,
        run_kernels: bool = True,
        driver: int = 12090,
        runtime: int = 12090,
        devices: int = 1,
    ) -> None:
        self.events: list[tuple[str, str]] = []
        self.kernels: dict[str, str] = {}
        self.free = 1 << 30
        self.full = False
        self.broken: Exception | None = None
        self._run_kernels = run_kernels
        self._homes: dict[int, int] = {}  # the device that lies at an address
        self._owners: Any = weakref.WeakValueDictionary()  # by address
        self._starts: list[int] = []  # the addresses, of which some are free again, in order
        self.current_device = 0
        self.streams: list[int] = []
        self.graph_pools: list[Any] = []
        self.current_stream: dict[int, Stream | None] = {}
        DeviceArray.device = self
        self._capturing: list[Callable[[], Any]] | None = None
        self.broken_capture = False
        self.largest_transfer = 0
        self.compiled: list[str] = []
        self._sources: set[str] = set()
        self._pool: Any = None
        self.cuda = SimpleNamespace(
            Stream=lambda: Stream(self),
            Device=lambda index: Device(self, index),
            Event=lambda disable_timing: Event(self),
            MemoryPool=Pool,
            using_allocator=self._using_allocator,
            alloc=self._alloc,
            alloc_pinned_memory=bytearray,
            memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
            runtime=SimpleNamespace(
                driverGetVersion=lambda: driver,
                runtimeGetVersion=lambda: runtime,
                getDeviceCount=lambda: self._count(devices),
                getDeviceProperties=lambda index: {"name": b"a stand-in", "uuid": b"%d" % index},
                CUDARuntimeError=CUDARuntimeError,
            ),
        )

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        return lambda *args, **kwargs: self._call(name, function, *args, **kwargs)

    def asarray(self, array: Any, dtype: Any = None) -> DeviceArray:
        if isinstance(array, DeviceArray):
            return array
        self._allocate("asarray")
        self.transfer("to device", "asarray")
        made = np.array(array, dtype=dtype)
        self.largest_transfer = max(self.largest_transfer, made.nbytes)
        return self._made(made)

    def asnumpy(self, array: DeviceArray) -> Any:
        self.transfer("to host", "asnumpy")
        assert isinstance(array, DeviceArray)
        return np.array(array)

    def matmul(self, a: Any, b: Any, out: Any = None) -> Any:
        if self._capturing is not None:
            raise NotImplementedError("calling cuBLAS API during stream capture is unsupported")
        if self.broken is not None:
            raise self.broken
        return self._call("matmul", np.matmul, a, b, out=out)

    def RawModule(self, code: str) -> Any:  # noqa: N802 - CuPy's name
        self._compile_source("kernels.cu", code)
        return SimpleNamespace(get_function=cache(partial(self._function, code)))

    def RawKernel(self, code: str, name: str) -> Callable[..., None]:  # noqa: N802
        launch = self._function(code, name)

        def compiled(*args: Any) -> None:
            self._compile_source(name, code)
            launch(*args)

        return compiled

    def _compile_source(self, name: str, code: str) -> None:
        """Note a source that is compiled; CuPy finds one that it knows in its cache."""
        if code not in self._sources:
            self._must_not_capture(f"compiled {name}")  # which may load it, and wait
            self._sources.add(code)
            self.compiled.append(name)

    def _function(self, code: str, name: str) -> Callable[..., None]:
        self.kernels[f"{name}<{code.split()[1]}>"] = code
        kernel = HostKernel(code, name)

        def run(*args: Any) -> None:
            if self._run_kernels:
                kernel(*args[:2], args[2:])

        return lambda grid, block, args: self.do(name, run, grid, block, *args)

    def get_default_memory_pool(self) -> Any:
        def free_all_blocks() -> None:
            self.events.append(("free", "all blocks"))

        return SimpleNamespace(
            free_bytes=lambda: 0, total_bytes=lambda: 0, free_all_blocks=free_all_blocks
        )

    def do(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Do a launch's work, or note it where the stream captures."""
        for array in (a for a in (*args, *kwargs.values()) if isinstance(a, DeviceArray)):
            assert self._home(array) == self.current_device, f"{name}: another device's array"
        if self._capturing is None:
            self.events.append(("launch", name))
            function(*args, **kwargs)
            return
        self.events.append(("captured", name))
        places = [Place(a) if isinstance(a, DeviceArray) else lambda a=a: a for a in args]
        named = {
            k: Place(a) if isinstance(a, DeviceArray) else lambda a=a: a for k, a in kwargs.items()
        }
        self._capturing.append(
            lambda: function(*(p() for p in places), **{k: p() for k, p in named.items()})
        )

    def transfer(self, kind: str, name: str) -> None:
        """Note a copy between host and device, which no graph can hold."""
        self._must_not_capture(f"a copy {kind}")
        self.events.append((kind, name))

    def array_at(self, address: int) -> DeviceArray:
        """Return the array that was made at an address, or the one that holds it."""
        for place in range(bisect_right(self._starts, address) - 1, -1, -1):
            start = self._starts[place]
            owner = self._owners.get(start)
            if owner is not None and address < start + max(owner.nbytes, 1):
                return owner
        raise AssertionError("cuBLAS was given an address of no array")

    def _call(self, name: str, function: Any, *args: Any, **kwargs: Any) -> Any:
        for array in args:
            assert type(array) is not np.ndarray, f"{name} was given an array of the host"
        out = args[0] if name == "copyto" else kwargs.get("out")
        self._compile(name, args, out)
        if out is None:
            self._allocate(name)
            if name not in CREATES:
                self._must_not_capture("allocated by a computation")
            return self._made(np.array(function(*args, **kwargs)))
        self.do(name, function, *args, **kwargs)
        return out

    def _compile(self, name: str, args: tuple[Any, ...], out: Any) -> None:
        """Note a kernel that CuPy compiles: one for each function, and each kind of its arrays."""
        arrays = [a for a in (*args, out) if isinstance(a, DeviceArray)]
        together = all(a.flags.c_contiguous for a in arrays)
        if name in ("empty", "zeros", "empty_like", "zeros_like", "matmul"):
            return  # nothing, memory set to 0, or cuBLAS's
        source = args[1] if name == "copyto" else None
        alike = isinstance(source, DeviceArray) and source.size == out.size
        if alike and together and source.dtype == out.dtype:
            return  # memory is copied as it is
        kinds = (f"{a.dtype.char}{'' if a.flags.c_contiguous else a.ndim}" for a in arrays)
        if (kernel := f"{name} of {', '.join(kinds)}") not in self.compiled:
            self.compiled.append(kernel)

    def _home(self, array: DeviceArray) -> int:
        while isinstance(array.base, np.ndarray):
            array = array.base
        return self._homes.get(array.ctypes.data, self.current_device)

    def _made(self, memory: Any) -> DeviceArray:
        if memory.ctypes.data not in self._homes:
            insort(self._starts, memory.ctypes.data)
        self._owners[memory.ctypes.data] = memory
        self._homes[memory.ctypes.data] = self.current_device
        made = memory.view(DeviceArray)
        made.device = self
        return made

    def _allocate(self, name: str) -> None:
        if self.full:
            raise OutOfMemoryError("out of memory")
        where = "allocate" if self._pool is None else "allocate in the graph's pool"
        self.events.append((where, name))

    def _alloc(self, size: int) -> Any:
        self._allocate("alloc")
        memory = self._made(np.empty(size, np.uint8))
        return SimpleNamespace(ptr=memory.data.ptr, memory=memory)

    @contextlib.contextmanager
    def _using_allocator(self, allocator: Any) -> Iterator[None]:
        self._pool = allocator.__self__
        self.graph_pools.append(weakref.ref(self._pool))
        try:
            yield
        finally:
            self._pool = None

    def _must_not_capture(self, what: str) -> None:
        if self._capturing is not None:
            raise CUDARuntimeError(f"cudaErrorStreamCaptureUnsupported: {what}")

    def _count(self, devices: int) -> int:
        if devices < 0:
            raise CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")
        return devices


class Stream:
    """Stands in for `cupy.cuda.Stream`: of the device that is current when it is made."""

    def __init__(self, cupy: StandIn) -> None:
        self._cupy, self._device = cupy, cupy.current_device
        self.ptr = id(self)
        cupy.streams.append(self._device)

    def use(self) -> None:
        assert self._cupy.current_device == self._device, "a stream of another device"
        self._cupy.current_stream[self._device] = self

    def current(self) -> bool:
        return self._cupy.current_stream.get(self._cupy.current_device) is self

    def synchronize(self) -> None:
        self._cupy._must_not_capture("synchronized")
        self._cupy.events.append(("wait", ""))

    def begin_capture(self) -> None:
        assert self.current(), "a stream that is not current"
        assert self._cupy._capturing is None, "the stream is capturing already"
        self._cupy.events.append(("capture", ""))
        self._cupy._capturing, self._cupy.broken_capture = [], False

    def end_capture(self) -> Any:
        calls = self._cupy._capturing
        assert calls is not None, "the stream is not capturing"
        self._cupy._capturing = None
        self._cupy.events.append(("end capture", ""))
        if self._cupy.broken_capture:
            raise CUDARuntimeError("cudaErrorStreamCaptureInvalidated: something synchronized")
        return Graph(self._cupy, calls)


class Event:
    """Stands in for `cupy.cuda.Event`: what a stream here was given is done already."""

    done = True

    def __init__(self, cupy: StandIn) -> None:
        self._cupy = cupy

    def record(self, stream: Stream) -> None:
        self._cupy._must_not_capture("recorded an event")
        assert stream.current(), "a stream that is not current"
        self._cupy.events.append(("event", ""))


class Graph:
    """Stands in for `cupy.cuda.Graph`."""

    def __init__(self, cupy: StandIn, calls: list[Callable[[], Any]]) -> None:
        self._cupy, self.calls = cupy, calls

    def launch(self, stream: Stream) -> None:
        assert stream.current(), "a stream that is not current"
        self._cupy.events.append(("replay", ""))
        for call in self.calls:
            call()


class Device:
    """Stands in for `cupy.cuda.Device`."""

    compute_capability = "90"

    def __init__(self, cupy: StandIn, index: int) -> None:
        self._cupy, self._index = cupy, index

    @property
    def mem_info(self) -> tuple[int, int]:
        return self._cupy.free, 2 << 30

    @property
    def pci_bus_id(self) -> str:
        return f"0000:{self._index:02X}:00.0"

    def use(self) -> None:
        self._cupy.current_device = self._index

    def synchronize(self) -> None:
        self._cupy._must_not_capture("synchronized")


class Pool:
    """Stands in for `cupy.cuda.MemoryPool`."""

    def malloc(self, size: int) -> Any:
        raise NotImplementedError
