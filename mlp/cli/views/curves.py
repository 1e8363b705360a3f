"""``mlp show curves``: a model's training, epoch by epoch."""

from __future__ import annotations

from mlp.cli.views.registry import VIEWS, Canvas, Model
from mlp.models.checkpoint import load
from mlp.models.metadata import metadata_of
from mlp.view import plots
from mlp.view.curves import draw_curves, read_curves


@VIEWS.register("curves")
def curves(*, model: Model, canvas: Canvas) -> None:
    """Show the loss and the accuracies of a model's training, epoch by epoch."""
    network = load(model)
    history = read_curves(metadata_of(network), str(model))
    canvas.print(draw_curves(history, canvas.screen))
    canvas.write(lambda: plots.plot_curves(history, f"{network}"))
