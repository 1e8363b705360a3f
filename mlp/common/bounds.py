"""How much a packed file may unpack to, and how large one is that is mapped rather than read."""

from __future__ import annotations

from mlp.common.errors import MLPError

FREE = 144 << 20
"""Bytes that any file may unpack to, however small it is."""

RATIO = 128
"""Bytes that a larger file may unpack to for each of its own. MNIST packs 5 to 1, and drawings of
a few strokes 50 to 1; deflate reaches 1,032 to 1 with one byte alone."""

MAPPED_FROM = 256 << 20
"""Bytes from which a file that is not packed is mapped, as it may be larger than memory. A smaller
one is read, since the system ends a process by SIGBUS whose mapped file is cut short."""

MOST = 4 << 30
"""Bytes that no packed file may unpack to."""


def most_unpacked(packed: int) -> int:
    """Return how many bytes a file of ``packed`` bytes may unpack to."""
    return min(max(FREE, RATIO * packed), MOST)


def check_unpacked(source: object, packed: int, unpacked: int, kind: type[MLPError]) -> None:
    """Refuse what unpacks to too much, before it is unpacked.

    Args:
        source: the file's name, for the message.
        packed: the bytes of the file.
        unpacked: the bytes that it promises, by its header or a zip's directory.
        kind: the class of the error.

    Raises:
        MLPError: of that kind, if ``unpacked`` is more than `most_unpacked`.
    """
    most = most_unpacked(packed)
    if unpacked > most:
        raise kind(
            f"{source} unpacks from {packed:,} to {unpacked:,} bytes, over the limit of {most:,}: "
            "it is damaged or a bomb; if you trust it, unpack it yourself and read that"
        )
