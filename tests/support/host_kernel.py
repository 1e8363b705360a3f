"""Kernels run on the host: their CUDA source, compiled as C++ against host_cuda.h."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from once import made_once

C_TYPES = {
    "long long": ctypes.c_longlong,
    "int": ctypes.c_int,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
}
DTYPES = {
    "T": None,
    "float": "float32",
    "long long": "int64",
    "unsigned char": "uint8",
    "unsigned int": "uint32",
    "unsigned short": "uint16",
}
"""The dtypes of arrays, by the types that their elements have in a kernel."""
COMPILER = shutil.which("c++")
FLAGS = ("-O1", "-w", "-shared", "-fPIC", "-U_FORTIFY_SOURCE")  # which lets no fiber switch
build = Path()
"""The folder of the compiled kernels; a fixture in conftest.py sets it for each run."""
ALONE = threading.Lock()
"""A kernel counts its blocks and threads in variables that all threads of this process share."""


class HostKernel:
    """Stands in for `cupy.RawKernel`, on arrays in host memory.

    Args:
        code: the CUDA source.
        name: the kernel's name in it.
        backwards: whether a block's threads run in the opposite order.
    """

    def __init__(self, code: str, name: str, *, backwards: bool = False) -> None:
        self.code, self.name, self.backwards = code, name, backwards

    def __call__(self, grid: tuple[int], block: tuple[int], args: tuple[Any, ...]) -> None:
        run, kinds = compiled(self.code, self.name)
        assert len(args) == len(kinds), f"{self.name} takes {len(kinds)} arguments"
        values = [_convert(value, kind) for value, kind in zip(args, kinds, strict=True)]
        with ALONE:
            failed = run(grid[0], block[0], int(self.backwards), *values)
        assert failed != 1, f"the threads of {self.name} diverge at a __syncthreads"
        assert failed != 2, f"a block of {self.name} takes a ticket without a __threadfence"


@functools.cache
def compiled(code: str, name: str) -> tuple[Any, list[str]]:
    """Compile a kernel; return a function that launches it, and its parameters' types."""
    if COMPILER is None:
        pytest.skip("no C++ compiler: kernels cannot run on the host")
    real = re.search(r"typedef (float|double) T;", code)[1]
    header = " ".join(re.search(rf"__global__ void {name}\(([^)]*)\)", code)[1].split())
    kinds, names = zip(
        *(re.fullmatch(r"(.*?) ?(\w+)", p).groups() for p in header.split(", ")), strict=True
    )
    given = "".join(f"static {k} given_{n};\n" for k, n in zip(kinds, names, strict=True))
    assign = " ".join(f"given_{n} = {n};" for n in names)
    call = ", ".join(f"given_{n}" for n in names)
    text = f"""#define BARRIERS {int("__syncthreads" in code)}
#include "{Path(__file__).with_name("host_cuda.h")}"
{code.replace('extern "C" __global__', "__global__")}
{given}static void call_it() {{ {name}({call}); }}
extern "C" int run_it(unsigned int grid, unsigned int block, int backwards, {header}) {{
    {assign}
    kernel = call_it;
    return run_block_by_block(grid, block, backwards);
}}
"""

    def compile_it(to: Path) -> None:
        command = [COMPILER, *FLAGS, "-o", to, "-x", "c++", "-"]
        subprocess.run(command, input=text, text=True, check=True)

    library = build / f"{name}-{hashlib.sha256(text.encode()).hexdigest()}.so"
    run = ctypes.CDLL(str(made_once(library, compile_it))).run_it
    run.argtypes = [
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_int,
        *(_c_type(kind, real) for kind in kinds),
    ]
    return run, [real if kind == "T" else kind for kind in kinds]


def _c_type(kind: str, real: str) -> Any:
    if "*" in kind:
        return ctypes.c_void_p
    return C_TYPES[real if kind == "T" else kind]


def _convert(value: Any, kind: str) -> Any:
    """Pass an array by address, and a number if it has just the type that the kernel declares."""
    if "*" in kind:
        expected = DTYPES[kind.replace("const ", "").rstrip("* ")]
        assert expected is None or value.dtype == expected, f"{value.dtype} for {kind}"
        return value.data.ptr
    widths = {"long long": "int64", "int": "int32", "float": "float32", "double": "float64"}
    assert value.dtype == widths[kind], f"{value.dtype} for {kind}"
    return value.item()
