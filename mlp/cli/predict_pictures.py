"""What ``mlp predict`` does with each picture: digits by all cores, answers in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from backends.host import usable_cores
from mlp.cli.predict_report import Result
from mlp.common.errors import DataError
from mlp.handwriting.extraction import Extraction, Source, Way, extract_all
from mlp.handwriting.picture_files import STDIN, Picture
from mlp.handwriting.recognise import is_correct, recognise
from mlp.models.metadata import task_of
from mlp.nn.network import MLP


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
    for picture, extraction in zip(pictures, _extractions(pictures, way, stdin), strict=True):
        # One call a picture: in a batch the last bits would depend on what else is in it.
        answers = recognise(model, extraction.digits) if extraction.digits else []
        correct = None
        if picture.label is not None:
            correct = not extraction.problem and is_correct(answers, picture.label, task_of(model))
        yield Result(picture, answers, extraction.problem, correct)


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
