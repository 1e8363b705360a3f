"""Any picture of a handwritten digit, drawn or photographed, into the form of MNIST's."""

from mlp.handwriting.components import Box
from mlp.handwriting.errors import NothingToRead, SeveralDigits
from mlp.handwriting.load import load_picture
from mlp.handwriting.pipeline import Reading, find_digits, read_line, read_picture

__all__ = [
    "Box",
    "NothingToRead",
    "Reading",
    "SeveralDigits",
    "find_digits",
    "load_picture",
    "read_line",
    "read_picture",
]
