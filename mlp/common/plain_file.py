"""Refusing what is named as a file and is none: a pipe, which is waited for, or a device."""

from __future__ import annotations

import stat
from pathlib import Path

from mlp.common.errors import MLPError

_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def check_file(path: str | Path, kind: type[MLPError]) -> None:
    """Refuse a pipe, a socket or a device, which may never begin or never end, before it is opened.

    A file, a folder, a link to one and a name that there is not are left to whoever opens them.

    Args:
        path: what is about to be opened and read.
        kind: the class of the error.

    Raises:
        MLPError: of that kind.
    """
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):  # told of where it is opened
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        what = _KINDS.get(stat.S_IFMT(mode), "a device")
        raise kind(
            f"{path} is {what} and not a file: write what comes out of it into a file, and "
            "name that"
        )
