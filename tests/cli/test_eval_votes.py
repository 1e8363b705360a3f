"""``mlp eval --votes``: how copies are deformed, what that is chosen by, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command import DATA, TINY, Command, refused

from mlp.data.dataset import hold_out
from mlp.data.load import load_dataset
from mlp.models.deformed_votes import vote_of_copies
from mlp.models.model_file import load

HELD_OUT = ("--validation", "30", "--seed", "4", "--augment", "affine(10,0.1,1)")


def test_images_that_were_held_out_choose_the_votes(mlp: Command) -> None:
    mlp("train", *TINY, *HELD_OUT)
    measured = json.loads(mlp("eval", "digits.safetensors", *DATA, "--votes", 2, "--json").out)
    votes, trials = measured["votes"], measured["votes"]["trials"]
    assert (votes["held_out"], votes["held_out_new"]) == (30, True)
    assert [trial["copies"] for trial in trials] == [1, 2] * 4
    best = min(trials, key=lambda trial: (trial["errors"], trial["cross_entropy"]))
    assert (votes["deformation"], votes["copies"]) == (best["deformation"], best["copies"])
    model, data = load("digits.safetensors"), load_dataset("synthetic:120+50")
    for split, wrong in (
        (hold_out(data, 30, 4)[1], best["errors"]),
        (data.test, measured["test_wrong"]),
    ):
        voted = vote_of_copies([model], split.images, best["deformation"], best["copies"])
        assert (voted.argmax(axis=1) != split.labels).sum() == wrong
    text = mlp("eval", "digits.safetensors", *DATA, "--votes", 2).out
    told = " ".join(text.split())
    assert f"deformed by {best['deformation']}: of 8 ways the best on the 30 images" in told
    assert "that the training held out, with" in told


def test_what_a_model_started_from_may_have_learnt_from_them(mlp: Command) -> None:
    mlp("train", *TINY)
    mlp(
        "train", *DATA, "--epochs", 1, "--start", "digits.safetensors", *HELD_OUT, "--out", "on.npz"
    )
    told = " ".join(mlp("eval", "on.npz", *DATA, "--votes", 1).out.split())
    assert "the vote of one copy of each image" in told
    assert "held out, from which what it started from may have learnt, with" in told


def test_a_deformation_that_is_named_needs_no_images_held_out(mlp: Command) -> None:
    mlp("train", *TINY)
    given = ("--votes", 3, "--deform", "thickness(0.2)")
    measured = json.loads(mlp("eval", "digits.safetensors", *DATA, *given, "--json").out)
    unchosen = {"held_out": None, "held_out_new": None, "trials": []}
    assert measured["votes"] == {"deformation": "thickness(0.2)", "copies": 3, **unchosen}
    test = load_dataset("synthetic:120+50").test
    voted = vote_of_copies([load("digits.safetensors")], test.images, "thickness(0.2)", 3)
    assert measured["test_correct"] == np.sum(voted.argmax(axis=1) == test.labels)
    text = mlp("eval", "digits.safetensors", *DATA, *given).out
    assert "the vote of 3 copies of each image, deformed by thickness(0.2)" in text
    plain = json.loads(mlp("eval", "digits.safetensors", *DATA, "--json").out)
    assert plain["votes"] is None


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ((), "training deformed no images to choose a deformation by: name it with --deform"),
        (("--augment", "thickness"), "training held out no images to choose a deformation by"),
    ],
)
def test_where_nothing_was_held_out_the_deformation_is_asked_for(
    mlp: Command, training: tuple[str, ...], said: str
) -> None:
    mlp("train", *TINY, *training)
    refused(mlp("eval", "digits.safetensors", *DATA, "--votes", 2), said, code=2)


def test_images_of_other_data_were_not_held_out(mlp: Command) -> None:
    mlp("train", *TINY, *HELD_OUT)
    other = ("--dataset", "synthetic:90+50", "--votes", 2)
    refused(mlp("eval", "digits.safetensors", *other), "was trained on other data", code=2)


def test_models_that_held_out_different_images_choose_nothing(mlp: Command) -> None:
    mlp("train", *TINY, *HELD_OUT)
    mlp("train", *TINY, *HELD_OUT, "--seed", 5, "--out", "other.safetensors")
    both = ("digits.safetensors", "other.safetensors")
    refused(mlp("eval", *both, *DATA, "--votes", 2), "held out different images", code=2)


def test_deform_is_of_votes_and_votes_of_images_with_classes(mlp: Command) -> None:
    mlp("train", *TINY)
    told = "name their number with --votes"
    refused(mlp("eval", "digits.safetensors", *DATA, "--deform", "affine"), told, code=2)
    bad = ("--votes", 2, "--deform", "affine(500)")
    refused(mlp("eval", "digits.safetensors", *DATA, *bad), "from 0 to 180", code=2)
    rows = "".join(f"{n % 7},{n % 3},{n % 2}\n" for n in range(60))
    Path("table.csv").write_text("a,b,label\n" + rows)
    mlp("train", "--dataset", "table.csv", "--epochs", 1, "--out", "t.safetensors", *DATA[2:])
    told = "--votes deforms images with classes"
    refused(mlp("eval", "t.safetensors", "--votes", 2, "--device", "cpu"), told, code=2)
