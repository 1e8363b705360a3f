"""``mlp show confusion``: which digits are taken for which."""

from __future__ import annotations

from view_command import DATA, lines

from mlp.data.load import Dataset
from mlp.models import model_file
from mlp.models.predict import predict


def test_confusion_counts_agree_with_the_predictions(model: str, data: Dataset) -> None:
    answers = predict(model_file.load(model), data.test.images)
    found = lines("confusion", model, "--dataset", DATA, "--count", "100")
    wrong = int((answers != data.test.labels).sum())
    assert found[0] == f"{wrong} of 60 synthetic images read wrong"
    assert sum(int(line.split()[0]) for line in found[1:]) == wrong
