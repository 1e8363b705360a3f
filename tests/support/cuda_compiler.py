"""NVRTC, NVIDIA's compiler as a library, which needs no GPU."""

from __future__ import annotations

from collections.abc import Callable

import pytest

ARCHITECTURES = ("sm_70", "sm_90")
"""The oldest and the newest that kernels are meant for."""


def open_compiler() -> Callable[..., bytes]:
    """Return what turns source and architecture into a CUBIN; skip the test where there is none."""
    nvrtc = pytest.importorskip("cupy_backends.cuda.libs.nvrtc", reason="CuPy is not installed")
    try:
        version = nvrtc.getVersion()
    except Exception as error:
        pytest.skip(f"NVRTC is not installed (pip install nvidia-cuda-nvrtc-cu12): {error}")

    def compiled(code: str, architecture: str) -> bytes:
        if version >= (13, 0) and architecture == "sm_70":
            pytest.skip("CUDA 13 has no Volta")
        program = nvrtc.createProgram(code, "kernel.cu", (), ())
        try:
            nvrtc.compileProgram(program, (f"-arch={architecture}", "--std=c++11"))
            return nvrtc.getCUBIN(program)  # type: ignore[no-any-return]
        except nvrtc.NVRTCError:
            raise AssertionError(nvrtc.getProgramLog(program)) from None
        finally:
            nvrtc.destroyProgram(program)

    return compiled
