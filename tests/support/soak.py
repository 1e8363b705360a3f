"""Many clients ask the page for long: no answer is another's, and its memory stays flat."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from threading import Event

from asgi import png
from served import serving_process

Request = tuple[str, str, bytes]
Answer = tuple[int, str]

SHARE = 5
"""Of so many requests one is for what takes the longest by far: to read a picture with a digit, to
take a step, to draw the map."""

NOISE = 3.0
"""MB by which the memory at rest differs: 2 at most in sixty rounds of thirty requests."""

AT_ONCE = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""Has the C library give back what is freed, so that the memory at rest is what is in use."""

ROUNDS = 10
"""In so many rounds the requests are asked; between two the server is at rest."""


@dataclass
class Report:
    """What came of it.

    Attributes:
        requests: that were answered rightly.
        seconds: that took.
        rest: memory of the server in MB, before the first round and after each, when all that was
            asked is answered.
        alone: the most that it had while one client asked one thing after another, in MB.
        peak: the most that it had while all asked at once.
        waiting: the most that those who wait at once can have asked and be answered, in MB.
    """

    requests: int
    seconds: float
    rest: list[float]
    alone: float
    peak: float
    waiting: float

    @property
    def is_flat(self) -> bool:
        """Whether no memory is kept of what was answered."""
        half = len(self.rest) // 2
        return max(self.rest[half:]) < max(self.rest[:half]) + NOISE

    @property
    def is_bounded(self) -> bool:
        """Whether many clients take no more than one does, and what they bring and wait for."""
        return self.peak < self.alone + self.waiting


class Visitor:
    """A client that asks on one connection, and sometimes opens it anew."""

    def __init__(self, port: int, random: Random) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=120)
        self._random = random

    def ask_on(
        self,
        numbers: Iterator[int],
        slow: Sequence[Request],
        quick: Sequence[Request],
        expected: Mapping[Request, Answer],
        failed: Event,
    ) -> int:
        """Ask as long as there are numbers to be had; return how many answers came."""
        answered = 0
        for _ in numbers:
            if failed.is_set():
                break
            request = self._random.choice(slow if self._random.randrange(SHARE) == 0 else quick)
            try:
                answer = _ask(self.connection, request)
                assert answer == expected[request], (request[:2], answer)
            except BaseException:
                failed.set()
                raise
            answered += 1
            if self._random.randrange(50) == 0:
                self.connection.close()  # the next request opens it anew
        self.connection.close()  # which the server would close itself, if others take long
        return answered


def kinds(layers: int) -> tuple[list[Request], list[Request]]:
    """Requests that take long, each with an answer of its own; and all others.

    Args:
        layers: linear ones of the network.
    """
    pictures = [png(digit) for digit in range(10)] + [png(digit, 9 - digit) for digit in range(5)]
    small = [
        ("GET", "/", b""),
        ("GET", "/api/models", b""),
        ("GET", "/style.css", b""),
        ("GET", "/nothing", b""),
        ("GET", "/api/network?model=nothing", b""),
        ("POST", "/api/extract", b"no picture"),
        ("POST", "/api/extract", pictures[0][:60]),
    ]
    asked = [("POST", "/api/extract", picture) for picture in pictures]
    for digit in range(3):
        image = [0] * 392 + [50 * digit + 50] * 20 + [0] * 372
        wanted = {"image": image, "targets": [int(k == digit) for k in range(10)], "lr": 0.1}
        body = json.dumps(wanted | {"taken": digit, "units": [None] * layers}).encode()
        asked.append(("POST", "/api/step", body))
    asked += [("GET", f"/api/exciting?layer=0&unit={unit}", b"") for unit in range(3)]
    return [*asked, ("GET", "/api/crowd", b"")], small


def soak(requests: int, clients: int, seed: int = 0, plugin: Path | None = None) -> Report:
    """Ask so many times from so many connections at once.

    Args:
        requests: how many.
        clients: how many connections.
        seed: of what is asked.
        plugin: what the server imports before it begins.

    Raises:
        AssertionError: if two requests of the first kind have one answer at the start, or if an
            answer later differs from the first to the same request.
    """
    environment = AT_ONCE if plugin is None else {**AT_ONCE, "MLP_PLUGINS": str(plugin)}
    with ExitStack() as stack:
        port, process = stack.enter_context(serving_process("--port", 0, environment=environment))
        with closing(HTTPConnection("127.0.0.1", port, timeout=120)) as first:
            asked = json.loads(_ask(first, ("GET", "/api/step", b""))[1])
            slow, quick = kinds(asked["layers"])
            expected = {request: _ask(first, request) for request in (*slow, *quick)}
        assert len({expected[request] for request in slow}) == len(slow)
        assert {expected[request][0] for request in slow} == {200}
        assert [expected[request][0] for request in quick] == [200, 200, 200, 404, 422, 422, 422]

        alone, failed = _megabytes(process, "VmHWM"), Event()
        largest = max(len(asked[2]) + len(answer[1]) for asked, answer in expected.items())
        rest, answered, start = [_megabytes(process, "VmRSS")], 0, time.monotonic()
        visitors = [Visitor(port, Random(f"{seed} {client}")) for client in range(clients)]
        for visitor in visitors:
            stack.enter_context(closing(visitor.connection))
        pool = stack.enter_context(ThreadPoolExecutor(clients))
        for number in range(ROUNDS):
            count = requests * (number + 1) // ROUNDS - requests * number // ROUNDS
            numbers = iter(range(count))
            asking = [
                pool.submit(visitor.ask_on, numbers, slow, quick, expected, failed)
                for visitor in visitors
            ]
            try:
                answered += sum(one.result() for one in asking)
            except KeyboardInterrupt:
                failed.set()  # the others end as well, and what was asked is told
                answered += sum(one.result() for one in asking)
                break
            rest.append(_megabytes(process, "VmRSS"))
        seconds, peak = time.monotonic() - start, _megabytes(process, "VmHWM")
    return Report(answered, seconds, rest, alone, peak, clients * largest / 1e6)


def _ask(connection: HTTPConnection, request: Request) -> Answer:
    method, path, content = request
    connection.request(method, path, content or None)
    response = connection.getresponse()
    text = response.read().decode()
    return response.status, json.dumps(json.loads(text)) if path.startswith("/api") else text


def _megabytes(process: int, what: str) -> float:
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
