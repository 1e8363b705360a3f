"""Fetching one file over HTTP: within limits, and stored only if its bytes are right."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, responses
from pathlib import Path
from socket import SocketIO
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.request import HTTPHandler, HTTPSHandler, Request, build_opener

from mlp.common.atomic import replacing
from mlp.common.errors import DataError

TIMEOUT = 10.0
"""Seconds to wait for a connection, and for each further piece of data."""

GRACE = 30.0
"""Seconds after which an answer must have come at `SLOWEST` on the whole, its head included."""

SLOWEST = 8000.0
"""Bytes a second: MNIST's largest file then takes 20 minutes. Whoever drips bytes is left."""

MAX_BYTES = 64 << 20
"""The longest answer that is accepted: a bound on the harm of a hostile or broken server."""

Progress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes received so far, and the number expected, if known."""

Check = Callable[[io.BytesIO, str], None]
"""Called with the whole file and its URL; raises a DataError if it is not the right one."""

_CHUNK = 1 << 16


class DownloadError(DataError):
    """A file that could not be fetched from anywhere."""


def fetch(
    target: Path, mirrors: Sequence[str], check: Check, progress: Progress | None = None
) -> None:
    """Fetch ``target`` from the first of the mirrors that gives the right bytes.

    Args:
        target: the file to make; its folder is made if need be.
        mirrors: URLs ending in ``/``, to which the target's name is added.
        check: decides whether the bytes are right.
        progress: called after each piece of data.

    Raises:
        DownloadError: if no mirror gave the file or it could not be written; the message says
            what went wrong at each.
    """
    failures = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for mirror in mirrors:
            url = mirror + target.name
            try:
                data = _download(url, progress or (lambda *_: None))
                check(io.BytesIO(data), url)
            except DataError as error:
                failures.append(str(error))
            else:
                with replacing(target) as file:
                    file.write(data)
                return
    except OSError as error:
        raise DownloadError(f"cannot write {target}: {error.strerror or error}") from error
    raise DownloadError("; ".join(failures))


def _download(url: str, progress: Progress) -> bytes:
    data = bytearray()
    try:
        with cast(HTTPResponse, _OPENER.open(url, timeout=TIMEOUT)) as response:
            total = response.length
            while chunk := response.read1(_CHUNK):
                data += chunk
                if len(data) > MAX_BYTES:
                    raise DownloadError(f"{url} sends more than {MAX_BYTES:,} bytes")
                progress(url.rpartition("/")[2], len(data), total)
    except HTTPError as error:
        with error:
            phrase = responses.get(error.code, "")  # the server's own may be anything
            raise DownloadError(f"{url} answered {error.code} {phrase}") from error
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a redirect to no URL
        raise DownloadError(f"{url} failed: {_reason(error)}") from error
    if total is not None and len(data) < total:
        raise DownloadError(f"{url} broke off after {len(data):,} of {total:,} bytes")
    return bytes(data)


class _Paced(io.RawIOBase):
    """What a connection receives, as long as it does not come too slowly."""

    def __init__(self, raw: SocketIO) -> None:
        self._raw, self._received, self._start = raw, 0, time.monotonic()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count = self._raw.readinto(buffer)
        self._received += count or 0
        seconds = time.monotonic() - self._start
        if seconds > GRACE + self._received / SLOWEST:
            raise OSError(f"it sent {self._received:,} bytes in {seconds:.1f} s, too slowly")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PacedResponse(HTTPResponse):
    """An answer whose head and body are read through `_Paced`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fp = io.BufferedReader(_Paced(cast(SocketIO, self.fp.detach())))


class _Connection(HTTPConnection):
    response_class = _PacedResponse


class _SecureConnection(HTTPSConnection):
    response_class = _PacedResponse


class _Handler(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Connection, req)


class _SecureHandler(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_SecureConnection, req)


_OPENER = build_opener(_Handler, _SecureHandler)


def _reason(error: Exception) -> str:
    if isinstance(error, URLError) and isinstance(error.reason, OSError):
        error = error.reason
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # The message of the others may quote the server at any length.
    return f"a broken HTTP answer ({type(error).__name__})"
