"""Weights as ``.npz``: what is not sound is refused in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_networks import assert_not_read

ARRAYS: dict[str, Any] = {"layers.0.W": np.ones((3, 2)), "layers.0.b": np.ones(2)}
BAD_ARRAYS: dict[str, tuple[dict[str, Any], str]] = {
    "pickled": ({**ARRAYS, "layers.0.b": np.array([{}], object)}, "Python objects"),
    "other names": ({"W1": np.ones((3, 2))}, "holds the arrays W1, where"),
    "none": ({}, "no model file or .npz"),
    "a gap": ({**ARRAYS, "layers.2.W": np.ones((2, 2))}, "where layers.0.W"),
    "more": ({**ARRAYS, "more": np.ones(2)}, "where layers.0.W"),
    "half": ({name: array.astype("f2") for name, array in ARRAYS.items()}, "are float16"),
    "mixed": ({**ARRAYS, "layers.0.b": np.ones(2, "f4")}, "are float32 and float64"),
    "flat": ({"layers.0.W": np.ones(6)}, "do not make a chain"),
    "no width": ({"layers.0.W": np.ones((0, 2))}, "do not make a chain"),
    "a number for a name": ({**ARRAYS, "activation": np.ones(1)}, "activation .* is not a text"),
    "damaged": ({**ARRAYS, "about": np.array("{")}, "damaged JSON"),
    "a list": ({**ARRAYS, "about": np.array("[]")}, "damaged JSON"),
    "no task": ({**ARRAYS, "about": np.array('{"task": {}}')}, "what its outputs answer"),
    "infinite": ({**ARRAYS, "layers.0.b": np.full(2, np.inf)}, "not finite"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_are_refused(tmp_path: Path, case: str) -> None:
    content, sentence = BAD_ARRAYS[case]
    np.savez(tmp_path / "bad.npz", **content)
    assert_not_read(tmp_path / "bad.npz", sentence)
