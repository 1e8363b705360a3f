"""The overhead of an update is the time of the same calls on next to nothing."""

from __future__ import annotations

from functools import partial

import numpy as np

from bench.overhead import shrunk, times, update_of


def test_the_same_calls_are_made_on_small_arrays() -> None:
    calls = update_of((16, 16), 32)
    small = [shrunk(call) for call in calls]
    for few, many in zip(small, calls, strict=True):
        assert isinstance(few, partial)
        assert isinstance(many, partial)
        assert few.func == many.func
        for a, b in zip(few.args, many.args, strict=True):
            assert np.shape(a) == tuple(min(side, 2) for side in np.shape(b))
    assert len(times(small, 3)) == 3
