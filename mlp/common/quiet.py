"""Whom to tell where nobody listens."""

from __future__ import annotations


def quiet(*_: object) -> None:
    """Tell nobody."""
