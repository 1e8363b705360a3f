"""``mpiexec -n N mlp train``: the first rank tells and writes, and all end together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import NoReturn

import pytest
import typer
from command import TINY, Command, start
from mpi_runs import SECONDS, mpiexec, needs_mpi
from thread_ranks import AbortedError
from toys import DATA, toy_model

from mlp.cli import console
from mlp.cli.ranks import check_ranked, start_ranks, together
from mlp.cli.train import _conclude
from mlp.cli.train_report import Outcome
from mlp.common.errors import DataError, DivergedError, UsageError
from mlp.models.model_file import load
from mlp.training.history import History
from mlp.training.ranks.ranks import ALONE, Ranks
from mlp.training.recipe import Recipe
from mlp.training.runs.folder import RunFolder


@pytest.fixture
def quiet_as_before() -> Iterator[None]:
    yield
    assert not console.stderr.quiet


pytestmark = pytest.mark.usefixtures("quiet_as_before")


@needs_mpi
def test_two_ranks_train_and_one_goes_on(tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    started = start("train", "--ranks", "2", *TINY, "--run", run, stdout=PIPE, stderr=PIPE)
    out, err = (stream.decode() for stream in started.communicate(timeout=SECONDS))
    assert started.returncode == 0, err
    assert out.count("test accuracy") == 1
    assert err.count("epoch 2/2") == 1
    again = ("train", "--ranks", "1", "--resume", run, "--epochs", "3")
    started = start(*again, stdout=PIPE, stderr=PIPE)
    out, err = (stream.decode() for stream in started.communicate(timeout=SECONDS))
    assert started.returncode == 0, err
    assert "resuming" in err
    assert "goes on elsewhere" not in err
    assert err.count("epoch 3/3") == 1


@needs_mpi
def test_ranks_that_were_told_otherwise_are_refused(tmp_path: Path) -> None:
    train = ("-m", "mlp", "train", *TINY)
    done = mpiexec(1, *train, ":", *train, "--lr", "0.3", cwd=tmp_path)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("mlp: rank 1 on ")
    assert "its lr of the recipe is 0.3, not" in last
    assert not list(tmp_path.iterdir())


@needs_mpi
def test_ranks_begin_no_run_with_snapshots_and_leave_those_of_one_that_they_go_on_with(
    mlp: Command, tmp_path: Path
) -> None:
    assert mlp("train", *TINY, "--epochs", 1, "--run", "mine", "--snapshots", 9).code == 0
    mine = RunFolder(tmp_path / "mine")
    kept = mine.snapshots()
    ranks = ("-m", "mlp", "train")
    done = mpiexec(2, *ranks, "--config", str(mine.settings), "--run", "other", cwd=tmp_path)
    assert done.returncode == 2
    assert "ranks keep no snapshots of their network: leave --snapshots away" in done.stderr
    assert not (tmp_path / "other").exists()
    mine.snapshot((1, 2)).write_bytes(b"of a run that was killed and went another way")
    done = mpiexec(2, *ranks, "--resume", "mine", "--epochs", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("those of the run so far stay as they are") == 1
    assert mine.snapshots() == kept


@needs_mpi
def test_ranks_train_on_gpus_of_their_own_and_on_one_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And say by which way their gradients went; the bytes are the same."""
    monkeypatch.setenv("KERNELS", str(tmp_path))
    found, told = [], []
    for ranks, gpus in ((1, 1), (2, 2), (2, 1)):
        monkeypatch.setenv("MLP_RANKS", str(ranks))
        out = tmp_path / f"{ranks} of {gpus}.npz"
        script = ("tests/support/gpus_under_mpi.py", str(gpus))
        done = mpiexec(ranks, *script, "train", *TINY, "--device", "cuda", "--out", str(out))
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("device: cuda:0") == 1
        assert done.stdout.count("test accuracy") == 1
        found.append(load(out).parameters.tobytes())
        told.append([line for line in done.stderr.splitlines() if "gradients go" in line])
    assert found[1] == found[2] == found[0]
    assert told[0] == []
    assert told[1] == ["gradients go from device to device by NCCL"]
    assert "gradients go by way of the host's memory: ranks 0 and 1 share the GPU" in told[2][0]


class Last(Ranks):
    """The last of so many ranks."""

    launched = True

    def __init__(self, size: int) -> None:
        self.rank, self.size = size - 1, size

    def abort(self, sentence: str, exit_code: int) -> NoReturn:
        raise AbortedError(sentence, exit_code)


