"""Layers that learn from all images of a batch at once, and batches of which they can learn."""

from __future__ import annotations

from mlp.common.errors import UsageError
from mlp.data.batches import bytes_an_image
from mlp.nn.layers import LAYERS
from mlp.nn.network import MLP


def whole_batch_layer(model: MLP) -> str:
    """Name the first layer of a network that takes batches whole; empty where there is none."""
    whole = next((type(layer) for layer in model.layers if layer.whole_batch), None)
    if whole is None:
        return ""
    return next((name for name, kind in LAYERS.items() if kind is whole), whole.__name__)


def check_whole_batches(model: MLP, N: int, batch_size: int) -> None:
    """Refuse batches of which a network's layers cannot learn.

    Args:
        model: the network.
        N: the training images.
        batch_size: images of a batch, at most N.

    Raises:
        UsageError: if a layer takes batches whole, and one has a single image or does not fit the
            memory that is free.
    """
    name = whole_batch_layer(model)
    if not name:
        return
    if 1 in (batch_size, N % batch_size):
        which = "each batch" if batch_size == 1 else "the last batch of an epoch"
        raise UsageError(
            f"{name} learns from two images at once or more, but of {N:,} images in "
            f"batches of {batch_size:,} {which} has one: choose another --batch-size"
        )
    memory = model.backend.memory()
    needed = batch_size * bytes_an_image(model)
    if needed > memory.free:
        raise UsageError(
            f"{name} takes all images of a batch at once, and {batch_size:,} need some "
            f"{needed / 2**30:.1f} GiB where {memory.free / 2**30:.1f} are free: choose a smaller "
            "--batch-size"
        )
