"""The base of both executors: they make the updates of an epoch, each on one kind of batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from backends import Array
from mlp.data.batches import Batches
from mlp.nn.dropout import DropoutNetwork
from mlp.nn.network import MLP
from mlp.training.parallel.pace import Pace
from mlp.training.parallel.replica import Replica
from mlp.training.parallel.workers import WorkerGroup
from mlp.training.recipe import Recipe
from mlp.training.step import Step


class Pause(NamedTuple):
    """What may interrupt an epoch between two updates, to keep the state or to stop."""

    wanted: Callable[[], bool]
    """Asked before each update, or span of updates."""
    act: Callable[[int], bool]
    """Called with the number of updates done in the epoch, when the network and the executor's
    `optimizer_state` are as after these; returns whether to stop here."""
    after: Collection[int] = ()
    """After how many updates it is wanted in any case; a span of updates ends there."""

    def is_due(self, done: int) -> bool:
        """Return whether to pause after ``done`` updates."""
        return done in self.after or self.wanted()


class EpochInputs(NamedTuple):
    """What an epoch is trained on, and where its losses are written."""

    number: int
    """The epoch, from 0."""
    order: Array
    """The images in the order in which they are seen, shape (N,)."""
    key: int
    """The random key of the images' deformations."""
    lrs: Array
    """The learning rate of each update, shape (steps,)."""
    losses: Array
    """Where the loss of each update is written, shape (steps,), or (steps, S) of S networks."""
    on_step: Callable[[int, Array], None] | None
    """Called with the images seen and the latest loss; see `Trainer.epoch`."""
    first: int = 0
    """How many updates of the epoch are done already, in a run that is resumed within it."""
    correct: int = 0
    """The correct answers counted in these."""
    pause: Pause | None = None


class Executor:
    """Makes the updates of epochs in a group of workers, each with batches of its own.

    Args:
        steps: a step for each replica or shard of the network, or one on the network itself.
        model: the network; its parameters are up to date after each epoch.
        batches: the training images.
        batch_size: images of an update.
        recipe: the hyperparameters.
        group: the workers.
        at_once: updates between two calls of `announce`.

    Attributes:
        pace: chooses how many of the workers make the next updates.
        optimizer_state: the arrays that one update leaves to the next, by name, laid out as the
            network's parameters or of a shape of their own; up to date after an epoch and in a
            pause.
        stopped_at: the number of updates done when a pause stopped the latest epoch, else None.
        repeats: whether an epoch is one update, by the same operations on the same arrays in each,
            but for its learning rate: see `whole_epoch`.
        captured: the steps that are captured so far, by what they are told apart by.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        model: MLP,
        batches: Batches,
        batch_size: int,
        recipe: Recipe,
        group: WorkerGroup,
        at_once: int = 1,
    ) -> None:
        self.pace = Pace(group.size, -(-len(batches) // (batch_size * at_once)))
        self.steps, self.model, self.batch_size, self.group = steps, model, batch_size, group
        self.backend, self.xp = model.backend, model.backend.xp
        self.worker_batches = batches.replicas(len(steps))
        self.in_order = recipe.batch_size == "full" and recipe.augment is None  # as they lie
        self.optimizer_state = steps[0].optimizer.state
        self.stopped_at: int | None = None
        # After which update to meet; whether the workers end there.
        self._meet_after, self._end_there = -1, False
        # The first worker alone knows why they meet, and after which update it paused last.
        self._pauses, self._paused_after = False, -1
        self.captured: dict[Any, Callable[[], Any]] = {}
        # With dropout each epoch has a key of its own, which the host draws.
        still = self.in_order and not isinstance(steps[0].network, DropoutNetwork)
        self.repeats = still and group.size == 1 and not batches.on_host

    def epoch(self, inputs: EpochInputs) -> None:
        """Make the updates of an epoch, with other workers wherever their number changes."""
        for step, batches in zip(self.steps, self.worker_batches, strict=True):
            step.start_epoch(inputs.number)
            batches.key = inputs.key
        if inputs.first:
            self.restore_correct(inputs.correct)
        self.stopped_at, self._paused_after, done = None, -1, inputs.first
        while done < len(inputs.losses) and self.stopped_at is None:
            for step in self.steps:
                step.seek(done * self.batch_size)
            self._meet_after, self._end_there = -1, False
            self.group.count = self.pace.workers
            self.pace.begin(done)
            self.run_all(inputs._replace(first=done))
            done = self._meet_after if self._end_there else len(inputs.losses)
            self.pace.lap(done)

    def run_all(self, inputs: EpochInputs) -> None:
        """Let all workers do their parts of an epoch at once."""
        raise NotImplementedError

    def work_as(self, worker: int, inputs: EpochInputs) -> None:
        """Do one worker's part of an epoch."""
        raise NotImplementedError

    def whole_epoch(self, order: Array, lr: Array, loss: Array) -> None:
        """Make an epoch where it `repeats`: its one update, which may be part of what is captured.

        Args:
            order: the images, as they lie, shape (N,).
            lr: the learning rate, shape (1,).
            loss: where the loss is written, shape (1, 1).
        """
        raise NotImplementedError

    def announce(self, inputs: EpochInputs, done: int) -> None:
        """Announce before a barrier that something is to happen after ``done`` updates.

        That is a pause that is wanted, or another number of workers.
        """
        changes = done < len(inputs.losses) and self.pace.lap(done)
        # Other workers, that begin after a pause, come to the same place once more.
        paused = done == self._paused_after
        self._pauses = not paused and inputs.pause is not None and inputs.pause.is_due(done)
        if changes or self._pauses:
            self._meet_after = done

    def stops(self, inputs: EpochInputs, worker: int, done: int) -> bool:
        """After that barrier, do what was announced; return whether the workers end here."""
        if self._meet_after != done:
            return False
        if worker == 0:
            if inputs.pause is not None and self._pauses:
                self.unshard()
                self._paused_after = done
                self.stopped_at = done if inputs.pause.act(done) else None
                self.pace.resume()
            changes = self.pace.workers != self.group.count
            self._end_there = changes or self.stopped_at is not None
        self.group.barrier(worker)
        return self._end_there

    def connect(self) -> str:
        """Let those who train together meet, before the first epoch; return how, for the user."""
        return ""

    def unshard(self) -> None:
        """Bring the network and `optimizer_state` up to date, where the workers have shards."""

    def restore_correct(self, count: int) -> None:
        """Continue the count of correct answers from a number, in an epoch that is resumed."""
        raise NotImplementedError

    def correct(self) -> NDArray[Any]:
        """Count the images of the epoch that were answered correctly, each before its update.

        Returns:
            What each network answered, whole numbers on the host, shape (S,).
        """
        raise NotImplementedError

    def replicas(self) -> list[MLP]:
        """Return the network and replicas of it, one for each worker, to measure with."""
        return [self.model, *(Replica(self.model) for _ in range(1, self.group.size))]

    def replay(self, key: Any, work: Callable[[], Any]) -> None:
        """Run work captured: under one key it must do the same operations on the same arrays."""
        key = self.group.count, key
        if key not in self.captured:
            self.captured[key] = self.backend.capture(work)
        self.captured[key]()
