"""``mlp show curves``: a model's training, epoch by epoch."""

from __future__ import annotations

from mlp.cli.views.registry import VIEWS, Canvas, Model
from mlp.models.formats.convert import read_model
from mlp.models.metadata import metadata_of, task_of
from mlp.view import plots
from mlp.view.curves import draw_curves, read_curves


@VIEWS.register("curves")
def curves(*, path: Model, canvas: Canvas) -> None:
    """Show the loss and the accuracies of a model's training, epoch by epoch."""
    model = read_model(path)
    history = read_curves(metadata_of(model), str(path))
    canvas.print(draw_curves(history, canvas.screen, task_of(model).kind))
    canvas.write(lambda: plots.plot_curves(history, f"{model}"))
