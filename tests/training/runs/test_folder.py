"""A run's folder is begun once, taken up again, and goes on from its latest readable checkpoint."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from toys import DATA, FAST, toy_model

from mlp.common.errors import ModelError, UsageError
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.runs.checkpointer import Checkpointer
from mlp.training.runs.folder import RunFolder, find_folder, new_folder
from mlp.training.runs.settings import Settings


@pytest.fixture
def trained(tmp_path: Path) -> RunFolder:
    """A folder with a finished run of four epochs, and its last two checkpoints."""
    folder = RunFolder(tmp_path / "run")
    with folder.begun(Settings(), False, pytest.fail):
        recipe = Recipe(batch_size=8, **FAST)
        train(toy_model(), DATA, recipe, callbacks=[Checkpointer(folder, 1e-9)])
    return folder


def test_a_new_folder_holds_the_settings(tmp_path: Path) -> None:
    folder, settings = RunFolder(tmp_path / "a" / "b"), Settings(training=Recipe(lr=0.5))
    with folder.begun(settings, False, pytest.fail):
        pass
    with folder.taken_up(pytest.fail) as read:
        assert read == settings


def test_a_folder_is_begun_once(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.begun(Settings(), False, pytest.fail):
        for force in (False, True):
            with (
                pytest.raises(UsageError, match=r"is training into|is there already"),
                folder.begun(Settings(), force, pytest.fail),
            ):
                pass
        with pytest.raises(UsageError, match="is training into"), folder.taken_up(pytest.fail):
            pass
    with pytest.raises(UsageError, match="--resume"):
        folder.check_free(False)


def test_force_replaces_a_run_but_nothing_else(trained: RunFolder) -> None:
    assert trained.checkpoints()
    with trained.begun(Settings(), True, pytest.fail):
        assert {path.name for path in trained.path.iterdir()} == {".lock", "recipe.toml"}
    (trained.path / "thesis.tex").write_text("precious")
    with pytest.raises(UsageError, match=r"thesis\.tex"):
        trained.check_free(True)
    with pytest.raises(UsageError, match="is a file"):
        RunFolder(trained.path / "thesis.tex").check_free(True)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = RunFolder(tmp_path / "file" / "run")
    with (
        pytest.raises(ModelError, match="no run can be written"),
        folder.begun(Settings(), False, pytest.fail),
    ):
        pass


def test_what_a_kill_left_unfinished_is_deleted(trained: RunFolder) -> None:
    leftover = trained.path / ".checkpoint-00001-0000000.safetensors.0a1b2c3d.tmp"
    leftover.write_bytes(b"half")
    with trained.taken_up(pytest.fail):
        assert not leftover.exists()


def test_the_last_two_checkpoints_are_kept_and_the_latest_is_taken(trained: RunFolder) -> None:
    before, last = trained.checkpoints()
    assert trained.latest_state(pytest.fail)[0] == last
    path, state = trained.latest_state(pytest.fail)
    assert path == last == trained.checkpoint(4, 0)
    assert state is not None
    assert state.epoch == 4
    assert before < last


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_of_a_checkpoint_that_is_cut_short_the_one_before_is_taken(
    trained: RunFolder, cut: int
) -> None:
    before, last = trained.checkpoints()
    last.write_bytes(last.read_bytes()[:cut])
    warnings: list[str] = []
    assert trained.latest_state(warnings.append)[0] == before
    assert len(warnings) == 1
    assert str(last) in warnings[0]
    assert "the one before is taken" in warnings[0]
    before.write_bytes(b"")
    with pytest.raises(ModelError, match="no other"):
        trained.latest_state(warnings.append)


def test_checkpoints_are_ordered_as_numbers(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    places = [(0, 5), (2, 0), (99_999, 10_000_000), (100_000, 0)]
    for place in reversed(places):
        folder.checkpoint(*place).write_bytes(b"")
    (tmp_path / "checkpoint-mine.safetensors").write_bytes(b"")
    assert folder.checkpoints() == [folder.checkpoint(*place) for place in places]


def test_a_run_without_a_checkpoint_starts_from_its_beginning(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.begun(Settings(), False, pytest.fail):
        assert folder.latest_state(pytest.fail) == (None, None)


def test_a_name_is_chosen_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = []
    for _ in range(2):
        folder = new_folder("my data/é:1")
        with folder.begun(Settings(), False, pytest.fail):
            names.append(folder.path.name)
    today = date.today().isoformat()
    assert names == [f"{today}-my-data-é-1", f"{today}-my-data-é-1-2"]
    assert find_folder(Path(names[0])).path == Path("runs") / names[0]
    assert find_folder(Path("runs") / names[1]).path == Path("runs") / names[1]
    with pytest.raises(UsageError, match="no run in x"):
        find_folder(Path("x"))
    assert new_folder("..").path.name == f"{today}-run"
