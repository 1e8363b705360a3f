"""What CI's scripts say and refuse, without the environments that they would make."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASH = shutil.which("bash")

if BASH is None or not (ROOT / ".ci").is_dir():
    pytest.skip("CI's scripts, or what runs them, are not here", allow_module_level=True)


def ci(
    tmp_path: Path, script: str, *arguments: str, **programs: str
) -> subprocess.CompletedProcess[str]:
    """Run a script where there are a few of the system's programs, and these."""
    for name in ("mktemp", "rm", "mkdir", "cp", "dirname"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    for name, text in programs.items():
        program = tmp_path / name.replace("_", ".")
        program.write_text(f"#!{BASH}\n{text}\n")
        program.chmod(0o755)
    command = [str(BASH), str(ROOT / ".ci" / script), *arguments]
    environment = {"PATH": str(tmp_path), "LOG": str(tmp_path / "log")}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_book_is_built_of_what_is_installed_or_not_at_all(tmp_path: Path) -> None:
    done = ci(tmp_path, "book", pip='echo "$*" >>"$LOG"; [ "$1" != show ]')
    assert done.returncode == 1
    assert "mlp-digits is not installed here" in done.stdout
    assert (tmp_path / "log").read_text() == "show mlp-digits\n"


@pytest.mark.parametrize("asked", [(), ("3.14",)])
def test_where_no_newer_python_is_found_that_is_a_failure(
    asked: tuple[str, ...], tmp_path: Path
) -> None:
    done = ci(tmp_path, "pythons", *asked)
    assert done.returncode == 1
    assert "install" in done.stdout


def test_newer_pythons_that_are_not_found_are_told(tmp_path: Path) -> None:
    python = '[ "$1 $2" = "-m venv" ] || exit 0; mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; '
    python += 'cp "$0" "$3/bin/pip"'
    done = ci(tmp_path, "pythons", python3_13=python)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "--- Python 3.12 is skipped: there is none here",
        "--- Python 3.13",
        "--- Python 3.14 is skipped: there is none here",
    ]
