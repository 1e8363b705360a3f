"""Many pictures are asked together, and answered in their order."""

from __future__ import annotations

from typing import Any

import pytest
from hard_pictures import write_digits

from backends import get_backend
from mlp.cli import predict_pictures
from mlp.cli.predict_pictures import read_pictures
from mlp.cli.predict_report import entry_of
from mlp.handwriting.extraction import Way
from mlp.handwriting.picture_files import Picture
from mlp.handwriting.recognise import recognise_each
from mlp.models.pretrained import pretrained_model
from mlp.nn.network import MLP


@pytest.fixture(scope="module")
def model() -> MLP:
    return pretrained_model(get_backend("cpu"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    folder = tmp_path_factory.mktemp("pictures")
    write_digits(folder, range(10), 20, 28)
    (folder / "5.png").write_bytes(b"no picture")
    return [Picture(str(path), path.stem) for path in sorted(folder.iterdir())]


@pytest.mark.parametrize(
    ("seconds", "most", "groups"), [(1e6, 64, [10]), (1e6, 4, [4, 4, 2]), (-1, 64, [1] * 10)]
)
def test_the_network_is_asked_once_of_what_came_in_a_short_time(
    model: MLP,
    pictures: list[Picture],
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    most: int,
    groups: list[int],
) -> None:
    asked = []

    def watched(model: MLP, digits: Any) -> Any:
        asked.append(len(digits))
        return recognise_each(model, digits)

    monkeypatch.setattr(predict_pictures, "recognise_each", watched)
    monkeypatch.setattr(predict_pictures, "TOGETHER_SECONDS", seconds)
    monkeypatch.setattr(predict_pictures, "MOST_TOGETHER", most)
    read = list(read_pictures(model, pictures, Way(), bytes))
    assert asked == groups
    assert [result.picture for result in read] == pictures
    assert [bool(result.problem) for result in read] == [n == 5 for n in range(10)]
    assert read[5].correct is False
    entries = [entry_of(result, 0.7) for result in read]
    for picture, entry in zip(pictures, entries, strict=True):
        (alone,) = read_pictures(model, [picture], Way(), bytes)
        assert entry_of(alone, 0.7) == entry
