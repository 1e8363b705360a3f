"""The option ``--save`` of the commands that draw: they write what they print as a picture, too."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from mlp.cli import console
from mlp.common.atomic import replacing
from mlp.common.errors import MLPError, UsageError
from mlp.common.overwrite import check_destination
from mlp.view import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Save = Annotated[
    Path | None,
    typer.Option(metavar="FILE.png", help="Write a picture too; needs the extra plots."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the picture.")]


def check_picture(save: Path | None, force: bool) -> None:
    """Check that a figure can be written, before any work is done for it.

    Raises:
        UsageError: if it cannot (see `check_png`), or matplotlib is missing.
    """
    check_png(save, force)
    if save is not None:
        plots.check_installed()


def check_png(save: Path | None, force: bool) -> None:
    """Check that a PNG file may be written.

    Raises:
        UsageError: if its name does not end in .png; or see
            `mlp.common.overwrite.check_destination`.
    """
    if save is None:
        return
    if save.suffix.lower() != ".png":
        raise UsageError(f"--save {save}: pictures are PNG files, so name one that ends in .png")
    check_destination(save, force, is_folder=False, kind=UsageError)


def write_picture(figure: Figure, save: Path) -> None:
    """Write a figure; see `write_png`."""
    write_png(partial(figure.savefig, format="png", dpi=100), save)


def write_png(write: Callable[[BinaryIO], object], save: Path) -> None:
    """Write a PNG file, whole or not at all, replacing one that is there, and name it on stderr.

    Args:
        write: writes the picture to an open file.
        save: the file's name.

    Raises:
        MLPError: if it cannot be written.
    """
    try:
        with replacing(save) as file:
            write(file)
    except OSError as error:
        raise MLPError(
            f"{save} cannot be written ({error.strerror}): choose another place with --save"
        ) from None
    console.note(f"picture: {save}")
