"""The C function is compiled once; where it cannot be, recorded calls stay calls of NumPy."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backends import get_backend
from backends.compiled import compiled
from backends.native import loops_of, open_replay
from backends.tape import Call, record

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is for Linux alone")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache of the user's, which no earlier test has looked into."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    open_replay.cache_clear()
    yield tmp_path / "cache"
    open_replay.cache_clear()


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for the only compiler on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin" if not Path("/bin/cc").exists() else str(folder))
    return folder / "cc"


def made_in(cache: Path) -> Path:
    """The library, compiled into the cache."""
    if open_replay() is None:
        pytest.skip("no C compiler")
    (library,) = (cache / "mlp" / "compiled").iterdir()
    return library


def calls_of_a_step() -> list[Call]:
    xp, x = get_backend("cpu").xp, np.ones(3)

    def step() -> None:
        xp.add(x, 1.0, out=x)
        xp.multiply(x, 2.0, out=x)

    return record(step)[1]


def write(compiler: Path, script: str) -> None:
    compiler.write_text(f"#!{sys.executable}\nimport sys\n{script}\n")
    compiler.chmod(0o755)


@pytest.mark.usefixtures("cache", "compiler")
def test_no_compiler() -> None:
    assert open_replay() is None
    calls = calls_of_a_step()
    assert compiled(calls) == calls


@pytest.mark.parametrize(
    "script",
    ["sys.exit('no such header')", "open(sys.argv[sys.argv.index('-o') + 1], 'w').write('?')"],
    ids=["fails", "writes no library"],
)
def test_a_compiler_that_does_not_work(script: str, cache: Path, compiler: Path) -> None:
    write(compiler, script)
    assert open_replay() is None
    calls = calls_of_a_step()
    assert compiled(calls) == calls


def test_a_compiler_that_does_not_end(
    cache: Path, compiler: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(compiler, "while True: pass")
    monkeypatch.setattr("backends.native.PATIENCE", 0.05)
    assert open_replay() is None
    assert list((cache / "mlp" / "compiled").iterdir()) == []


def test_a_cache_that_cannot_be_written_to(cache: Path) -> None:
    cache.write_text("a file")
    assert open_replay() is None


@pytest.mark.parametrize("what", ["folder", "library"])
@pytest.mark.parametrize("others", [0o020, 0o002])
def test_what_others_could_have_written_is_not_run(cache: Path, what: str, others: int) -> None:
    library = made_in(cache)
    path = library if what == "library" else library.parent
    mode = path.stat().st_mode
    path.chmod(mode | others)
    open_replay.cache_clear()
    assert open_replay() is None
    path.chmod(mode)
    open_replay.cache_clear()
    assert open_replay() is not None


def test_a_damaged_library_is_compiled_anew(cache: Path) -> None:
    library = made_in(cache)
    whole = library.read_bytes()
    library.write_bytes(whole[:100])
    code = "from backends.native import open_replay; print(open_replay() is not None)"
    assert subprocess.check_output([sys.executable, "-c", code]).strip() == b"True"
    assert library.stat().st_size == len(whole)


def test_a_cache_told_by_a_relative_path_is_none(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library is not looked for in whatever folder the user happens to be in."""
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    if open_replay() is None:
        pytest.skip("no C compiler")
    assert not cache.exists()
    assert list((tmp_path / "home/.cache/mlp/compiled").iterdir())


def test_a_disk_that_is_full(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    assert open_replay() is None
    assert list((cache / "mlp" / "compiled").iterdir()) == []


def test_no_home(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> Path:
        raise RuntimeError(f"{path}: could not determine home directory")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "expanduser", fail)
    assert open_replay() is None


def test_it_is_compiled_once(cache: Path, compiler: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    if open_replay() is None:
        pytest.skip("no C compiler")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    open_replay.cache_clear()
    assert open_replay() is not None
    monkeypatch.setenv("PATH", str(compiler.parent))
    open_replay.cache_clear()
    assert open_replay() is not None


def test_two_processes_compile_at_once(cache: Path) -> None:
    if open_replay() is None:
        pytest.skip("no C compiler")
    code = "from backends.native import open_replay; print(open_replay() is not None)"
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache / "other")}
    both = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [process.communicate()[0].strip() for process in both] == [b"True", b"True"]
    assert len(list((cache / "other" / "mlp" / "compiled").iterdir())) == 1


def test_a_ufunc_that_looks_otherwise_has_no_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "fff" in loops_of(np.add)
    assert "ff" in loops_of(np.exp)
    vectorised = np.frompyfunc(lambda a: a, 1, 1)
    assert set(loops_of(vectorised)) <= {"OO"}
