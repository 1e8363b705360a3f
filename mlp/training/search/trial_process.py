"""A process of a search: it trains the trials that it is told, one after another.

``python -m mlp.training.search.trial_process DIR`` reads a line of JSON for each, such as
``{"trial": 3, "epochs": 2}``, from its standard input, and answers with a line on its standard
output: a `TrialResult`, or ``{"stopped": true}`` after a signal, or ``{"error": …, "code": …}``.
Lines of ``{"warning": …}`` may come before. It ends with its input, or when the process that
started it is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from backends import Array, Backend, BackendError, get_backend
from mlp.common.errors import MLPError
from mlp.common.plugins import VARIABLE, load_plugins
from mlp.data.dataset import Dataset
from mlp.training.callbacks import Callback
from mlp.training.run import Run
from mlp.training.runs.signals import Signals
from mlp.training.search.folder import SearchFolder
from mlp.training.search.trial import open_data, run_trial


class EndWithParent(Callback):
    """Sends this process a SIGTERM, as a job scheduler would, when its parent is gone."""

    def __init__(self) -> None:
        self._parent, self._sent = os.getppid(), False

    def on_update(self, run: Run, seen: int, loss: Array) -> None:
        if not self._sent and os.getppid() != self._parent:
            self._sent = True
            signal.raise_signal(signal.SIGTERM)


class Trials:
    """Trains trials of a search; the device and the data are opened for the first one.

    Args:
        folder: the search's.
        signals: stop a run.
        tell: sends a line to the process that asked.
    """

    def __init__(
        self, folder: SearchFolder, signals: Signals, tell: Callable[[dict[str, Any]], None]
    ) -> None:
        self._folder, self._signals, self._tell = folder, signals, tell
        self._plan, self._watch = folder.plan(), EndWithParent()
        self._opened: tuple[Backend, Dataset] | None = None

    def answer(self, trial: int, epochs: int) -> dict[str, Any]:
        """Train a trial up to a rung, and return the line that says what came of it."""
        try:
            settings = self._folder.settings(trial)
            if self._opened is None:
                asked = settings.device
                backend = get_backend(asked.device, precision=asked.precision, graph=asked.graph)
                self._opened = backend, open_data(settings, self._plan.validation)
            backend, dataset = self._opened
            result = run_trial(
                trial,
                settings,
                dataset,
                backend,
                self._folder.run_of(trial),
                epochs,
                self._plan.validation,
                signals=self._signals,
                callbacks=[self._watch],
                warn=lambda sentence: self._tell({"warning": sentence}),
            )
        except (MLPError, BackendError, OSError) as error:
            return {"error": str(error), "code": getattr(error, "exit_code", 1)}
        return {"stopped": True} if result is None else asdict(result)


def work(folder: Path, asked: IO[str], answers: IO[str]) -> None:
    """Answer each line that asks for a trial."""

    def tell(line: dict[str, Any]) -> None:
        answers.write(json.dumps(line) + "\n")
        answers.flush()

    with Signals() as signals:
        trials = Trials(SearchFolder(folder), signals, tell)
        for line in asked:
            tell(trials.answer(**json.loads(line)))


def main() -> None:
    """Work until the standard input ends; what is printed by others goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started this, and tells it
    load_plugins(os.environ.get(VARIABLE, ""))
    try:
        work(Path(sys.argv[1]), sys.stdin, answers)
    except BrokenPipeError:  # nobody is left to be told
        sys.exit(1)


if __name__ == "__main__":
    main()
