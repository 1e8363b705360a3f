"""What the installed package is called and which version of it this is."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "mlp-digits"
"""The name to install the package by; it is imported as `mlp`, which is another's on the index."""


@cache  # a run must not need one more file at its end
def package_version() -> str:
    """Return the version of the installed package; "unknown" in a bare source tree."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def install_command(extra: str) -> str:
    """Return the command that adds one of the package's extras, such as "draw"."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"
