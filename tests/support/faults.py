"""Spoils each call of an operation in turn, or kills it there, and looks at what is left."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from injector import Injector, another_system, is_killed

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
