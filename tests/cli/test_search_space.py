"""What --try is read as."""

from __future__ import annotations

import pytest

from mlp.cli.search_space import parse_tries
from mlp.common.errors import UsageError
from mlp.training.search.space import Choice, Range


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lr=0.01..1:log", Range("lr", 0.01, 1.0, log=True)),
        ("--lr=1e-3..1", Range("lr", 0.001, 1.0)),
        ("lr=0.01..1:log:3", Choice("lr", (0.01, 0.1, 1.0))),
        ("lr=.1/.2", Choice("lr", (0.1, 0.2))),
        ("batch-size=16..64:log", Range("batch_size", 16, 64, log=True, whole=True)),
        ("batch_size=16/full", Choice("batch_size", (16, "full"))),
        ("hidden=64/256,128/none", Choice("hidden", ((64,), (256, 128), ()))),
        ("optimizer=sgd/adam", Choice("optimizer", ("sgd", "adam"))),
        ("schedule=cosine/step(5, 0.5)", Choice("schedule", ("cosine", "step(5, 0.5)"))),
        ("augment=none/affine,elastic", Choice("augment", (None, "affine,elastic"))),
        ("nesterov=true/false", Choice("nesterov", (True, False))),
        ("max-norm=none/2", Choice("max_norm", (None, 2.0))),
        ("clip_norm=1..5", Range("clip_norm", 1.0, 5.0)),
    ],
)
def test_tries_are_read(text: str, found: object) -> None:
    assert parse_tries([text]) == [found]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ([], "nothing to try"),
        (["lr"], "name and its values"),
        (["speed=1/2"], "name and its values"),
        (["droput=0.1/0.2"], "did you mean dropout"),
        (["epochs=1/2"], "alike in all runs"),
        (["seed=1/2"], "alike in all runs"),
        (["lr=0.1"], "no two values"),
        (["hidden=64,128"], "no two values"),
        (["lr=0.1/x"], "numbers, not 'x'"),
        (["lr=1..0.1"], "must rise"),
        (["lr=0.1..1:" + "9" * 5_000], "no such range"),
        (["lr=0..1:log"], "no logarithm"),
        (["lr=0.1..1:lin"], "no such range"),
        (["hidden=16..64"], "no such range"),
        (["optimizer=sgd..adam"], "no such range"),
        (["hidden=64/x"], "--hidden takes widths"),
        (["nesterov=yes/no"], "true/false"),
        (["lr=0.1/0.2", "lr=1/2"], "there twice"),
        (["lr=0.1..1:0"], "no two values"),
    ],
)
def test_what_cannot_be_tried_is_refused(texts: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_tries(texts)
