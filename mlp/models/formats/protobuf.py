"""Protocol buffers' wire format, as far as an ONNX file needs it: writing only.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct

VARINT, LENGTH, FIXED32 = 0, 2, 5
"""The wire types: whole numbers; texts, bytes and messages; floats."""


def message(*fields: tuple[int, int | float | str | bytes]) -> bytes:
    """Encode a message.

    Args:
        fields: each one's number, and its value: an int of at least 0, a float (float32 in the
            file), a text, or bytes, such as those of a message inside. A repeated field stands
            here as often as it has values.
    """
    return b"".join(_field(number, value) for number, value in fields)


def _field(number: int, value: int | float | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | VARINT) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | FIXED32) + struct.pack("<f", value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | LENGTH) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Encode a whole number in groups of seven bits, the lowest first."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
