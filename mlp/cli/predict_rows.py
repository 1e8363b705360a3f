"""``mlp predict --rows``: what a network answers to each row of a file, in constant memory."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backends.host import usable_cores
from mlp.cli import console
from mlp.cli.answer_columns import Answered, choose_columns, parse_columns, passable
from mlp.cli.answer_files import is_stdout, open_table
from mlp.cli.predict_report import PRETRAINED
from mlp.cli.progress import WorkBar
from mlp.common.errors import DataError, UsageError
from mlp.data.formats.convert import read_rows
from mlp.data.formats.request import Request
from mlp.data.formats.rows import Asked, Rows
from mlp.data.intake import Intake
from mlp.data.reading import Reading
from mlp.models.metadata import inputs_of, metadata_of, task_of
from mlp.models.predict import decide, probabilities_of
from mlp.models.running_score import RunningScore
from mlp.models.stream import stream_outputs
from mlp.nn.network import MLP
from mlp.training.parallel.replica import Replica


def predict_rows(
    model: MLP,
    path: Path,
    out: Path | None,
    columns: str | None,
    *,
    name: Path | None,
    as_json: bool,
    as_lines: bool,
) -> None:
    """Answer all rows of a file, and write a table of the answers.

    Args:
        model: the network.
        path: the file or folder of rows.
        out: the table; None for stdout.
        columns: the names of its columns; None for a number and the answer.
        name: the model's file; None for the pretrained one.
        as_json: whether stdout gets one JSON object.
        as_lines: whether stdout gets a line of JSON a row.

    Raises:
        DataError: if the rows are not what the model reads; no file is then written.
        UsageError: if a column is neither in the file nor a part of the answer.
    """
    if out is not None and path.exists() and out.exists() and out.samefile(path):
        raise UsageError(f"{out} is the file of the rows: write the answers to another")
    task, width = task_of(model), model.sizes[0]
    task = replace(task, names=tuple(task.names_of(model.sizes[-1])))
    names = parse_columns(columns, task)
    asked = Asked(inputs_of(model), width, passable(names, task), task.names)
    request = Request(_reading(model), note=console.note)
    score = RunningScore(task, str(path))
    answered = _answered(model, read_rows(path, request, asked), str(path))
    first = next(answered, None)
    if first is None:
        raise DataError(f"{path} holds no rows: get it again")
    chosen = choose_columns(names, task, list(first.rows.passed))
    count = 0
    with (
        open_table(out, names, as_json=as_json, as_lines=as_lines) as table,
        WorkBar("rows", None) as bar,
    ):
        for given in itertools.chain([first], answered):
            count += len(given.rows)
            score.add(given.rows.raw, given.answers)
            if task.kind == "regression":
                numbers = task.in_own_units(given.answers)  # (N, L)
                given = Answered(given.rows, numbers, numbers)
            table.write([column(given) for column in chosen])
            bar.advance(len(given.rows))
        summary = {"model": str(name) if name else PRETRAINED, "rows": count} | score.to_json()
        table.end(summary)
    _report(score, summary, path, out, as_json)


def _report(
    score: RunningScore, summary: dict[str, Any], path: Path, out: Path | None, as_json: bool
) -> None:
    if score.problem is not None:
        console.note(f"how right the answers are is not told: {score.problem}")
    elif score.total:
        console.note(str(score))
    if is_stdout(out):
        return
    if as_json:
        print(json.dumps(summary | {"out": str(out)}))
    else:
        console.say(f"{out}: answers to {summary['rows']:,} rows of {path}")


def _answered(model: MLP, chunks: Iterator[Rows], source: str) -> Iterator[Answered]:
    """Answer chunk after chunk."""
    intake = Intake(inputs_of(model), model.sizes[0], source)
    is_told = False

    def images_of(rows: Rows) -> Any:
        nonlocal is_told
        images = intake.take(rows.raw, rows.numbers)
        if intake.remark and not is_told:
            console.warn(intake.remark)
            is_told = True
        return images

    replicas = [model]
    if not model.backend.memory().is_discrete:
        replicas += [Replica(model) for _ in range(usable_cores() - 1)]
    for rows, outputs in stream_outputs(replicas, chunks, images_of):
        with np.errstate(all="ignore"):  # weights of any size may be asked
            answers, probabilities = decide(model, outputs), outputs.astype(np.float64)
            if task_of(model).kind != "regression":
                probabilities = np.nan_to_num(probabilities_of(model, outputs))
        yield Answered(rows, answers, probabilities)


def _reading(model: MLP) -> Reading:
    """Return how the data was read that a model was trained on."""
    summary = metadata_of(model).dataset
    return replace(Reading(**summary.reading) if summary else Reading(), test_file=None)
