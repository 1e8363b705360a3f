"""The inputs that training never lit: their weights are still what was drawn at the start."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from mlp.common.errors import UsageError
from mlp.models.metadata import metadata_of
from mlp.nn.network import MLP


def unlit_inputs(model: MLP) -> NDArray[np.bool_]:
    """Find the inputs whose weights training has left as they were drawn.

    The gradient of a weight is a sum over the images of its input times dy, and so is exactly 0
    where every image is: the corners of MNIST's images. The draw is repeated and compared. Weights
    that decayed, were limited or were rounded to eight bits have moved, and count as learnt.

    Returns:
        Shape (I,); all False where the model does not tell how its weights started.
    """
    W = model.backend.to_numpy(model.linear[0].W)  # (I, O)
    start = metadata_of(model).initialisation
    if start is not None and start.W is not None:
        with suppress(UsageError):  # an initialiser of a plugin that is not here
            drawn = MLP(model.sizes[:2], init=start.W, seed=start.seed, dtype=model.dtype)
            first = drawn.backend.to_numpy(drawn.linear[0].W)  # (I, O)
            unlit: NDArray[np.bool_] = (first == W).all(axis=1) & first.any(axis=1)
            return unlit
    return np.zeros(len(W), dtype=bool)
