"""``mlp draw``: what it needs, and what it serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command import TINY, Command, refused

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


def test_a_run_is_drawn_on_once_it_has_a_model(
    mlp: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []

    def serve(app: Any, bound: Any, **_: Any) -> None:
        bound.close()
        names.append(app)

    monkeypatch.setattr("mlp.web.server.serve", serve)
    monkeypatch.setattr("mlp.web.app.create_app", lambda models, host: models.first)
    assert mlp("train", *TINY, "--run", "runs/mine").code == 0
    assert mlp("draw", "--run", "mine", "--no-browser").code == 0
    assert names == ["mine"]
    refused(mlp("draw", "--run", "mine", "--model", "x"), "exclude each other", code=2)
    refused(mlp("draw", "--run", "other"), "no run in other", code=2)
    (tmp_path / "runs" / "mine" / "model.safetensors").unlink()
    resume = "mlp train --resume runs/mine goes on with it"
    refused(mlp("draw", "--run", "mine"), "no model yet", resume, code=2)
