"""A search's folder: its plan and its journal, whole or damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlp.common.errors import ModelError, UsageError
from mlp.common.quiet import quiet
from mlp.training.architecture import Architecture
from mlp.training.runs.settings import Settings
from mlp.training.search.folder import SearchFolder, SearchPlan
from mlp.training.search.halving import TrialResult

PLAN = SearchPlan(
    [{"lr": 0.1, "hidden": (8, 4)}, {"lr": 0.2, "hidden": ()}], [1, 3], 3, "accuracy", 0.1
)
EACH = [Settings(network=Architecture(hidden=(8, 4))), Settings(network=Architecture(hidden=()))]
RESULTS = [TrialResult(0, 1, 0.5, 1.0, 2.0), TrialResult(1, 1, None, None, 0.0, "it diverged")]
REFUSED = TrialResult(0, 1, None, None, 0.0, refused="no such run")


@pytest.fixture
def folder(tmp_path: Path) -> SearchFolder:
    made = SearchFolder(tmp_path / "search")
    with made.begun(PLAN, EACH, quiet):
        pass
    return made


def test_the_plan_and_the_settings_are_read_as_they_were(folder: SearchFolder) -> None:
    assert folder.plan() == PLAN
    assert [folder.settings(trial) for trial in range(2)] == EACH
    with folder.taken_up(quiet) as plan:
        assert plan == PLAN
        with pytest.raises(UsageError, match="is training into"), folder.taken_up(quiet):
            pass


def test_results_are_kept_in_order(folder: SearchFolder) -> None:
    assert folder.results() == []
    for result in [*RESULTS, REFUSED]:
        folder.add(result)
    assert folder.results() == [*RESULTS, REFUSED]


def test_a_line_that_was_cut_short_spoils_no_other(folder: SearchFolder) -> None:
    for result in RESULTS:
        folder.add(result)
    journal = folder.path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-9])
    assert folder.results() == RESULTS[:1]
    folder.keep(folder.results())
    folder.add(RESULTS[1])
    assert folder.results() == RESULTS


DAMAGED = {
    "trials": [[], "ab", [1], [{"lr": 0.1}, {"hidden": [4]}]],
    "rungs": [[], 3, ["1"], [1.5], [0, 1], [3, 1]],
    "factor": [0, "3", None],
    "monitor": ["speed", None],
    "validation": ["0.1", None],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in DAMAGED.items() for value in values]
)
def test_a_plan_with_a_wrong_value_is_refused(
    folder: SearchFolder, name: str, value: object
) -> None:
    plan = json.loads((folder.path / "search.json").read_text())
    (folder.path / "search.json").write_text(json.dumps(plan | {name: value}))
    with pytest.raises(UsageError, match="damaged"):
        folder.plan()


def test_a_line_with_a_wrong_value_is_left_out(folder: SearchFolder) -> None:
    folder.add(RESULTS[0])
    line = json.loads((folder.path / "journal.jsonl").read_text())
    wrong: list[dict[str, object]] = [{"trial": "0"}, {"epochs": 1.5}, {"accuracy": "a"}]
    wrong += [{"seconds": None}, {"diverged": 1}, {"refused": 1}]
    lines = [json.dumps(line | change) for change in wrong]
    (folder.path / "journal.jsonl").write_text("\n".join([*lines, "7", "[]", json.dumps(line)]))
    assert folder.results() == RESULTS[:1]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 9}', "[" * 10**5])
def test_a_damaged_plan_is_refused(folder: SearchFolder, text: str) -> None:
    (folder.path / "search.json").write_text(text)
    with pytest.raises(UsageError, match=r"damaged|another version"):
        folder.plan()


def test_a_place_that_is_taken_is_refused(folder: SearchFolder, tmp_path: Path) -> None:
    before = (folder.path / "search.json").read_bytes()
    with pytest.raises(UsageError, match="--resume"), folder.begun(PLAN, EACH, quiet):
        pass
    assert (folder.path / "search.json").read_bytes() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError), SearchFolder(tmp_path / "file").begun(PLAN, EACH, quiet):
        pass
    with pytest.raises(ModelError), SearchFolder(tmp_path / "file/a").begun(PLAN, EACH, quiet):
        pass
    with pytest.raises(UsageError, match="no search in"):
        SearchFolder(tmp_path / "none").plan()


def test_a_search_that_was_killed_as_it_began_is_begun_anew(folder: SearchFolder) -> None:
    (folder.path / "search.json").unlink()
    with folder.begun(PLAN, EACH[::-1], quiet):
        assert folder.settings(0) == EACH[1]
    (folder.path / "search.json").unlink()
    (folder.path / "thesis").write_text("precious")
    with pytest.raises(UsageError, match="is there already"), folder.begun(PLAN, EACH, quiet):
        pass


def test_its_files_are_for_others_to_read(folder: SearchFolder) -> None:
    plan = json.loads((folder.path / "search.json").read_text())
    assert plan["trials"][0] == {"lr": 0.1, "hidden": [8, 4]}
    assert folder.settings_of(1).name == "trial-001.toml"
    (folder.run_of(1).path).mkdir()
    folder.drop_state(1)
    folder.drop_state(1)
    assert not folder.run_of(1).path.exists()


def test_a_result_that_is_no_number_is_left_out(folder: SearchFolder) -> None:
    line = '{"trial": 0, "epochs": 1, "accuracy": %s, "loss": 1.0, "seconds": %s}\n'
    huge = "9" * 400
    lines = [line % (huge, "1.0"), line % ("0.5", huge), line % ("true", "1.0"), "[" * 5_000 + "\n"]
    (folder.path / "journal.jsonl").write_text("".join(lines) + line % ("0.5", "1"))
    assert folder.results() == [TrialResult(0, 1, 0.5, 1.0, 1)]
