"""``mlp show mistakes``: the surest errors of a model, and what led it there."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from mlp.cli import console
from mlp.cli.views.registry import (
    VIEWS,
    Canvas,
    Tested,
    answer_test_images,
    check_count,
    check_images,
)
from mlp.models.attribution import contributions
from mlp.view import plots
from mlp.view.heatmap import legend
from mlp.view.mistakes import Case, draw_cases, surest
from mlp.view.select import labelled

MISTAKES_SHOWN, OF_ONE_DIGIT = 5, 2
"""How many mistakes are drawn by default: of all digits, and of one."""

MOST_MISTAKES = 50
"""A picture of more cases would be too large to look at."""


@VIEWS.register("mistakes")
def mistakes(
    *,
    tested: Tested,
    digit: Annotated[
        int | None, typer.Option(help="Only images with this label, right ones as well as wrong.")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            help=f"How many; else {MISTAKES_SHOWN}, or {OF_ONE_DIGIT} right and wrong of --digit."
        ),
    ] = None,
    canvas: Canvas,
) -> None:
    """Show the test images that are wrong with the most confidence, and what was active."""
    check_count(count, MOST_MISTAKES)
    model = tested.load_model()
    dataset = tested.load_dataset(model)
    check_images(dataset)
    candidates = labelled(dataset.test, digit, dataset.classes)  # (N,)
    answers = answer_test_images(model, dataset)
    count = count or (MISTAKES_SHOWN if digit is None else OF_ONE_DIGIT)
    rows = surest(candidates & ~answers.correct, answers.confidence, count)
    if not rows:
        console.note("no image is read wrong" + ("" if digit is None else f" of a {digit}"))
    if digit is not None:
        rows = surest(candidates & answers.correct, answers.confidence, count) + rows
    images = dataset.test.images
    cases = [
        Case(
            answers.caption(row),
            images[row],
            answers.probabilities[row],
            contributions(model, images[row], int(answers.unit[row])),
        )
        for row in rows
    ]
    if not cases:
        return
    screen = canvas.screen
    canvas.print([*legend(screen), Text(), *draw_cases(cases, answers.names, screen)])
    canvas.write(lambda: plots.plot_cases(cases, answers.names))
