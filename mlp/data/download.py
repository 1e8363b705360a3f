"""Fetching one file over HTTP: within limits, and stored only if its bytes are right."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from http.client import HTTPException, HTTPResponse, responses
from pathlib import Path
from typing import cast
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from mlp.common.atomic import replacing
from mlp.common.errors import DataError

TIMEOUT = 10.0
"""Seconds to wait for a connection, and for each further piece of data."""

MOST_SECONDS = 900.0
"""Seconds that one file may take from one mirror: enough for 10 MB at 11 kB/s."""

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
    data, end = bytearray(), time.monotonic() + MOST_SECONDS
    try:
        with cast(HTTPResponse, urlopen(url, timeout=TIMEOUT)) as response:
            total = response.length
            while chunk := response.read1(_CHUNK):
                data += chunk
                if len(data) > MAX_BYTES:
                    raise DownloadError(f"{url} sends more than {MAX_BYTES:,} bytes")
                if time.monotonic() > end:
                    raise DownloadError(f"{url} takes more than {MOST_SECONDS:g} s")
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


def _reason(error: Exception) -> str:
    if isinstance(error, URLError) and isinstance(error.reason, OSError):
        error = error.reason
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # The message of the others may quote the server at any length.
    return f"a broken HTTP answer ({type(error).__name__})"
