"""Protocol buffers: the examples of the specification."""

from __future__ import annotations

import struct

from mlp.models.formats.protobuf import message


def test_the_examples_of_the_specification() -> None:
    assert message((1, 150)) == bytes.fromhex("089601")
    assert message((2, "testing")) == bytes.fromhex("120774657374696e67")
    assert message((3, message((1, 150)))) == bytes.fromhex("1a03089601")
    assert message((1, 0)) == bytes.fromhex("0800")
    assert message((2, 1.5)) == b"\x15" + struct.pack("<f", 1.5)
    assert message((4, "hello"), (6, 1), (6, 2)) == bytes.fromhex("220568656c6c6f30013002")
    assert message((20, 2**63 - 1)) == bytes.fromhex("a001ffffffffffffffff7f")
