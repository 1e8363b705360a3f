"""Files of other programs' tables and arrays, small ones to be changed."""

from __future__ import annotations

import io

import numpy as np

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8), np.uint8)
LABELS = np.arange(12) % 3


def mats() -> list[bytes]:
    """Arrays of MATLAB's, packed and not."""
    import scipy.io

    found = []
    for packed in (False, True):
        file = io.BytesIO()
        arrays = {"X": IMAGES, "y": LABELS, "few": np.ones((1, 2), np.uint8), "text": "words"}
        scipy.io.savemat(file, arrays, do_compression=packed)
        found.append(file.getvalue())
    return found


def arffs() -> list[bytes]:
    """Tables of Weka's, with remarks and with names in quotes."""
    head = "@relation t\n@attribute x real\n@attribute 'a b' {3,4}\n@attribute class {u,v}\n@data\n"
    other = (
        "% of flowers\n@RELATION 'it''s'\n@ATTRIBUTE \"p q\" NUMERIC\n"
        "@ATTRIBUTE kind {'a b', \"c\", d\\'e}\n@ATTRIBUTE class {yes, no}\n\n@DATA\n"
    )
    rows = "1.5, 'a b', yes\n% a remark\n?, \"c\", no\n2e3,'d\\'e',?\n"
    return [(head + "1.5,3,u\n?,4,v\n" * 6).encode(), (other + rows * 4).encode()]
