"""Processes: where they may be forked."""

from __future__ import annotations

import threading

import mlp.training.parallel.processes
import mlp.training.parallel.workers


def test_nothing_is_forked_beside_another_thread() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert not mlp.training.parallel.processes.may_fork()
    finally:
        done.set()
        thread.join()
