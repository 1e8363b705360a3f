"""Access control in front of the application: who may ask, and what the browser may do.

Another site's page can make its visitors' browsers send requests here (cross-site requests), also
under a host name of its own that resolves to this machine (DNS rebinding). Both are seen by their
``Host`` and ``Origin`` headers, which a page cannot choose.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "::1")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Sent with every answer: the page may load its own files and the pictures it is given, only."""


class Guard:
    """Refuses requests to a foreign host name or from another site's page.

    Args:
        app: answers all other requests.
        host: the name or address that the server is bound to.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app, self._host = app, host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, send_with_headers)
        else:
            status, sentence = refusal
            response = JSONResponse({"problem": sentence}, status, {"Connection": "close"})
            await response(scope, receive, send_with_headers)

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        """Return the status and the sentence of a refusal, or None."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not is_own_name(hosts[0], self._host):
            return 421, "this server does not go by that name: open it by the address it printed"
        origins = headers.getlist("origin")
        if any(_place_of(origin) != hosts[0].lower() for origin in origins):
            return 403, "requests from other sites are not answered"
        site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode")
        if site not in ("same-origin", "none") and mode != "navigate":  # a link may lead here
            return 403, "requests from other sites are not answered"
        return None


def _place_of(origin: str) -> str:
    """Return the host and port of an ``Origin`` header; an empty text where it is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # such as of http://[
        return ""


def is_own_name(host: str, bound: str) -> bool:
    """Whether a ``Host`` header names this server, rather than a name that was made to lead here.

    Any port will do, so that a tunnel may end here. Where other machines may ask, addresses are
    taken too: who types an address has not been misled by a name.

    Args:
        host: the header, with or without a port.
        bound: what the server is bound to.
    """
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if name is None or parts.netloc != host or "@" in host:
        return False
    if name in (*LOOPBACK, bound.lower()):
        return True
    if is_loopback(bound):
        return False
    own = socket.gethostname().lower()
    return name in (own, f"{own}.local") or _is_address(name)


def is_loopback(host: str) -> bool:
    """Whether nothing but this machine reaches what is bound to a name or address."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
