"""``mlp runs``: the folders of training runs, with their figures, and how two of them differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from mlp.cli import console
from mlp.cli.group import group_of
from mlp.cli.options import Json
from mlp.cli.save_option import Force, Save, check_picture, write_picture
from mlp.common.errors import UsageError
from mlp.common.printable import printable
from mlp.data.task import Kind, score_text
from mlp.training.runs.folder import RUNS, find_folder
from mlp.training.runs.settings import differences
from mlp.training.runs.summary import Summary, find_runs, summarise
from mlp.view import plots
from mlp.view.curves import Curves, curves_of, draw_comparison
from mlp.view.layout import wrap
from mlp.view.screen import Screen

Run = Annotated[Path, typer.Argument(help="A run's folder, or its name in runs/.")]


def compare(
    one: Run,
    other: Run,
    save: Save = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Show in what two runs differ, and their curves side by side."""
    check_picture(save, force)
    found = [summarise(find_folder(path)) for path in (one, other)]
    for run in found:
        if run.problem is not None:
            raise UsageError(run.problem)
    differing = list(differences(found[0].settings, found[1].settings))
    drawn = {name: curves_of(run.history) for name, run in zip(_names(found), found, strict=True)}
    if save is not None and not any(drawn.values()):
        raise UsageError("neither run has measured an epoch yet: there is no curve to draw")
    if as_json:
        told = {name: [_plain(a), _plain(b)] for name, a, b in differing}
        runs = [run.to_json() | {"history": run.history} for run in found]
        print(json.dumps({"differences": told, "runs": runs}))
    else:
        _print_differences(list(drawn), differing, found)
        _print_curves(drawn, found[0].kind)
    if save is not None:
        write_picture(plots.plot_comparison(drawn), save)


runs = typer.Typer(
    name="runs", cls=group_of({"compare": compare}), add_completion=False, no_args_is_help=False
)


@runs.callback(invoke_without_command=True)
def _list(
    context: typer.Context,
    places: Annotated[
        list[Path] | None,
        typer.Option(
            "--in", metavar="DIR", help="A folder with runs in it, or a run; may be repeated."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the folders of training runs with their figures; compare two of them."""
    if context.invoked_subcommand is not None:
        return
    if not places and not RUNS.is_dir():
        places = []
    found = [summarise(folder) for folder in find_runs([RUNS] if places is None else places)]
    if as_json:
        print(json.dumps([run.to_json() for run in found]))
        return
    if not found:
        console.note("there are no runs here: start one with mlp train --run auto")
        return
    table = Table(box=None)
    for heading in ("run", "state", "network", "epoch", "loss", "train", "validation", "test", "s"):
        table.add_column(heading, justify="left" if heading in ("run", "state") else "right")
    for run in found:
        table.add_row(printable(str(run.folder)), run.state, *_cells(run))
    console.print_table(table)
    for run in found:
        if run.problem is not None:
            console.warn(run.problem)


def _cells(run: Summary) -> list[str]:
    hidden = run.settings.network.hidden if run.settings else ()
    epochs = run.settings.training.epochs if run.settings else "?"
    return [
        "-".join(map(str, hidden)) or "-",
        f"{run.last.get('epoch', 0)}/{epochs}",
        "-" if (loss := run.last.get("loss")) is None else f"{loss:.4f}",
        *(
            "-" if score is None else score_text(run.kind, score)
            for score in (run.last.get(f"{n}_accuracy") for n in ("train", "validation", "test"))
        ),
        f"{run.seconds:.1f}",
    ]


def _print_differences(
    names: list[str], differing: list[tuple[str, object, object]], found: list[Summary]
) -> None:
    table = Table(box=None)
    table.add_column("")
    for name in names:
        table.add_column(printable(name), justify="right", overflow="fold")
    for name, *values in differing:
        table.add_row(name, *(printable(str(_plain(value))) for value in values))
    rows = zip(
        ("state", "hidden layers", "epochs", "loss", "train", "validation", "test", "seconds"),
        *([run.state, *_cells(run)] for run in found),
        strict=True,
    )
    for row in rows:
        table.add_row(*row)
    console.print_table(table)
    if not differing:
        print("the runs were asked for the same")


def _print_curves(drawn: dict[str, Curves], kind: Kind) -> None:
    screen = Screen.of_stdout()
    screen.print(wrap("", screen.width))
    screen.print(draw_comparison(drawn, screen, kind))


def _names(found: list[Summary]) -> list[str]:
    """Name the runs by their folders' names where these differ, else by their paths."""
    short = [run.folder.path.resolve().name for run in found]
    return short if len(set(short)) == len(short) else [str(run.folder) for run in found]


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
