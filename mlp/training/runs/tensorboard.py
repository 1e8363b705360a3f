"""The figures of a run as an event file, which TensorBoard draws."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mlp.common.errors import UsageError
from mlp.common.version import install_command
from mlp.training.history import Epoch
from mlp.training.runs.writers import Figures

if TYPE_CHECKING:
    from mlp.training.run import Run


def check_installed() -> None:
    """Refuse to go on without TensorBoard.

    Raises:
        UsageError: if it is not installed.
    """
    if find_spec("tensorboard") is None:
        raise UsageError(
            "--tensorboard writes with TensorBoard's own package, which is not installed: "
            f"{install_command('tensorboard')}"
        )


class TensorBoardWriter(Figures):
    """Writes the figures of each measured epoch as scalars, with the epoch as the step.

    It does not use TensorBoard's ``EventFileWriter``, which starts a thread.

    Args:
        folder: where the file is made.
        on_warning: called once with a sentence where it cannot be written.

    Raises:
        UsageError: if TensorBoard is not installed.
    """

    def __init__(self, folder: Path, on_warning: Callable[[str], None]) -> None:
        super().__init__()
        check_installed()
        now = time.time()
        # TensorBoard reads the files of a folder in the order of their names: oldest first.
        self._path = folder / f"events.out.tfevents.{now:017.6f}"
        self._on_warning, self._warned = on_warning, False

    def on_epoch_measured(self, run: Run, epoch: Epoch) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter

        values = [
            Summary.Value(tag=name, simple_value=value)
            for name, value in self.figures(run, epoch).items()
            if name != "epoch" and value is not None
        ]
        summary = Summary(value=values)
        try:
            is_new = not self._path.exists()
            with self._path.open("ab") as file:
                writer = RecordWriter(file)
                if is_new:
                    first = Event(wall_time=time.time(), file_version="brain.Event:2")
                    writer.write(first.SerializeToString())
                event = Event(wall_time=time.time(), step=epoch.epoch, summary=summary)
                writer.write(event.SerializeToString())
        except OSError as error:
            if not self._warned:
                self._on_warning(
                    f"{self._path} cannot be written ({error.strerror}): the training goes on"
                )
            self._warned = True
