"""What a model says of digits: its answers in words, how sure it is, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hard_pictures import Scene, page_of, page_of_rows, photograph
from shown import Shown

from backends import get_backend
from mlp.common.errors import ModelError
from mlp.data.task import Task
from mlp.handwriting import NoDigit, SeveralDigits, extract_digit, extract_digits
from mlp.handwriting.recognise import (
    Answer,
    check_input_size,
    is_correct,
    join,
    recognise,
    recognise_digit,
    recognise_digits,
    recognise_each,
    rows_of,
)
from mlp.models import predict
from mlp.models.pretrained import pretrained_model
from mlp.nn.network import MLP

PLAIN = Scene(grain=2)
SEVEN = photograph(page_of(7), PLAIN)
ROW = photograph(page_of(4, 0, 7, 5, height=64, gap=19), PLAIN)


@pytest.fixture(scope="module")
def model() -> MLP:
    return pretrained_model(get_backend("cpu"))


def answers(*texts: str) -> list[Answer]:
    digit = extract_digit(SEVEN)
    return [Answer(digit, np.full(10, 0.1), list("0123456789"), text, 0.9) for text in texts]


def test_a_digit_is_recognised(model: MLP) -> None:
    answer = recognise_digit(model, SEVEN)
    assert answer.text == "7"
    assert answer.names == list("0123456789")
    assert answer.probabilities.shape == (10,)
    assert answer.probabilities.sum() == pytest.approx(1)
    assert answer.probabilities[7] == answer.probabilities.max()
    assert 0.9 < answer.confidence <= 1
    np.testing.assert_array_equal(answer.digit.image, extract_digit(SEVEN).image)


def test_a_row_is_recognised_left_to_right(model: MLP) -> None:
    assert join(recognise_digits(model, ROW)) == "4075"


def test_one_digit_is_expected(model: MLP) -> None:
    with pytest.raises(SeveralDigits):
        recognise_digit(model, ROW)
    with pytest.raises(NoDigit):
        recognise_digits(model, np.full((50, 50), 250, np.uint8))


def test_weights_of_any_size_are_asked() -> None:
    model = MLP([784, 10])
    model.parameters[:] = 1e38
    answer = recognise(model, [extract_digit(SEVEN)])[0]
    assert np.isfinite(answer.probabilities).all()
    assert 0 <= answer.confidence <= 1


def test_a_model_of_images_of_another_size_is_refused() -> None:
    with pytest.raises(ModelError, match="28 x 28"):
        check_input_size(MLP([64, 10]))
    with pytest.raises(ModelError, match="64 pixels"):
        recognise_digit(MLP([64, 10]), SEVEN)


@pytest.mark.parametrize(
    ("texts", "text"), [(["1", "9"], "19"), (["yes", "no"], "yes no"), (["3 and 8"], "3 and 8")]
)
def test_answers_are_joined_to_one_text(texts: list[str], text: str) -> None:
    assert join(answers(*texts)) == text


@pytest.mark.parametrize(
    ("texts", "label", "task", "correct"),
    [
        (["7"], "7", Task(), True),
        (["7"], "1", Task(), False),
        (["0", "7"], "07", Task(), True),
        (["yes"], "2", Task("binary", ("0 or 2",), (0, 2)), True),
        (["yes"], "3", Task("binary", ("0 or 2",), (0, 2)), False),
        (["no"], "no", Task("binary", ("0 or 2",), (0, 2)), True),
    ],
)
def test_answers_are_compared_with_the_label(
    texts: list[str], label: str, task: Task, correct: bool
) -> None:
    assert is_correct(answers(*texts), label, task) is correct


def test_rows_are_told_apart(model: MLP) -> None:
    page = page_of_rows((4, 0, 7, 5), (3, 1), spacing=120)
    found = recognise_digits(model, photograph(page, PLAIN))
    assert [len(row) for row in rows_of(found)] == [4, 2]
    assert (join(found), join(found, ""), join(found, "\n")) == ("4075 31", "407531", "4075\n31")
    for label, right in {"407531": 1, "4075 31": 1, "4075\n31": 1, "4 07531": 0, "31": 0}.items():
        assert is_correct(found, label, Task()) == right


def test_a_reading_is_shown_with_its_stages(model: MLP) -> None:
    answer = recognise_digit(model, SEVEN)
    shown = Shown(answer._repr_html_())
    assert len(shown.pictures) == len(answer.digit.stages)
    assert all(name in shown.text for name in answer.digit.stages)
    assert f"7, {answer.confidence:.2%} sure" in shown.text
    assert len(answer._repr_html_()) < 200_000
    image = np.asarray(shown.pictures[-1])  # the stage called image, ink on paper
    assert image.shape == (28, 28)
    assert image[answer.digit.image == 255].max() < 128 < image[answer.digit.image == 0].min()


def test_a_reading_without_stages_shows_its_image_and_escapes_its_classes(model: MLP) -> None:
    digit = replace(recognise_digit(model, SEVEN).digit, stages={})
    shown = Shown(Answer(digit, np.array([0.9, 0.1]), ["<i>", "b"], "<i>", 0.9)._repr_html_())
    assert len(shown.pictures) == 1
    assert shown.text.startswith("<i>, 90.00% sure")


def test_an_answer_is_the_same_to_the_bit_whatever_else_is_asked(model: MLP) -> None:
    row = extract_digits(ROW)
    pictures = [row, [], [extract_digit(SEVEN)], row[:2], [row[3]], [extract_digit(~SEVEN)]] * 20
    together = recognise_each(model, pictures)
    for digits, found in zip(pictures, together, strict=True):
        alone = recognise(model, digits)
        assert [a.text for a in found] == [a.text for a in alone]
        assert [a.confidence for a in found] == [a.confidence for a in alone]
        for one, other in zip(found, alone, strict=True):
            np.testing.assert_array_equal(one.probabilities, other.probabilities)


def test_a_model_is_asked_once_of_many_pictures(
    model: MLP, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, outputs = [], predict.outputs

    def watched(*arguments: Any) -> Any:
        asked.append(len(arguments[1]))
        return outputs(*arguments)

    monkeypatch.setattr(predict, "outputs", watched)
    digit = extract_digit(SEVEN)
    assert len(recognise_each(model, [[digit]] * 30)) == 30
    assert asked == [30 * (1 + len(digit.views))]
    assert recognise_each(model, [[], []]) == [[], []]
    assert recognise(model, []) == []
    assert len(asked) == 1
