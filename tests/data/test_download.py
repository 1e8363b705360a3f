"""Downloads: whatever a server does, the files are right or the message says what went wrong."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from mirrors import (
    DIGITS,
    FIRST,
    Behaviour,
    Handler,
    Mirrors,
    assert_holds_only_the_files,
    assert_is_digits,
)

from mlp.data import download, mnist
from mlp.data.formats.idx_folder import IDX_FILES, write_idx_folder
from mlp.data.mnist import MnistUnavailable, load_mnist


def break_off(handler: Handler, body: bytes) -> None:
    handler.send(body[: len(body) // 2], length=len(body))


def hang(handler: Handler, body: bytes) -> None:
    handler.mirrors.released.wait(20)


def hang_half_way(handler: Handler, body: bytes) -> None:
    handler.send(body[: len(body) // 2], length=len(body))
    handler.mirrors.released.wait(20)


def forbid(handler: Handler, body: bytes) -> None:
    handler.send(b"<?xml?><Error>AccessDenied</Error>", 403)


def lack(handler: Handler, body: bytes) -> None:
    handler.send(b"<html>not here</html>", 404)


def page(handler: Handler, body: bytes) -> None:
    handler.send(b"<!DOCTYPE html><html>Log in to the network</html>", kind="html")


def say_nothing(handler: Handler, body: bytes) -> None:
    handler.close_connection = True


def talk_nonsense(handler: Handler, body: bytes) -> None:
    handler.wfile.write(b"nonsense\r\n\r\n")
    handler.close_connection = True


def drip(handler: Handler, body: bytes) -> None:
    handler.send(b"", length=len(body))
    for start in range(0, len(body), 2000):
        handler.wfile.write(body[start : start + 2000])
        handler.mirrors.released.wait(0.005)


def drip_for_ever(handler: Handler, body: bytes) -> None:
    handler.send(b"", length=len(body))
    with suppress(OSError):  # the other end gives up
        for byte in body:
            handler.wfile.write(bytes([byte]))
            if handler.mirrors.released.wait(0.05):
                return


def drip_its_head(handler: Handler, body: bytes) -> None:
    with suppress(OSError):  # the other end gives up
        for byte in b"HTTP/1.0 200 OK\r\n" + 3 * b"X-Padding: 0123456789\r\n":
            handler.wfile.write(bytes([byte]))
            if handler.mirrors.released.wait(0.05):
                return


def redirect_to_itself(handler: Handler, body: bytes) -> None:
    redirect(handler, handler.path)


def redirect_to_no_url(handler: Handler, body: bytes) -> None:
    redirect(handler, "http://[no")


def redirect(handler: Handler, location: str) -> None:
    handler.send_response(302)
    handler.send_header("Location", location)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def break_off_in_chunks(handler: Handler, body: bytes) -> None:
    handler.protocol_version = "HTTP/1.1"
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"10\r\n" + body[:16] + b"\r\nmore")
    handler.close_connection = True


def send_too_much(handler: Handler, body: bytes) -> None:
    handler.send(body + bytes(2 * download.MAX_BYTES))


def swap(handler: Handler, body: bytes) -> None:
    other = handler.mirrors.files[f"{IDX_FILES[2]}.gz"]
    assert other != body
    handler.send(other)


def cut(handler: Handler, body: bytes) -> None:
    handler.send(body[:-9])


FAILURES = {
    forbid: "answered 403 Forbidden",
    lack: "answered 404 Not Found",
    page: "looks like an HTML page, probably a download that failed",
    break_off: r"broke off after [\d,]+ of [\d,]+ bytes",
    hang: r"failed: no answer within 0\.5 s",
    hang_half_way: r"failed: no answer within 0\.5 s",
    say_nothing: "failed: Remote end closed connection",
    talk_nonsense: r"failed: a broken HTTP answer \(BadStatusLine\)",
    redirect_to_itself: "answered 302 Found",
    redirect_to_no_url: r"failed: a broken HTTP answer \(ValueError\)",
    break_off_in_chunks: r"failed: a broken HTTP answer \(IncompleteRead\)",
    drip_for_ever: r"failed: it sent [\d,]+ bytes in [\d.]+ s, too slowly",
    drip_its_head: r"failed: it sent [\d,]+ bytes in [\d.]+ s, too slowly",
    send_too_much: "sends more than 100,000 bytes",
    swap: "is a sound IDX file but not the right one",
    cut: "ends early: its gzip data is cut off",
}
SLOW = (hang, hang_half_way, drip_for_ever, drip_its_head)


@pytest.fixture(params=FAILURES, ids=lambda behaviour: behaviour.__name__)
def failing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Behaviour:
    """Each way in which a mirror fails; half a second is waited for those that never end."""
    behaviour: Behaviour = request.param
    if behaviour in SLOW:
        monkeypatch.setattr(download, "TIMEOUT", 0.5)
        monkeypatch.setattr(download, "GRACE", 0.5)
    return behaviour


def test_the_second_mirror_helps_out(mirrors: Mirrors, cache: Path, failing: Behaviour) -> None:
    write_idx_folder(DIGITS, cache)
    (cache / FIRST).unlink()
    mirrors.behave["first"] = failing
    assert_is_digits(load_mnist(), cache)
    assert_holds_only_the_files(cache)
    assert {mirror for mirror, _ in mirrors.requests} == {"first", "second"}


def test_when_both_fail_the_message_says_how(
    mirrors: Mirrors, cache: Path, failing: Behaviour
) -> None:
    mirrors.behave = {"first": failing, "second": failing}
    with pytest.raises(MnistUnavailable) as caught:
        load_mnist()
    message = str(caught.value)
    for mirror in ("first", "second"):
        assert re.search(f"/{mirror}/{FIRST} {FAILURES[failing]}", message), message
    assert message.endswith("or name the folder that they are in with --data")
    assert "\n" not in message
    assert list(cache.iterdir()) == []
    assert {name for _, name in mirrors.requests} == {FIRST}, "it goes on without hope"


def test_a_server_that_is_not_there_is_told_as_such(
    mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:1/",))
    with pytest.raises(MnistUnavailable, match=f"{FIRST} failed: .*refused"):
        load_mnist()


def test_a_cache_that_cannot_be_written_is_told_as_such(mirrors: Mirrors, cache: Path) -> None:
    cache.parent.write_bytes(b"a file where a folder should be")
    with pytest.raises(MnistUnavailable, match=r"downloading it failed \(cannot write"):
        load_mnist()
    assert not mirrors.requests


def test_an_interrupted_transfer_leaves_nothing_and_may_be_repeated(
    mirrors: Mirrors, cache: Path
) -> None:
    def interrupt(name: str, done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_mnist(progress=interrupt)
    assert list(cache.iterdir()) == []
    assert_is_digits(load_mnist(), cache)
    assert_holds_only_the_files(cache)


def test_a_part_file_of_an_earlier_version_is_not_minded(mirrors: Mirrors, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / f"{FIRST}.part").write_bytes(bytes(100))
    assert_is_digits(load_mnist(), cache)
    assert_is_digits(load_mnist(download=False), cache)


def test_two_runs_at_once_do_each_other_no_harm(mirrors: Mirrors, cache: Path) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            assert_is_digits(load_mnist(), cache)
        except BaseException as error:
            failures.append(error)

    mirrors.behave["first"] = drip
    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
        thread.join(0.02)  # so that each finds another part of the file there
    for thread in threads:
        thread.join()
    assert not failures
    assert_is_digits(load_mnist(download=False), cache)
