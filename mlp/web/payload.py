"""What the page shows of a picture, for JSON: the answers, and how the network came to them.

Images are encoded in base64: ink as bytes from 0 to 255, signed values as int8 from -127 to 127.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlp.handwriting import NoDigit, SeveralDigits
from mlp.handwriting.constants import SURE
from mlp.handwriting.recognise import Answer, join, recognise_digit, recognise_digits
from mlp.models.attribution import activations, contributions
from mlp.models.metadata import metadata_of
from mlp.nn.network import MLP
from mlp.view.heatmap import robust_maximum, scaled
from mlp.view.image import near_square

UNITS_SHOWN = 6
"""How many of the first layer's units are shown: those that add most to the answer."""

ONE_ROW = 12
"""A layer of up to so many units is shown as one row."""


def reading_payload(model: MLP, picture: NDArray[np.uint8]) -> dict[str, Any]:
    """Read a picture, of one digit or rows of them, and gather what the page shows.

    Args:
        model: a network on 28 x 28 pixels.
        picture: as `mlp.handwriting.extract_digit` takes it.

    Returns:
        ``text``, what was read, empty if there is nothing; ``height`` and ``width`` of the
        picture; and ``digits``, in reading order; see `_digit`.
    """
    try:
        answers = [recognise_digit(model, picture)]
    except SeveralDigits:
        answers = recognise_digits(model, picture)
    except NoDigit:
        answers = []
    with np.errstate(all="ignore"):  # weights of any size are to be shown
        digits = [_digit(model, answer) for answer in answers]
    height, width = picture.shape[:2]
    return {"text": join(answers), "height": height, "width": width, "digits": digits}


def model_payload(model: MLP) -> dict[str, Any]:
    """Describe a network: its widths, its parameters and, if it is known, its accuracy."""
    return {
        "layers": model.sizes,
        "activation": model.activation,
        "parameters": int(model.parameters.size),
        "test_accuracy": metadata_of(model).test_accuracy,
    }


def _digit(model: MLP, answer: Answer) -> dict[str, Any]:
    """Gather an answer, the network's image, the evidence in it, the layers and the units."""
    image = answer.digit.image
    output = int(answer.probabilities.argmax())
    parts = [np.nan_to_num(part) for part in contributions(model, image, output)]
    return {
        "text": answer.text,
        "confidence": answer.confidence,
        "sure": answer.confidence >= SURE,
        "names": answer.names,
        "probabilities": answer.probabilities.tolist(),
        "box": vars(answer.digit.box),
        "image": _base64(image),
        "evidence": _signed(parts[0]),
        "layers": [
            {
                "units": len(values),
                "columns": _columns(len(values)),
                "values": _signed(values),
            }
            for values in activations(model, image)
        ],
        "units": _strongest(model, parts[1] if len(parts) > 1 else None, output),
    }


def _columns(units: int) -> int:
    """Return how many units to show in a row: all if they are few, else a near square."""
    return units if units <= ONE_ROW else near_square(units)[1]


def _strongest(model: MLP, added: NDArray[Any] | None, output: int) -> list[dict[str, Any]]:
    """Return the first layer's units that add most to the answer, with their weights as images.

    Args:
        model: the network.
        added: what each unit of the first layer adds, shape (O,); None if that is the last layer,
            whose unit ``output`` is then the answer itself.
        output: the unit of the last layer that the answer is read from.
    """
    W = model.linear[0].W
    if added is None:
        units = [output]
    else:
        order = np.argsort(-added, kind="stable")[:UNITS_SHOWN]
        units = [int(unit) for unit in order if added[unit] > 0]
    return [
        {
            "unit": unit,
            "adds": None if added is None else float(added[unit]),
            "weights": _signed(model.backend.to_numpy(W[:, unit])),
        }
        for unit in units
    ]


def _signed(values: NDArray[Any]) -> str:
    """Encode values as int8, scaled so that the largest 1 % are at full scale."""
    fractions = np.nan_to_num(scaled(values, robust_maximum(values)))
    return _base64((fractions * 127).round().astype(np.int8))


def _base64(values: NDArray[np.uint8] | NDArray[np.int8]) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")
