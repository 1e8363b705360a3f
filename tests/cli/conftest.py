"""The command line, run in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import Command, in_this_process


@pytest.fixture
def mlp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return in_this_process(tmp_path, monkeypatch, capsys)
