"""What the host machine has, also on systems that say less of themselves."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import pytest

from backends import usable_cores
from backends.host import free_bytes, peak_bytes

MIB = 1 << 20


def test_memory_is_told_in_bytes() -> None:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 10 * MIB < peak_bytes() < total
    assert 10 * MIB < free_bytes() < total


def test_all_cores_are_usable_where_no_affinity_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert usable_cores() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1


@pytest.mark.parametrize("text", [None, "MemTotal: 12 kB\n"])
def test_half_of_all_memory_is_free_where_none_is_told(
    text: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_text(path: Path, **_: Any) -> str:
        if text is None:
            raise FileNotFoundError(path)
        return text

    monkeypatch.setattr(Path, "read_text", read_text)
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}.get)
    assert free_bytes() == 500 * 4096
    monkeypatch.delattr(os, "sysconf")
    assert free_bytes() == 4 << 30  # Windows


def test_no_peak_is_told_where_the_system_keeps_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def without_resource(name: str, *arguments: Any) -> Any:
        if name == "resource":
            raise ImportError(name)
        return found(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without_resource)
    assert peak_bytes() == 0
