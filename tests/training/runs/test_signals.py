"""Signals end a run between two updates; the second one at once."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from toys import DATA, FAST, toy_model

from backends import Array
from mlp.training.callbacks import Callback
from mlp.training.loop import train
from mlp.training.recipe import Recipe
from mlp.training.run import Run
from mlp.training.runs.signals import NAMES, Signals, StopOnSignal

HERE = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]


class Sends(Callback):
    """Sends this process a signal in the first update of the third epoch, and at its end."""

    def __init__(self, number: int, times: int = 1) -> None:
        self.number, self.times, self.updates = number, times, 0

    def on_update(self, run: Run, seen: int, loss: Array) -> None:
        if run.epoch == 2:
            self.updates += 1
            if self.times:
                self.times -= 1
                os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", HERE)
def test_a_run_ends_at_the_next_update_as_after_the_last_whole_epoch(number: int) -> None:
    recipe = Recipe(batch_size=1, **FAST)
    model, two_epochs = toy_model(), toy_model()
    before = signal.getsignal(number)
    with Signals() as signals:
        history = train(model, DATA, recipe, callbacks=[Sends(number), StopOnSignal(signals)])
    assert signal.getsignal(number) == before
    assert history.interrupted
    assert history.stopped == signal.Signals(number).name
    assert signals.stopped(history)
    assert signals.exit_code == 128 + number
    assert len(history.epochs) == 2
    shorter = train(two_epochs, DATA, recipe, callbacks=[Sends(number, 0), StopAfter(2)])
    assert len(shorter.epochs) == 2
    assert model.parameters.tobytes() == two_epochs.parameters.tobytes()


class StopAfter(Callback):
    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch_end(self, run: Run) -> None:
        if run.epoch == self.epochs:
            run.stop("enough")


def test_the_second_one_interrupts_at_once() -> None:
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.received == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.received is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_of_the_main_thread_none_is_noted() -> None:
    handlers: list[object] = []

    def work() -> None:
        with Signals():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]


def test_without_a_signal_a_run_is_as_without_the_callback() -> None:
    recipe = Recipe(batch_size=8, **FAST)
    plain, watched = toy_model(), toy_model()
    train(plain, DATA, recipe)
    with Signals() as signals:
        history = train(watched, DATA, recipe, callbacks=[StopOnSignal(signals)])
    assert not signals.stopped(history)
    assert plain.parameters.tobytes() == watched.parameters.tobytes()
