"""Spoils the n-th call of an operation that opens, writes, syncs or renames, or kills it there."""

from __future__ import annotations

import builtins
import errno
import io
import os
import re
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from mlp.common import linux
from mlp.common.atomic import IN_PLACE, put_back

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}-\d+-[0-9a-f]{8}\.(tmp|old)")

Around = Callable[[], AbstractContextManager[object]]
Content = bytes | dict[str, bytes] | None


@dataclass(frozen=True)
class Operation:
    """Something that writes.

    Attributes:
        name: what it is.
        prepare: fills an empty folder with what is there before.
        act: writes into the folder; raises where it fails, with a sentence.
        targets: the files and folders that it writes, as paths in the folder.
        around: what must be there while it acts, such as a server.
        most: how many of its calls a test run tries; ``python -m tests.faults`` tries all.
    """

    name: str
    prepare: Callable[[Path], object]
    act: Callable[[Path], object]
    targets: tuple[str, ...]
    around: Around = nullcontext
    most: int = 6

    @property
    def title(self) -> str:
        """The name, and whether it is tried as on another system than Linux."""
        return f"{self.name}, elsewhere" if self.around is another_system else self.name


class Injector:
    """Counts the calls that concern a folder, and spoils the n-th one."""

    def __init__(self, folder: Path, n: int, spoil: Callable[[], None], lasting: bool) -> None:
        self.folder, self.n, self.spoil, self.lasting = folder, n, spoil, lasting
        self.calls = 0
        self.spoiled: str | None = None

    def call(self, kind: str, before: Callable[[], object] = lambda: None) -> None:
        self.calls += 1
        if self.calls == self.n or (self.lasting and self.calls > self.n):
            self.spoiled = self.spoiled or kind
            before()
            self.spoil()

    def concerns(self, path: Any, at: int | None) -> bool:
        if at is not None:
            return True
        if isinstance(path, int):
            return False
        return Path(os.fsdecode(path)).is_relative_to(self.folder)

    def wrap(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(path: Any, *arguments: Any, **options: Any) -> Any:
            if self.concerns(path, options.get("dir_fd")):
                self.call(kind)
            return function(path, *arguments, **options)

        return wrapped

    def sync(self, descriptor: int) -> bool:
        """Spoil or do nothing: no power is cut here, and real syncs would take long."""
        self.call("fsync")
        return True

    def open(self, file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **more: Any) -> Any:
        if "opener" in more or not self.concerns(file, None):  # an opener calls os.open
            return _OPEN(file, mode, buffering, *rest, **more)
        self.call("open")
        if not set(mode) & set("wxa+"):
            return _OPEN(file, mode, buffering, *rest, **more)
        raw = _File(self, file, mode.replace("b", "").replace("t", ""))
        binary: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return binary if "b" in mode else io.TextIOWrapper(binary, *rest, **more)

    @contextmanager
    def patched(self) -> Iterator[None]:
        with ExitStack() as stack:
            for kind in ("open", "replace", "rename", "mkdir", "unlink", "rmdir"):
                stack.enter_context(patch.object(os, kind, self.wrap(kind, getattr(os, kind))))
            for module, name, new in (
                (os, "fsync", self.sync),
                (io, "open", self.open),
                (builtins, "open", self.open),
                (linux, "exchange", self.wrap("exchange", linux.exchange)),
            ):
                stack.enter_context(patch.object(module, name, new))
            if linux.sync_file_system is not _cannot:
                stack.enter_context(patch.object(linux, "sync_file_system", self.sync))
            yield


_OPEN = io.open


class _File(io.FileIO):
    """A file whose writes are counted; the one that is spoiled writes half of its bytes."""

    def __init__(self, injector: Injector, path: Any, mode: str) -> None:
        super().__init__(path, mode)
        self._injector = injector

    def write(self, data: Any) -> int:
        half = memoryview(data)[: len(data) // 2]
        self._injector.call("write", lambda: super(_File, self).write(half))
        return super().write(data)


def _cannot(*_: Any) -> bool:
    return False


@contextmanager
def another_system() -> Iterator[None]:
    """Be on a system that can neither swap two folders nor sync a whole file system."""
    with (
        patch.object(linux, "exchange", _cannot),
        patch.object(linux, "sync_file_system", _cannot),
    ):
        yield


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """Make a folder where thousands of small files cost nothing, if the system has such a place."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name).resolve()


@dataclass
class Tally:
    """How many faults of each kind were tried."""

    errors: int = 0
    kills: int = 0
    sentences: list[str] = field(default_factory=list)


def try_all(operation: Operation, place: Path, most: int | None = None) -> Tally:
    """Spoil each call of an operation in turn, and check what is there afterwards.

    Each is tried in three ways: it fails once for want of space; it and all after it fail, as on a
    broken disk; and the process is killed there.

    Args:
        operation: what is tried.
        place: an empty folder to work in.
        most: how many calls to try, spread evenly; all unless given.

    Raises:
        AssertionError: if a target is neither the old one nor the new one, if something else is
            left that the next write does not delete, or if the error is not one sentence that
            says what happened.
    """
    before, folder = place / "before", place / "folder"
    before.mkdir()
    with operation.around():
        operation.prepare(before)
        reset(before, folder)
        calls = _act(operation, folder)
        trial = _Trial(operation, before, folder, _tree(before), _tree(folder))
        assert trial.old != trial.new, "a write that changes nothing proves nothing"
        for n in spread(calls, most):
            trial.fail(n, errno.ENOSPC, lasting=False)
            trial.fail(n, errno.EIO, lasting=True)
            trial.kill(n)
    return trial.tally


@dataclass
class _Trial:
    """An operation with the folder as it was before and as it is to become."""

    operation: Operation
    before: Path
    folder: Path
    old: dict[str, bytes]
    new: dict[str, bytes]
    tally: Tally = field(default_factory=Tally)

    def fail(self, n: int, number: int, lasting: bool) -> None:
        """Let the n-th call fail, and all after it where that lasts."""

        def spoil() -> None:
            raise OSError(number, os.strerror(number))

        reset(self.before, self.folder)
        injector = Injector(self.folder, n, spoil, lasting)
        sentence = None
        try:
            with injector.patched():
                self.operation.act(self.folder)
        except Exception as error:
            sentence = str(error)
        reason = os.strerror(number)
        what = f"{self.operation.name}: {reason}, call {n}, {injector.spoiled}: {sentence}"
        assert injector.spoiled, what
        is_new = self._check_targets(what)
        if sentence is None:
            assert all(is_new), what
        else:
            assert "\n" not in sentence, what
            assert reason in sentence, what
            assert len(is_new) > 1 or (IN_PLACE in sentence) == is_new[0], what
            self.tally.sentences.append(sentence)
        # Where nothing was said, it was the cleaning that failed.
        self._check_next(what, may_litter=lasting or sentence is None)
        self.tally.errors += 1

    def kill(self, n: int) -> None:
        """Kill a process that works on it at the n-th call."""
        reset(self.before, self.folder)
        killed = is_killed(self.folder, n, partial(self.operation.act, self.folder))
        what = f"{self.operation.name}: killed at call {n}"
        assert killed, what
        self._check_targets(what)
        self._check_next(what, may_litter=True)
        self.tally.kills += 1

    def _check_targets(self, what: str) -> list[bool]:
        """Check that each target is the old or the new one; tell for each whether it is the new."""
        found = []
        for name in self.operation.targets:
            put_back(self.folder / name)  # as reading it does
            content, new = _content(self.folder / name), _of(self.new, name)
            assert content in (_of(self.old, name), new), f"{what}: {name} is neither"
            found.append(content == new)
        return found

    def _check_next(self, what: str, may_litter: bool) -> None:
        """Check that nothing else is left but what the next write deletes, and let it succeed."""
        for name in _tree(self.folder).keys() - self.old.keys() - self.new.keys():
            ours = any(map(TEMPORARY.fullmatch, Path(name).parts))
            assert ours, f"{what} left {name}"
            assert may_litter, f"{what} left {name}"
        _act(self.operation, self.folder)
        assert _tree(self.folder) == self.new, f"{what}: the next write"
        assert not [p for p in self.folder.rglob("*") if TEMPORARY.fullmatch(p.name)], what


def is_killed(folder: Path, n: int, act: Callable[[], object]) -> bool:
    """Act in a process that is killed at its n-th call; tell whether it came that far."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fork while there are threads: the child starts none
        child = os.fork()
    if child == 0:
        try:
            spoil = partial(os.kill, os.getpid(), signal.SIGKILL)
            with Injector(folder, n, spoil, lasting=False).patched():
                act()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def fill_the_disk(operation: Operation, place: Path, size: int = 16) -> str:
    """Let the system itself refuse to write more than a few bytes; return what was said.

    Raises:
        AssertionError: if the old one is not there, or something else is.
    """
    before, folder = place / "before", place / "folder"
    before.mkdir()
    with operation.around():
        operation.prepare(before)
        reset(before, folder)
        usual = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
        try:
            operation.act(folder)
        except Exception as error:
            sentence = str(error)
        else:
            raise AssertionError(f"{operation.name} wrote on a full disk")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert _tree(folder) == _tree(before), operation.name
    return sentence


def spread(calls: int, most: int | None) -> list[int]:
    """Choose calls from 1 to the last one, spread evenly; all unless told how many at most."""
    count = min(calls, most or calls)
    return sorted({1 + k * (calls - 1) // max(1, count - 1) for k in range(count)})


def _act(operation: Operation, folder: Path) -> int:
    """Let an operation succeed, without the time that real syncs take; count its calls."""
    injector = Injector(folder, 0, lambda: None, lasting=False)
    with injector.patched():
        operation.act(folder)
    return injector.calls


def reset(before: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(before, folder)


def _content(path: Path) -> Content:
    return _tree(path) if path.is_dir() else path.read_bytes() if path.exists() else None


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _of(tree: dict[str, bytes], name: str) -> Content:
    if name in tree:
        return tree[name]
    inside = {k[len(name) + 1 :]: v for k, v in tree.items() if k.startswith(f"{name}{os.sep}")}
    return inside or None
