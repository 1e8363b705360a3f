"""Connections to the page: who is silent or slow gives way, so that no one keeps others out."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_AT_ONCE = 64
"""Connections: where there are more, one that waits for its client is closed."""

MOST_OF_ONE = 56
"""Connections of one client: the rest is kept for others."""

HEAD_PATIENCE = 10.0
"""Seconds: the head of a request has to arrive within this."""


class Connection(H11Protocol):
    """One connection. It is closed if no request arrives in time, or to make room for another."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for a request; where there are too many, make room."""
        super().connection_made(transport)
        self.began = self.loop.time()
        self._wait()
        make_room(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request; when its head is whole, stop waiting for that."""
        super().data_received(data)
        if self.is_asking:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Start to wait for the next request."""
        super().on_response_complete()
        if not self.is_asking:
            self._stop_waiting()
            self._wait()

    @property
    def is_asking(self) -> bool:
        """Whether the head of a request has come that is not answered yet."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def is_waiting(self) -> bool:
        """Whether the next thing to come is the client's."""
        return not self.is_asking or self.cycle.more_body

    @property
    def host(self) -> str:
        """The client's address."""
        return self.client[0] if self.client else ""

    def _wait(self) -> None:
        self._timer = self.loop.call_later(HEAD_PATIENCE, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def make_room(new: Connection) -> None:
    """Close a connection where there are too many: of all, or of the new one's client.

    Of the client that has the most, those that have asked nothing go first, and of these the
    oldest. What is being answered is never closed; where all are, uvicorn answers 503.
    """
    others: list[Any] = [other for other in new.connections if other is not new]
    counts = Counter(other.host for other in [*others, new])
    if counts[new.host] > MOST_OF_ONE:
        crowded = new.host
    elif len(others) >= MOST_AT_ONCE:
        crowded = counts.most_common(1)[0][0]
    else:
        return
    waiting = [other for other in others if other.host == crowded and other.is_waiting]
    if waiting:
        oldest = min(waiting, key=lambda other: (other.is_asking, other.began))
        oldest.connections.discard(oldest)
        oldest.transport.abort()
    elif counts[new.host] > MOST_OF_ONE:
        new.transport.abort()
