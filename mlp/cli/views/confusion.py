"""``mlp show confusion``: which classes a model takes for which."""

from __future__ import annotations

from typing import Annotated

import typer

from mlp.cli.views.registry import VIEWS, Canvas, Tested, answer_test_images, check_count
from mlp.common.errors import UsageError
from mlp.models.metadata import task_of
from mlp.models.metrics import score
from mlp.view import plots
from mlp.view.confusions import draw_confusions
from mlp.view.layout import wrap


@VIEWS.register("confusion")
def confusion(
    *,
    tested: Tested,
    count: Annotated[int, typer.Option(help="How many of the most frequent.")] = 10,
    canvas: Canvas,
) -> None:
    """Show which digits are taken for which; the picture is the whole confusion matrix."""
    check_count(count)
    model = tested.load_model()
    if task_of(model).kind != "multiclass":
        raise UsageError(
            f"{tested.model} does not choose between classes, so no class is taken for another: "
            "mlp eval tells how well it answers"
        )
    dataset = tested.load_dataset(model)
    answers = answer_test_images(model, dataset)
    counts = score(answers.unit, dataset.test.labels, dataset.classes)
    wrong = counts.total - counts.correct
    title = f"{wrong:,} of {counts.total:,} {dataset.name} images read wrong"
    bars = draw_confusions(counts.confusion, answers.names, canvas.screen, count)
    canvas.print([*wrap(title, canvas.screen.width), *bars])
    canvas.write(lambda: plots.plot_confusion(counts.confusion, answers.names, title))
