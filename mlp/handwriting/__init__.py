"""From a picture of handwritten digits, drawn or photographed, to images in MNIST's format.

`pipeline` finds the digits in a picture; `recognise` asks a network which digits they are. The
other modules are the pipeline's stages, and `constants` holds every number they were tuned with.
"""

from mlp.handwriting.components import Box
from mlp.handwriting.crops import crop_digits
from mlp.handwriting.digit import Digit
from mlp.handwriting.drawings import prepare_drawing
from mlp.handwriting.errors import NoDigit, SeveralDigits
from mlp.handwriting.load import load_picture
from mlp.handwriting.pipeline import extract_digit, extract_digits

__all__ = [
    "Box",
    "Digit",
    "NoDigit",
    "SeveralDigits",
    "crop_digits",
    "extract_digit",
    "extract_digits",
    "load_picture",
    "prepare_drawing",
]
