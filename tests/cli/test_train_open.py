"""What a training needs is opened, and the user told of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backends import get_backend
from mlp.cli.expand import Overrides
from mlp.cli.train_open import open_data, open_network, share_data
from mlp.common.errors import UsageError
from mlp.models.model_file import save
from mlp.training.architecture import Architecture
from mlp.training.ranks.ranks import ALONE, Ranks, Value
from mlp.training.runs.settings import DataSettings, Settings

SETTINGS = Settings(network=Architecture(hidden=(6,)), data=DataSettings(dataset="synthetic:60+20"))
CPU = get_backend("cpu")


def given(**values: object) -> Overrides[Architecture]:
    return Overrides(values)


@pytest.mark.parametrize("suiting", [True, False])
def test_data_is_opened_and_told(capsys: pytest.CaptureFixture[str], suiting: bool) -> None:
    settings, images = open_data(SETTINGS, suiting)
    assert len(images.train) == 60
    told = capsys.readouterr().err
    assert "60 training and 20 test images" in told
    assert ("200 epochs" in told) == suiting
    assert (settings.training.epochs == 200) == suiting


def test_what_would_spoil_a_training_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{k % 7},3,{'ab'[k % 2]}" for k in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["x,constant,label", *rows]))
    data = DataSettings(dataset=str(tmp_path / "t.csv"))
    open_data(Settings(data=data))
    assert "warning: " in capsys.readouterr().err


def test_a_network_is_built_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, images = open_data(SETTINGS)
    _, model = open_network(SETTINGS, given(), images, CPU)
    assert "network: MLP(784-6-10" in capsys.readouterr().err
    save(model, tmp_path / "m.safetensors")
    started = Settings(data=SETTINGS.data, start=str(tmp_path / "m.safetensors"))
    settings, _ = open_network(started, given(init="zeros"), images, CPU)
    assert settings.network.hidden == (6,)
    with pytest.raises(UsageError, match="leave --hidden away"):
        open_network(started, given(hidden="5"), images, CPU)


class Machine(Ranks):
    """Two ranks, of which this is the first; notes what is shared."""

    launched, size = True, 2

    def share(self, make: Callable[[], Value], of: Any = None) -> Value:
        self.of = of
        return make()


def test_ranks_share_the_data_with_its_checksums_and_suit_it_themselves() -> None:
    ranks = Machine()
    settings, images = share_data(SETTINGS, ranks)
    assert {"checksum"} <= vars(images.train).keys() & vars(images.test).keys()
    assert settings.training.epochs == 200
    assert ranks.of == (SETTINGS.data, SETTINGS.reading)
    _, of_one = share_data(SETTINGS, ALONE)
    assert "checksum" not in vars(of_one.train)
