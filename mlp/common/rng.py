"""The random numbers of a run: one seed, one independent host stream for each purpose."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, purpose: str) -> np.random.Generator:
    """Make the stream of one purpose, such as ``"parameters"`` or ``"shuffle"``.

    Drawing more from one stream leaves the others as they were, and every device draws from the
    same host streams.

    Args:
        seed: the run's seed, at least 0.
        purpose: the stream's name.
    """
    key = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big")
    return np.random.default_rng([seed, key])
