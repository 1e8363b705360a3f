"""The text of the hand-written kernels, for one dtype."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

C_TYPES = {"f": "float", "d": "double"}
"""NumPy's dtype characters and the C types that the kernels are compiled for."""

THREADS = 256
"""Threads a block, as in sums.cu."""


def source(dtype: np.dtype[Any], *files: str, **constants: int) -> str:
    """Return the text of all kernels of kernels.cu for one dtype, or of some of these files.

    Args:
        dtype: float32 or float64.
        files: their names.
        constants: what is defined in front of them.
    """
    texts = [
        Path(__file__).with_name(name).read_text(encoding="utf-8")
        for name in files or ("sums.cu", "kernels.cu")
    ]
    defined = [f"#define {name} {value}" for name, value in constants.items()]
    return "\n".join([f"typedef {C_TYPES[dtype.char]} T;", *defined, *texts])
