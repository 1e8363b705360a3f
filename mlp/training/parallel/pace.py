"""How many workers make the next updates: as many as are quickest, by the clock.

Several workers meet in each update, so that one core which is busy with something else holds up all
of them, and fewer may be quicker. How long an update takes with another number is tried for a
moment, now and then and when the time of the present one has clearly changed. Any number of
workers computes the same bytes, so that nothing but time depends on what is chosen.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 0.1
"""How long the time of an update is measured at least: some twenty slices of a busy core."""

LAPS = 2
"""And over how many laps, which are spans of updates or large updates."""

LONG_LAP = 0.02
"""Seconds, several slices of a busy core, of a lap that can end a losing trial by itself."""

SETTLING = 2
"""Laps of a run that are not counted: workers that are new capture their steps in them."""

MANY_LAPS = 16
"""Laps of an epoch from which on these are left out; fewer count whole, with all they cost."""

FIRST_HOLD, MOST_HOLD = 8, 256
"""Times measured between two questions: each answer that changes nothing doubles their number."""

SOONER = 8
"""After what part of these a clear change is a reason to ask: it may be noise, again and
again."""

CLEARLY = 1.5
"""The ratio of two update times that is a clear change, or the end of a trial that loses."""

WORTH = 1.05
"""How much quicker more workers have to be than fewer, which leave cores to others."""


class Pace:
    """Chooses the number of workers.

    Args:
        most: workers that there may be; the number to begin with.
        laps: of an epoch.
        clock: seconds that pass, as `time.perf_counter`.

    Attributes:
        workers: how many are to make the next updates.
    """

    def __init__(
        self, most: int, laps: int, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.workers, self._clock = most, clock
        self._numbers = [most]  # a quarter fewer each
        while self._numbers[-1] > 1:
            self._numbers.append(self._numbers[-1] * 3 // 4)
        self._settling = SETTLING if laps >= MANY_LAPS else 0
        self._kept = 0  # the place of the quickest known among the numbers
        self._update_time: float | None = None  # its seconds an update
        self._claim: float | None = None  # those of a number whose trial was won
        self._hold, self._held, self._step = 1, 0, 1
        self._start, self._done, self._unsettled = 0.0, 0, 0
        self._laps, self._updates, self._seconds = 0, 0, 0.0

    def begin(self, done: int) -> None:
        """Start the clock for a run of workers, after so many updates of the epoch."""
        self._start, self._done, self._unsettled = self._clock(), done, self._settling

    def resume(self) -> None:
        """Start the clock again, after something in the run that is no training."""
        self._start = self._clock()

    def lap(self, done: int) -> bool:
        """Note that so many updates of the epoch are done now.

        Returns:
            Whether another number of workers is to make the next ones: never where none was made
            since the latest call.
        """
        now, updates = self._clock(), done - self._done
        seconds, self._start, self._done = now - self._start, now, done
        if len(self._numbers) == 1 or not updates:
            return False
        if self._unsettled:
            self._unsettled -= 1
            return False
        self._laps, self._updates = self._laps + 1, self._updates + updates
        self._seconds += seconds
        update_time, before = self._seconds / self._updates, self.workers
        on_trial = before != self._numbers[self._kept]
        loses = (
            on_trial and self._update_time is not None and update_time > CLEARLY * self._update_time
        )
        if loses:
            enough = self._laps >= LAPS or self._seconds >= LONG_LAP
        else:
            enough = self._laps >= LAPS and self._seconds >= SECONDS
        if not enough:
            return False
        self._laps, self._updates, self._seconds = 0, 0, 0.0
        if on_trial:
            self._answer(update_time)
        elif self._claim is not None:
            self._confirm(self._claim, update_time)
        else:
            self._ask_if_due(update_time)
        return self.workers != before

    def _ask_if_due(self, update_time: float) -> None:
        """Take the time of the number that is kept, and try another one if it is time to."""
        known, self._held = self._update_time, self._held + 1
        changed = known is not None and not 1 / CLEARLY < update_time / known < CLEARLY
        self._update_time = update_time if known is None or changed else (known + update_time) / 2
        if self._held >= self._hold or (changed and self._held * SOONER >= self._hold):
            if not 0 <= self._kept + self._step < len(self._numbers):
                self._step = -self._step
            self.workers = self._numbers[self._kept + self._step]

    def _answer(self, update_time: float) -> None:
        """Go back to the number before the one on trial, which has this time.

        If the trial is won, that one may only have been disturbed: it is measured once more.
        """
        assert self._update_time is not None
        if self._wins(update_time, self._update_time):
            self._claim = update_time
        else:
            self._decline()
        self.workers = self._numbers[self._kept]

    def _confirm(self, claim: float, update_time: float) -> None:
        """Take the number that won its trial if it is quicker than the kept one is now, too."""
        self._claim, self._update_time = None, update_time
        if not self._wins(claim, update_time):
            self._decline()
            return
        self._kept, self._update_time, self._hold = self._kept + self._step, claim, FIRST_HOLD
        further = 0 <= self._kept + self._step < len(self._numbers)
        self._held = self._hold - 1 if further else 0  # the next one may be quicker still
        self.workers = self._numbers[self._kept]

    def _wins(self, update_time: float, kept: float) -> bool:
        """Tell whether the number on trial is quicker than the kept one, by their times."""
        return update_time <= kept if self._step > 0 else update_time * WORTH < kept

    def _decline(self) -> None:
        """Keep the number, and ask more rarely; next in the other direction, if there is one."""
        self._hold, self._held = min(MOST_HOLD, max(FIRST_HOLD, 2 * self._hold)), 0
        self._step = -self._step
