"""``mlp show robustness``: how well a model reads images that are harder to read than usual."""

from __future__ import annotations

import json

import numpy as np

from mlp.cli.options import Json
from mlp.cli.views.registry import VIEWS, Canvas, Tested, check_images
from mlp.common.errors import UsageError
from mlp.data.disturb import DISTURBANCES
from mlp.data.load import relabel_for
from mlp.models.metadata import task_of
from mlp.models.predict import check_fits
from mlp.models.robustness import robustness as measure
from mlp.view import plots
from mlp.view.layout import wrap
from mlp.view.robustness import draw_robustness


@VIEWS.register("robustness")
def robustness(*, tested: Tested, as_json: Json = False, canvas: Canvas) -> None:
    """Show the accuracy on test images with noise, turned, and in thicker and thinner strokes."""
    model = tested.load_model()
    if task_of(model).kind == "regression":
        raise UsageError(
            f"{tested.model} estimates numbers, and so has no accuracy: mlp eval tells its errors"
        )
    dataset = tested.load_dataset(model)
    check_images(dataset)
    images = dataset.test.images
    if images.dtype != np.uint8:
        raise UsageError(
            f"the pixels of {dataset.name} are no bytes, 0 for paper to 255 for ink: mlp eval "
            "tells how well a model reads them"
        )
    asked = relabel_for(task_of(model), dataset)
    check_fits(model, asked.pixels, asked.classes)
    curves = {kind: measure(model, images, asked.test.labels, kind) for kind in DISTURBANCES}
    title = f"{len(images):,} {dataset.name} test images, as they are and made harder to read"
    if as_json:
        told = {
            kind: [{"amount": amount, "accuracy": value} for amount, value in curve.items()]
            for kind, curve in curves.items()
        }
        print(json.dumps({"model": str(tested.model), "images": len(images), **told}))
    else:
        canvas.print([*wrap(title, canvas.screen.width), *draw_robustness(curves, canvas.screen)])
    canvas.write(lambda: plots.plot_robustness(curves, f"{model}: {title}"))
