"""Fetching one file over HTTP: resumed, checked, and in its place only when it is right."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, responses
from pathlib import Path
from typing import cast
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from mlp.common.atomic import replacing
from mlp.common.errors import DataError

TIMEOUT = 10.0
"""Seconds to wait for a connection, and for each further piece of data."""

MAX_BYTES = 64 << 20
"""The longest answer that is taken: a bound on what a hostile or broken server can cost."""

Progress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes there so far, and those expected, if known."""

Check = Callable[[io.BytesIO, str], None]
"""Called with the whole file and its URL; raises a DataError if it is not the right one."""

_CHUNK = 1 << 16


class DownloadError(DataError):
    """A file that could not be fetched from anywhere."""


def fetch(
    target: Path, mirrors: Sequence[str], check: Check, progress: Progress | None = None
) -> None:
    """Fetch ``target`` from the first of the mirrors that gives the right bytes.

    What has arrived is kept in ``<target>.part`` if the transfer breaks off, and the next call
    goes on from there. The part file is only ever written at the place in the file where the
    bytes belong, so that two runs at once do each other no harm, and ``target`` is written from
    the very bytes that were checked.

    Args:
        target: the file to make; its folder is made if need be.
        mirrors: URLs ending in ``/``, to which the target's name is added.
        check: decides whether the bytes are right.
        progress: told how far each file is.

    Raises:
        DownloadError: if no mirror gave the file or it could not be written; the message says
            what went wrong at each.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "r+b", opener=_open_or_create) as file:
            data = _from_first_good(mirrors, target.name, file, check, progress)
        with replacing(target) as whole:
            whole.write(data)
    except OSError as error:
        raise DownloadError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        # Windows refuses while another run has it open, which will then delete it.
        with suppress(OSError):
            if target.exists() or part.stat().st_size == 0:
                part.unlink()


def _open_or_create(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o666)


def _from_first_good(
    mirrors: Sequence[str],
    name: str,
    file: io.BufferedRandom,
    check: Check,
    progress: Progress | None,
) -> bytes:
    failures = []
    for mirror in mirrors:
        try:
            return _transfer_checked(mirror + name, file, check, progress)
        except DataError as error:
            failures.append(str(error))
    raise DownloadError("; ".join(failures))


def _transfer_checked(
    url: str, file: io.BufferedRandom, check: Check, progress: Progress | None
) -> bytes:
    resumed = _transfer(url, file, progress)
    file.seek(0)
    data = file.read()
    try:
        check(io.BytesIO(data), url)
    except DataError:
        file.truncate(0)
        if not resumed:
            raise
        # The first bytes may have come from elsewhere: once more, from the start.
        return _transfer_checked(url, file, check, progress)
    return data


def _transfer(url: str, file: io.BufferedRandom, progress: Progress | None) -> bool:
    """Append what is missing to the file; True if it went on from bytes that were there."""
    done = file.seek(0, io.SEEK_END)
    response = _ask(url, done)
    if response is None:  # nothing is missing, or the file is none of this server's
        return True
    with response:
        resumed = response.status == HTTPStatus.PARTIAL_CONTENT
        if not resumed:  # a server that ignores Range sends everything
            done = 0
        total = done + response.length if response.length is not None else None
        file.seek(done)
        try:
            for chunk in _chunks(url, response):
                if done + len(chunk) > MAX_BYTES:
                    done = 0
                    raise DownloadError(f"{url} sends more than {MAX_BYTES:,} bytes")
                file.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(url.rpartition("/")[2], done, total)
        finally:
            file.truncate(done)
        if total is not None and done < total:
            raise DownloadError(f"{url} broke off after {done:,} of {total:,} bytes")
    return resumed


def _ask(url: str, start: int) -> HTTPResponse | None:
    """Request the bytes from ``start`` on; None if the server says that there are none."""
    request = Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        return cast(HTTPResponse, urlopen(request, timeout=TIMEOUT))
    except HTTPError as error:
        with error:
            if start and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return None
            phrase = responses.get(error.code, "")  # the server's own may be anything
            raise DownloadError(f"{url} answered {error.code} {phrase}") from error
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a redirect to no URL
        raise DownloadError(f"{url} failed: {_reason(error)}") from error


def _chunks(url: str, response: HTTPResponse) -> Iterator[bytes]:
    """The answer in the pieces that it arrives in."""
    try:
        while chunk := response.read1(_CHUNK):
            yield chunk
    except (OSError, HTTPException) as error:
        raise DownloadError(f"{url} failed: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, URLError) and isinstance(error.reason, OSError):
        error = error.reason
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # The message of the others may quote the server at any length.
    return f"a broken HTTP answer ({type(error).__name__})"
