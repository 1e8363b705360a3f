"""What IDX files are called: MNIST's names, those with a prefix, EMNIST's and QMNIST's.

``emnist-letters-train-images-idx3-ubyte.gz`` is of the set ``emnist-letters``; MNIST's own files
have no prefix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from mlp.common.errors import DataError
from mlp.data.formats.splits import TEST, TRAIN

_NAME = re.compile(
    r"(?:(?P<prefix>[\w-]+?)[-_])?(?P<split>train|test|t10k)[-_.](?P<role>images|labels)"
    r"(?:[-._]idx\d(?:[-_](?:ubyte|int))?)?(?:\.(?:idx|ubyte))?(?:\.gz)?",
    re.IGNORECASE,
)

Files = dict[tuple[str, str], Path]
"""The file of each split and role, ``"images"`` or ``"labels"``."""


def find_sets(folder: Path) -> dict[str, Files]:
    """Find the IDX files in a folder, by the prefix of their names; unpacked ones first.

    Raises:
        OSError: if the folder cannot be read.
    """
    sets: dict[str, Files] = {}
    for path in sorted(folder.iterdir(), key=lambda path: (path.suffix == ".gz", path.name)):
        match = _NAME.fullmatch(path.name)
        if match and "idx" in path.name.lower() and path.is_file():
            split = TRAIN if match["split"].lower() == "train" else TEST
            key = (split, match["role"].lower())
            sets.setdefault((match["prefix"] or "").lower(), {}).setdefault(key, path)
    return {prefix: files for prefix, files in sets.items() if (TRAIN, "images") in files}


def one_set(sets: Mapping[str, Files], folder: Path) -> tuple[str, Files]:
    """Return the one set of a folder, its prefix first.

    Raises:
        DataError: if there are several, or a file of it is missing.
    """
    if len(sets) > 1:
        raise DataError(
            f"{folder} holds several sets, {', '.join(name or 'mnist' for name in sets)}: put the "
            "files of one into a folder of their own"
        )
    prefix, files = next(iter(sets.items()))
    for split in (TRAIN, TEST):
        for role in ("images", "labels"):
            if (split, role) not in files:
                raise DataError(
                    f"{folder} lacks the {split} {role} of {prefix or 'its IDX files'}: put them "
                    "there, with or without .gz at the end"
                )
    return prefix, files


def read_mapping(folder: Path, prefix: str) -> tuple[str, ...]:
    """Read the characters that EMNIST's labels stand for, where its mapping lies in the folder.

    Each line of ``emnist-letters-mapping.txt`` is a label and the codes of one character or two.
    """
    path = folder / f"{prefix}-mapping.txt"
    if not path.is_file() or path.stat().st_size > 1 << 16:
        return ()
    names: dict[int, str] = {}
    for line in path.read_text(errors="replace").splitlines():
        numbers = line.split()
        if len(numbers) < 2 or not all(number.isdecimal() for number in numbers):
            return ()
        label, *codes = map(int, numbers)
        if label > 255 or max(codes) > 0x10FFFF:
            return ()
        names[label] = "/".join(dict.fromkeys(map(chr, codes)))
    return tuple(names.get(label, str(label)) for label in range(max(names, default=-1) + 1))
