"""Serve the page: bind a socket, run a server and, if wanted, open the browser."""

from __future__ import annotations

import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from mlp.common.errors import UsageError
from mlp.web.connections import MOST_AT_ONCE, Connection
from mlp.web.guard import is_loopback

LAST_WORDS = 3
"""Seconds that requests in progress have to finish when the server is stopped."""


def listen(host: str, port: int) -> socket.socket:
    """Bind a socket and listen; connections wait until `serve` answers them.

    Args:
        host: a name or address of this machine.
        port: 0 takes one that is free.

    Raises:
        UsageError: if the address is not this machine's or the port is taken.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(MOST_AT_ONCE)
        except OSError:
            bound.close()
            raise
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"nothing can listen on {host}, port {port} ({reason}): choose another --port or --host"
        ) from None
    return bound


def address_of(bound: socket.socket) -> str:
    """Return the page's address; if other machines may open it, one that they can reach."""
    host, port = bound.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = _address_in_network()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def serve(
    app: ASGIApp,
    bound: socket.socket,
    *,
    browser: bool,
    on_note: Callable[[str], None],
    hint: str = "draw on this page",
    on_address: Callable[[str], None] | None = None,
    until: Callable[[], None] | None = None,
    ending: threading.Event | None = None,
) -> None:
    """Answer until interrupted.

    Args:
        app: the application.
        bound: from `listen`; closed at the end.
        browser: whether to open the page.
        on_note: called with sentences for the user, such as when the page is closed.
        hint: what can be done on the page.
        on_address: called with the page's address; it is printed unless given.
        until: run in a thread of its own; the server ends when it returns.
        ending: set when the server begins to end, for answers that would never end.
    """
    address = address_of(bound)
    if not is_loopback(bound.getsockname()[0]):
        on_note("warning: everyone in this network can open the page and use it")
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_AT_ONCE + 1,
        timeout_graceful_shutdown=LAST_WORDS,
    )
    server = _Server(config, ending or threading.Event())
    (on_address or partial(print, flush=True))(address)
    on_note(f"{hint}; Ctrl-C ends it")
    if browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    if until is not None:
        threading.Thread(target=server.end_after, args=(until,), daemon=True).start()
    with bound, suppress(KeyboardInterrupt):  # which the server raises again once it has ended
        server.run(sockets=[bound])
    on_note("the page is closed")


class _Server(uvicorn.Server):
    """A server that tells when it begins to end, by a signal or as it was asked to."""

    def __init__(self, config: uvicorn.Config, ending: threading.Event) -> None:
        super().__init__(config)
        self._ending = ending

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take a closed terminal as uvicorn takes Ctrl-C and SIGTERM, unless it is ignored.

        An exception that its handler raised would end nothing in the midst of an answer, where the
        server takes it for the application's.
        """
        with super().capture_signals(), ExitStack() as stack:
            number = getattr(signal, "SIGHUP", None)  # Windows has none
            takes_signals = threading.current_thread() is threading.main_thread()
            if number and takes_signals and signal.getsignal(number) is not signal.SIG_IGN:
                stack.callback(signal.signal, number, signal.signal(number, self.handle_exit))
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end, for a signal."""
        self._ending.set()
        super().handle_exit(sig, frame)

    def end_after(self, until: Callable[[], None]) -> None:
        """Begin to end when a function returns."""
        until()
        self._ending.set()
        self.should_exit = True


def _address_in_network() -> str:
    """Return the address by which other machines reach this one, without sending anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # reserved for documentation: RFC 5737
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
