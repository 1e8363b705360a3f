"""The search: trials are trained up to a rung, several at a time, and the better ones go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from mlp.common.quiet import quiet
from mlp.training.search.folder import SearchFolder, SearchPlan
from mlp.training.search.halving import TrialResult, is_lost, ranked, survivors
from mlp.training.search.pool import Pool, pool


@dataclass(frozen=True)
class Found:
    """What a search has come to.

    Attributes:
        results: of each trial the one of its furthest rung, the best first.
        is_complete: whether the search has ended; if not, it was stopped.
    """

    results: Sequence[TrialResult]
    is_complete: bool

    @property
    def best(self) -> TrialResult | None:
        """The best result; None where all are lost, or none has come to a rung."""
        return next((result for result in self.results if not is_lost(result)), None)


def search(
    folder: SearchFolder,
    plan: SearchPlan,
    cores: Sequence[int | None],
    *,
    stopped: Callable[[], bool] = lambda: False,
    on_result: Callable[[TrialResult], object] = quiet,
    warn: Callable[[str], None] = quiet,
) -> Found:
    """Go through a plan, from where the folder's journal tells that it was.

    Which trials go on is decided when all of a rung have come to it, so that it does not depend on
    how many run at a time, or on how often the search was stopped.

    Args:
        folder: the search's, whose lock is held.
        plan: what it does.
        cores: what the runs that go at a time are pinned to; see `pool.cores_for`.
        stopped: asked ten times a second; once it is true, the runs save their states, and the
            search ends.
        on_result: called with each new result.
        warn: called with a sentence.

    Raises:
        MLPError: if a trial cannot be trained, or the journal cannot be written.
    """
    journal = {
        (result.trial, result.epochs): result
        for result in folder.results()
        if 0 <= result.trial < len(plan.trials)
    }
    folder.keep(list(journal.values()))
    alive = list(range(len(plan.trials)))
    processes: Pool | None = None
    with ExitStack() as stack:
        for epochs in plan.rungs:
            left = [trial for trial in alive if (trial, epochs) not in journal]
            goes_on = epochs != plan.rungs[-1]
            if left and processes is None:
                later = max(1, len(alive) // plan.factor) if goes_on else 0  # see `survivors`
                needed = cores[: max(len(left), later)]
                processes = stack.enter_context(pool(folder.path, needed, warn))
            if left and processes is not None:
                for result in processes.results(left, epochs, stopped):
                    folder.add(result)
                    journal[result.trial, epochs] = result
                    on_result(result)
            if any((trial, epochs) not in journal for trial in alive):
                return Found(_latest(journal.values(), plan), is_complete=False)
            here = [journal[trial, epochs] for trial in alive]
            alive = survivors(here, plan.factor, plan.monitor) if goes_on else []
            for result in here:
                if result.trial not in alive:
                    folder.drop_state(result.trial)
    return Found(_latest(journal.values(), plan), is_complete=True)


def _latest(results: Iterable[TrialResult], plan: SearchPlan) -> list[TrialResult]:
    """Keep each trial's result of its furthest rung, the best first."""
    latest: dict[int, TrialResult] = {}
    for result in sorted(results, key=lambda result: result.epochs):
        latest[result.trial] = result
    return ranked(latest.values(), plan.monitor)
