"""Any picture of a handwritten digit, drawn or photographed, into the form of MNIST's."""

from mlp.handwriting.errors import NothingToRead, SeveralDigits
from mlp.handwriting.loading import load_picture
from mlp.handwriting.reading import Reading, find_digits, read_line, read_picture
from mlp.handwriting.regions import Box

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
