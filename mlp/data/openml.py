"""Data sets of OpenML by their names, fetched and kept by scikit-learn; an extra."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mlp.common.errors import DataError
from mlp.common.printable import printable
from mlp.common.version import install_command
from mlp.data.formats.request import Request
from mlp.data.formats.row_columns import raw_of
from mlp.data.formats.table import Table, narrow
from mlp.data.mnist import cache_folder
from mlp.data.raw import WHOLE, RawSplits, as_words

NAME = re.compile(r"openml:(?:(?P<id>\d{1,9})|(?P<name>[\w.()-]{1,128})(?:@(?P<version>\d{1,5}))?)")
"""``openml:iris``, ``openml:iris@1`` of that version, or ``openml:61`` by its number."""

TAKES = ("classes", "test", "label", "drop", "missing")
"""The fields of `Reading` that are followed."""


def read_openml(name: str, request: Request) -> RawSplits:
    """Read a data set as a table; scikit-learn fetches it once, and keeps it beside MNIST.

    Args:
        name: as `NAME` has it; without a version the oldest that is active.
        request: the user's choices; the label is OpenML's target unless they name another.

    Raises:
        DataError: if the extra is missing, ``MLP_OFFLINE`` forbids the network, it cannot be
            fetched, or it holds no table with a label.
    """
    if os.environ.get("MLP_OFFLINE", "0") not in ("", "0"):
        raise DataError(f"MLP_OFFLINE forbids asking for {name}: name a file on this machine")
    table, target = _fetch(name)
    reading = request.reading
    if reading.label is None:
        if not target:
            raise DataError(f"{name} does not say which column is its label: name it with --label")
        reading = replace(reading, label=target)
    return {WHOLE: raw_of([table], replace(request, reading=reading))[0]}


def _fetch(name: str) -> tuple[Table, str]:
    """Return the table and the name of its target, "" where it has none or several."""
    try:
        import pandas as pd
        from sklearn.datasets import fetch_openml
    except ImportError as error:
        raise DataError(
            f"{name} is fetched by scikit-learn into a frame of pandas, and one is missing "
            f"({error}): {install_command('openml')}"
        ) from None
    match = NAME.fullmatch(name)
    assert match is not None
    number, called, version = match["id"], match["name"], match["version"]
    which = {"data_id": int(number)} if number else {"name": called, "version": version or "active"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other versions; the name may say which
            found = fetch_openml(
                **which, data_home=str(cache_folder().parent), as_frame=True, parser="pandas"
            )
    except Exception as error:  # its network, its cache, its parser
        told = printable(str(error).strip().splitlines()[0] if str(error).strip() else repr(error))
        raise DataError(
            f"cannot fetch {name} ({told}): check the name on openml.org, and the network"
        ) from None
    frame, values, words = found.frame, np.full(found.frame.shape, np.nan), {}
    for column, label in enumerate(frame.columns):
        series = frame[label]
        if not isinstance(series.dtype, pd.CategoricalDtype) and series.dtype.kind in "biuf":
            values[:, column] = series
            continue
        texts = as_words(map(str, series.astype(object).where(series.notna(), "")))
        present = texts != ""
        try:
            values[present, column] = texts[present].astype(np.float64)
        except ValueError:
            words[column] = texts
    names = tuple(map(str, frame.columns))
    targets: list[Any] = found.target_names or []
    table = Table(Path(name), names, narrow(values), words)
    return table, str(targets[0]) if len(targets) == 1 else ""
