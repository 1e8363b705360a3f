"""What a training needs is opened, and the user told of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends import get_backend
from mlp.cli.expand import Overrides
from mlp.cli.train_open import open_data, open_network, share_data
from mlp.common.errors import DataError, UsageError
from mlp.data.inputs import Columns
from mlp.models.metadata import Metadata
from mlp.models.model_file import save
from mlp.nn.network import MLP
from mlp.training.architecture import Architecture
from mlp.training.ranks.ranks import ALONE, Ranks, Value
from mlp.training.runs.settings import DataSettings, Settings
from mlp.training.search.trial import open_data as open_trial_data

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
    assert ranks.of == (SETTINGS.data, SETTINGS.reading, None)
    _, of_one = share_data(SETTINGS, ALONE)
    assert "checksum" not in vars(of_one.train)


@pytest.mark.parametrize("order", ["abc", "cba"])
def test_columns_come_in_the_order_of_the_model_to_start_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], order: str
) -> None:
    rows = [{"a": k, "b": k * k % 7, "c": -3 * k, "label": "xy"[k % 2]} for k in range(60)]
    lines = [
        ",".join([*order, "label"]),
        *(",".join(str(r[n]) for n in [*order, "label"]) for r in rows),
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    model = MLP([3, 4, 2])
    model.metadata = Metadata(inputs=Columns(("a", "b", "c"), (0.0,) * 3, (1.0,) * 3))
    save(model, tmp_path / "m.safetensors")
    data = DataSettings(dataset=str(tmp_path / "t.csv"))
    started = Settings(data=data, start=str(tmp_path / "m.safetensors"))
    _, images = open_data(started)
    assert isinstance(images.inputs, Columns)
    assert images.inputs.names == ("a", "b", "c")
    np.testing.assert_allclose(images.train.images[:, 0], -images.train.images[:, 2], rtol=1e-5)
    trial = open_trial_data(started, 0.2)
    assert trial.inputs == images.inputs
    (tmp_path / "t.csv").write_text("\n".join([lines[0].replace("b", "d"), *lines[1:]]))
    with pytest.raises(DataError, match="t has no column 'b', which the model reads: it has"):
        open_data(started)
    (tmp_path / "m.safetensors").unlink()  # of a run that is resumed; its state tells the data
    assert len(open_data(started)[1].train) == len(images.train)
