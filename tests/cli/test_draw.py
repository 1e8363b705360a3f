"""``mlp draw``: what it needs, and what it serves."""

from __future__ import annotations

from typing import Any

import pytest
from command import Command, refused

from mlp.cli import page_options


def test_without_the_extra_the_command_says_what_to_install(
    mlp: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_options, "find_spec", lambda name: None if name == "uvicorn" else 1)
    refused(mlp("draw"), "pip install 'mlp-digits[draw]'", "uvicorn", code=2)


def test_a_server_is_bound_to_the_address_that_was_asked_for(
    mlp: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Any] = []

    def serve(app: Any, bound: Any, **options: Any) -> None:
        with bound:
            served.append((bound.getsockname()[0], options["browser"]))
        options["on_note"]("it serves")

    monkeypatch.setattr("mlp.web.server.serve", serve)
    result = mlp("draw", "--host", "127.0.0.1", "--no-browser")
    assert (result.code, result.err) == (0, "it serves\n")
    assert served == [("127.0.0.1", False)]
