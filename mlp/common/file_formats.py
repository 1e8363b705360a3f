"""Formats of files and folders: a class each, which enters a registry where it is written.

Datasets and models have a registry each, `mlp.data.formats.registry` and
`mlp.models.formats.registry`. Reading, writing, converting, the command line's help and the error
messages go by them, so a format is added by writing its class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from pathlib import Path
from typing import ClassVar, TypeVar

from mlp.common.choices import did_you_mean
from mlp.common.errors import UsageError
from mlp.common.registry import Registry


class FileFormat(ABC):
    """One format.

    Attributes:
        name: what ``--to`` calls it: the name that it is registered by, without a final
            ``-folder``. So a file format and a folder format may share a name, such as ``csv``.
        title: what people call it, with an article, such as ``"an .npz file"``.
        endings: of the names of its files, in lower case. A folder has none, or ``""`` if it is
            written wherever a name has no other ending.
        needs_ending: whether a file of it must have one of the endings.
        is_written: whether it can be written; else it is only read.
        is_read: whether it is read, too, and not only written.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    endings: ClassVar[tuple[str, ...]] = ()
    needs_ending: ClassVar[bool] = False
    is_written: ClassVar[bool] = True
    is_read: ClassVar[bool] = True

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return not any(self.endings)

    @abstractmethod
    def matches(self, path: Path) -> bool:
        """Tell whether a file or folder, which exists, looks like one of this format.

        Raises:
            OSError: if it cannot be read.
        """

    def files(self, path: Path) -> Collection[Path]:
        """List the files that make up ``path``: itself, unless it is a folder."""
        return [path]


F = TypeVar("F", bound=FileFormat)


class Formats(Registry[type[F]]):
    """The formats of one kind of thing by their names, in the order of their registration."""

    def register(self, name: str) -> Callable[[type[F]], type[F]]:
        """Decorate a class to make it a format; see `Registry.register`."""
        enter = super().register(name)

        def enter_named(entry: type[F]) -> type[F]:
            entry.name = name.removesuffix("-folder")
            return enter(entry)

        return enter_named

    def all(self) -> list[F]:
        """Return one of each format."""
        return [entry() for entry in self.values()]

    @property
    def names(self) -> list[str]:
        """The names that ``--to`` accepts."""
        return list(dict.fromkeys(entry.name for entry in self.values() if entry.is_written))

    @property
    def titles(self) -> str:
        """The titles of what is read: ``a CSV file, an .npz file or a folder of images``."""
        return _either(list(dict.fromkeys(entry.title for entry in self.values() if entry.is_read)))

    @property
    def endings(self) -> str:
        """The endings of formats, for a sentence: ``.npz, or in nothing for a folder …``."""
        stated = dict.fromkeys(
            ending for format in self._written() for ending in format.endings if ending
        )
        bare = [format.title for format in self._written() if "" in format.endings]
        return _either(list(stated)) + "".join(f", or in nothing for {title}" for title in bare)

    def _written(self) -> list[F]:
        """Return those that can be written."""
        return [format for format in self.all() if format.is_written]

    def matching(self, path: Path) -> list[F]:
        """Return the formats that a file or folder, which exists, looks like one of.

        Raises:
            OSError: if it cannot be read.
        """
        is_folder = path.is_dir()
        return [
            format
            for format in self.all()
            if format.is_folder == is_folder and format.matches(path)
        ]

    def choose(self, path: Path, to: str | None) -> F:
        """Choose the format to write, by its name or the path's ending.

        Raises:
            UsageError: if neither names a format, or they disagree.
        """
        ending = path.suffix.lower()
        known = {known for format in self._written() for known in format.endings if known}
        named = [f for f in self._written() if (f.name == to if to else ending in f.endings)]
        for format in named:
            elsewhere = ending not in known and (format.is_folder or not format.needs_ending)
            if ending in format.endings or elsewhere:
                return format
        if named:
            raise UsageError(f"the name {path} does not suit the format {to}: change its ending")
        near = did_you_mean(to, self.names) if to else did_you_mean(ending, known)
        raise UsageError(
            f"{to or path} does not name a {self.kind}{near}: choose one with --to "
            f"{'|'.join(self.names)}, or end the name in {self.endings}"
        )


def _either(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
