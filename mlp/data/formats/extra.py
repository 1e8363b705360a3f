"""The extra that some formats are read by, imported where a file of theirs is met."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from mlp.common.errors import DataError
from mlp.common.version import install_command

EXTRA = "data"
"""The extra that brings them."""


def import_extra(module: str, name: str, path: Path) -> Any:
    """Import a library.

    Args:
        module: what is imported, such as ``"scipy.io"``.
        name: what people call it.
        path: the file that it is needed for.

    Raises:
        DataError: if it is not installed, with the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise DataError(
            f"{path} is read by {name}, which is missing ({error}): {install_command(EXTRA)}"
        ) from None
