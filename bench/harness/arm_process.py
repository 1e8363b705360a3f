"""The driver's half of the conversation with one arm's process; see bench/peers/serve.py."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.harness.arms import Arm, Setting
from bench.harness.job import Job

ROOT = Path(__file__).resolve().parent.parent.parent
PINS = ("OPENBLAS_CORETYPE", "MKL_ENABLE_INSTRUCTIONS", "XLA_FLAGS")
"""Variables that would hold one library, and not the others, to what another processor can do."""

QUIET = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "PYTHONUNBUFFERED": "1"}
LOG_TAIL = 2_000


class ArmError(Exception):
    """An arm's process that ended before it answered, with the end of its log."""


class AbsentError(Exception):
    """An arm that cannot take part: its library is missing, or has no way to express the job."""


class ArmProcess:
    """One arm's process, which does something only between a request and its answer.

    Args:
        arm: what to start.
        setting: how.

    Attributes:
        pid: its process.

    Raises:
        AbsentError: if the process cannot be started.

    Every request raises an `ArmError` if the process ends without an answer.
    """

    def __init__(self, arm: Arm, setting: Setting) -> None:
        self._name = f"{arm.name} ({setting.label})"
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        environment = {k: v for k, v in os.environ.items() if k not in PINS}
        try:
            self._process = subprocess.Popen(
                arm.command,
                cwd=ROOT,
                env={**environment, **QUIET, **setting.env},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
            )
        except OSError as error:
            self._log.close()
            raise AbsentError(f"{arm.command[0]} cannot be started: {error.strerror}") from error
        self.pid = self._process.pid

    def __enter__(self) -> ArmProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def prepare(self, job: Job) -> dict[str, str]:
        """Load images and network; return the versions of what it runs on.

        Raises:
            AbsentError: if it cannot take part.
        """
        return dict(self._ask("prepare", job=job.to_dict())["versions"])

    def start(self, weights: str, seed: int) -> None:
        """Go back to before the first epoch, with other weights and shuffles."""
        self._ask("start", weights=weights, seed=seed)

    def train(self, epochs: int = 1) -> float:
        """Train for some epochs; return the seconds of one."""
        return float(self._ask("train", epochs=epochs)["seconds"]) / epochs

    def accuracy(self) -> float:
        """Return its accuracy on the test images, 0 to 1."""
        return float(self._ask("evaluate")["accuracy"])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdout, self._log):
            stream.close()
        with suppress(BrokenPipeError):  # a request that was still on its way
            self._process.stdin.close()

    def _ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        try:
            print(json.dumps({"do": what, **arguments}), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self._process.wait()
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise ArmError(f"{self._name} ended during {what!r} by {how}:\n{self._tail()}")
        answer: dict[str, Any] = json.loads(line)
        if "missing" in answer:
            raise AbsentError(f"{answer['missing']} is not installed")
        if "cannot" in answer:
            raise AbsentError(answer["cannot"])
        return answer

    def _tail(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-LOG_TAIL:]