def ended(error: BaseException, size: int = 2, folder: Path | None = None) -> BaseException:
    """What the last rank ends with where it meets an error."""
    try:
        with together(Last(size)) as told:
            told.folder = folder
            assert console.stderr.quiet == (size > 1)
            raise error
    except BaseException as raised:
        return raised


def test_what_happens_to_one_ends_all(tmp_path: Path) -> None:
    last = ended(DataError("the disk is gone"), folder=tmp_path)
    assert isinstance(last, AbortedError)
    sentence, code = last.args
    assert sentence.startswith("the disk is gone; the same command with --resume ")
    assert code == 1


def test_a_fault_of_the_program_is_told_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    last = ended(ZeroDivisionError("division by zero"))
    assert isinstance(last, AbortedError)
    assert last.args == ("ZeroDivisionError (division by zero)", 1)
    assert "Traceback" in capsys.readouterr().err


def test_a_rank_without_memory_says_what_takes_less() -> None:
    last = ended(MemoryError("Out of memory allocating 4,096 bytes"))
    assert isinstance(last, AbortedError)
    assert last.args[0] == (
        "out of memory (Out of memory allocating 4,096 bytes): take fewer images, a smaller "
        "--batch-size or --hidden"
    )


def test_what_all_meet_is_told_by_the_first() -> None:
    last = ended(DivergedError("the loss is nan"))
    assert isinstance(last, typer.Exit)
    assert last.exit_code == 3
    only = ended(DivergedError("the loss is nan"), size=1)
    assert isinstance(only, DivergedError)


@pytest.mark.parametrize("error", [typer.Exit(143), KeyboardInterrupt(), SystemExit(1)])
def test_an_end_that_is_meant_is_one(error: BaseException) -> None:
    assert ended(error) is error


def test_what_ranks_cannot_follow_is_refused() -> None:
    for ranks in (ALONE, Last(2)):
        check_ranked(ranks, snapshots=None, seeds=None)
    check_ranked(ALONE, snapshots=9, seeds=3)
    with pytest.raises(UsageError, match="leave --snapshots away"):
        check_ranked(Last(2), snapshots=9, seeds=None)
    with pytest.raises(UsageError, match="several seeds learn in one process"):
        check_ranked(Last(1), snapshots=None, seeds=3)


def test_the_launcher_takes_the_commands_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python, launcher = tmp_path / "python", tmp_path / "mpiexec"
    launcher.touch()
    begun: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr("mlp.cli.ranks.sys.executable", str(python))
    monkeypatch.setattr("mlp.cli.ranks.find_spec", lambda name: name)
    monkeypatch.setattr("mlp.cli.ranks.os.execve", lambda *what: begun.append(what))
    monkeypatch.setenv("PMI_RANK", "0")  # of a scheduler's shell
    monkeypatch.setenv("PMI_SIZE", "1")
    monkeypatch.setenv("MLP_ALONE", "1")
    for told in (["--ranks", "3"], ["--ranks=3"]):
        monkeypatch.setattr("sys.argv", ["mlp", "train", *told, "--epochs", "2"])
        start_ranks(3)
        command = [str(python), "-P", "-m", "mlp", "train", "--epochs", "2"]
        *what, environment = begun.pop()
        assert what == [str(launcher), [str(launcher), "-n", "3", *command]]
        assert environment["MLP_RANKS"] == "3"
        assert not {"PMI_RANK", "PMI_SIZE", "MLP_ALONE"} & environment.keys()
    monkeypatch.setattr("mlp.cli.ranks.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'mlp-digits\[mpi\]'"):
        start_ranks(3)
    monkeypatch.delenv("MLP_ALONE")
    monkeypatch.setenv("PMI_SIZE", "2")
    with pytest.raises(UsageError, match="leave --ranks away"):
        start_ranks(3)


@pytest.mark.parametrize(
    ("size", "told"),
    [(1, "mlp train --resume RUN goes on"), (3, "mlp train --ranks 3 --resume RUN")],
)
def test_a_stopped_run_says_how_it_goes_on(
    size: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = Outcome(
        *(toy_model(), DATA, Recipe(), History(interrupted=True)),
        checkpoint=tmp_path / "epoch-1",
        out=tmp_path / "model",
    )
    _conclude(outcome, RunFolder(Path("RUN")), ALONE if size == 1 else Last(size))
    said = " ".join(capsys.readouterr().err.split())
    assert f"epoch-1; {told}" in said


def test_a_single_rank_has_nobody_to_end() -> None:
    error = DataError("the disk is gone")
    assert ended(error, size=1) is error
    with pytest.raises(DataError), together(ALONE):
        raise error
