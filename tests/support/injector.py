"""Counts the calls that open, write, sync, rename, make or delete, and spoils the n-th one."""

from __future__ import annotations

import builtins
import io
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from mlp.common import linux


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
            for kind in ("open", "replace", "rename", "link", "mkdir", "unlink", "rmdir"):
                stack.enter_context(patch.object(os, kind, self.wrap(kind, getattr(os, kind))))
            for module, name, new in (
                (os, "fsync", self.sync),
                (io, "open", self.open),
                (builtins, "open", self.open),
                *(
                    (linux, name, self.wrap(name, getattr(linux, name)))
                    for name in ("exchange", "rename_to_free")
                ),
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
    """Be on a system that has none of the calls of `mlp.common.linux`."""
    with (
        patch.object(linux, "exchange", _cannot),
        patch.object(linux, "rename_to_free", _cannot),
        patch.object(linux, "sync_file_system", _cannot),
    ):
        yield


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
