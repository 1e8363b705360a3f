"""The version of the installed package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def package_version() -> str:
    """Return the version of the installed package; "unknown" in a bare source tree."""
    try:
        return version("mlp")
    except PackageNotFoundError:
        return "unknown"
