"""Many clients ask the page for long: no answer is another's, and its memory stays flat."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from random import Random
from threading import Event

from asgi import png
from served import serving_process

Request = tuple[str, str, bytes]

SHARE = 5
"""Of so many requests one is for what takes the longest by far: to read a picture with a digit, to
take a step, to draw the map."""


@dataclass
class Report:
    """What came of it.

    Attributes:
        requests: that were answered rightly.
        seconds: that took.
        memory: of the server in MB, each time another thousand, or tenth, of the requests was
            answered.
    """

    requests: int
    seconds: float
    memory: list[float]


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


def soak(requests: int, clients: int, seed: int = 0) -> Report:
    """Ask so many times from so many connections at once.

    Raises:
        AssertionError: if two requests of the first kind have one answer at the start, or if an
            answer later differs from the first to the same request.
    """
    numbers, memory, failed = count(), [], Event()
    with serving_process("--port", 0) as (port, process):
        with closing(HTTPConnection("127.0.0.1", port, timeout=120)) as first:
            asked = json.loads(_ask(first, ("GET", "/api/step", b""))[1])
            slow, quick = kinds(asked["layers"])
            expected = {request: _ask(first, request) for request in (*slow, *quick)}
        assert len({expected[request] for request in slow}) == len(slow)
        assert {expected[request][0] for request in slow} == {200}
        assert [expected[request][0] for request in quick] == [200, 200, 200, 404, 422, 422, 422]

        def ask_on(client: int) -> int:
            random, answered = Random(f"{seed} {client}"), 0
            with closing(HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
                while (number := next(numbers)) < requests and not failed.is_set():
                    request = random.choice(slow if random.randrange(SHARE) == 0 else quick)
                    try:
                        answer = _ask(connection, request)
                        assert answer == expected[request], (request[:2], answer)
                    except BaseException:
                        failed.set()
                        raise
                    answered += 1
                    if number % max(1, min(requests // 10, 1_000)) == 0:
                        memory.append(_resident(process))
                    if random.randrange(50) == 0:
                        connection.close()  # the next request opens it anew
            return answered

        start = time.monotonic()
        with ThreadPoolExecutor(clients) as pool:
            asked = [pool.submit(ask_on, client) for client in range(clients)]
            try:
                answered = sum(one.result() for one in asked)
            except KeyboardInterrupt:
                failed.set()  # the others end as well, and what was asked is told
                answered = sum(one.result() for one in asked)
        seconds = time.monotonic() - start
    return Report(answered, seconds, memory)


def _ask(connection: HTTPConnection, request: Request) -> tuple[int, str]:
    method, path, content = request
    connection.request(method, path, content or None)
    response = connection.getresponse()
    text = response.read().decode()
    return response.status, json.dumps(json.loads(text)) if path.startswith("/api") else text


def _resident(process: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
