"""The distribution's name: said once, and named right by every hint."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from source import ROOT

import mlp
from mlp.common import version
from mlp.common.version import DISTRIBUTION, install_command, package_version

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_name_is_the_projects() -> None:
    assert PROJECT["name"] == DISTRIBUTION


def test_without_the_package_installed_the_version_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(version, "DISTRIBUTION", "a-distribution-that-nobody-installs")
    package_version.cache_clear()
    try:
        assert package_version() == "unknown"
    finally:
        package_version.cache_clear()


def test_the_command_names_an_extra() -> None:
    assert install_command("draw") == "pip install 'mlp-digits[draw]'"


@pytest.mark.parametrize("package", [Path(mlp.__file__).parent, ROOT / "backends"])
def test_hints_name_extras_that_exist_and_no_other_distribution(package: Path) -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    named = set(re.findall(r"install_command\([\"'](\w+)[\"']\)", source))
    assert named <= set(PROJECT["optional-dependencies"])
    assert not re.findall(r"(?:pip|pipx|uvx?) install \W?mlp\b", source)
