"""What ``mlp predict`` does with each picture: digits by all cores, answers in their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from backends.host import usable_cores
from mlp.cli.predict_report import Result
from mlp.common.errors import DataError
from mlp.handwriting.extraction import Extraction, Source, Way, extract_all
from mlp.handwriting.picture_files import STDIN, Picture
from mlp.handwriting.recognise import is_correct, recognise_each
from mlp.models.metadata import task_of
from mlp.nn.network import MLP

TOGETHER_SECONDS = 0.1
"""The network is asked of what pictures came within this time, so that no answer waits for long."""

MOST_TOGETHER = 64
"""Pictures that the network is asked of in one call."""


def read_pictures(
    model: MLP, pictures: Sequence[Picture], way: Way, stdin: Callable[[], bytes]
) -> Iterator[Result]:
    """Read pictures; one that cannot be read has a result that says why.

    Args:
        model: a model of images of 28 x 28 pixels.
        pictures: their names and labels.
        way: how they are read.
        stdin: reads the picture that is called `STDIN`.
    """
    task, left = task_of(model), iter(pictures)
    for group in _together(_extractions(pictures, way, stdin)):
        found = recognise_each(model, [extraction.digits for extraction in group])
        for extraction, answers in zip(group, found, strict=True):
            picture, problem = next(left), extraction.problem
            correct = None
            if picture.label is not None:
                correct = not problem and is_correct(answers, picture.label, task)
            yield Result(picture, answers, problem, correct)


def _together(extractions: Iterable[Extraction]) -> Iterator[list[Extraction]]:
    """Group what comes within a short time."""
    group: list[Extraction] = []
    start = time.perf_counter()
    for extraction in extractions:
        group.append(extraction)
        if len(group) == MOST_TOGETHER or time.perf_counter() - start > TOGETHER_SECONDS:
            yield group
            group, start = [], time.perf_counter()
    if group:
        yield group


def _extractions(
    pictures: Sequence[Picture], way: Way, stdin: Callable[[], bytes]
) -> Iterator[Extraction]:
    names = [picture.name for picture in pictures]
    if STDIN in names:
        try:
            content = stdin()
        except DataError as error:
            content, problem = None, str(error)
        if content is None:  # the others are read all the same
            others = extract_all([Source(name) for name in names if name != STDIN], way, 1)
            for name in names:
                yield Extraction([], problem) if name == STDIN else next(others)
            return
        sources = [Source(name, content if name == STDIN else None) for name in names]
    else:
        sources = [Source(name) for name in names]
    yield from extract_all(sources, way, usable_cores())
