"""MNIST: where it is looked for, and a download that survives whatever a server does."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from mlp.common.errors import DataError
from mlp.data import download, mnist
from mlp.data.dataset import Dataset, Split
from mlp.data.formats.idx import idx_sha256, write_idx
from mlp.data.formats.idx_folder import IDX_FILES, write_idx_folder
from mlp.data.mnist import MnistUnavailable, load_mnist


def digits(count: int) -> Split:
    # Noise, so that packing does not make the files too short to be cut.
    images = np.random.default_rng(count).integers(0, 256, (count, 9, 8), dtype=np.uint8)
    return Split(images, (np.arange(count) % 10).astype(np.uint8))


DIGITS = Dataset("mnist", "test", 10, digits(400), digits(300))
FIRST = f"{IDX_FILES[0]}.gz"


class Mirrors:
    """A server on this machine with two mirrors, each of which answers as ``behave`` says."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.behave: dict[str, Behaviour] = {"first": serve, "second": serve}
        self.requests: list[tuple[str, str]] = []
        self.released = threading.Event()  # lets go of the requests that hang


class Handler(BaseHTTPRequestHandler):
    mirrors: ClassVar[Mirrors]

    def do_GET(self) -> None:
        _, mirror, name = self.path.split("/")
        self.mirrors.requests.append((mirror, name))
        self.mirrors.behave[mirror](self, self.mirrors.files[name])

    def send(
        self, body: bytes, status: int = 200, length: int | None = None, kind: str = "gzip"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"application/{kind}")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


Behaviour = Callable[[Handler, bytes], None]


def serve(handler: Handler, body: bytes) -> None:
    handler.send(body)


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


def redirect_to_itself(handler: Handler, body: bytes) -> None:
    redirect(handler, handler.path)


def redirect_to_no_url(handler: Handler, body: bytes) -> None:
    redirect(handler, "http://[no")


def redirect(handler: Handler, location: str) -> None:
    handler.send_response(302)
    handler.send_header("Location", location)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def break_off_in_pieces(handler: Handler, body: bytes) -> None:
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


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no trace of the user's own settings."""
    folder = tmp_path / "cache" / "mnist"
    monkeypatch.setattr(mnist, "cache_folder", lambda: folder)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    for variable in ("MLP_DATA_DIR", "MLP_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    arrays = (DIGITS.train.images, DIGITS.train.labels, DIGITS.test.images, DIGITS.test.labels)
    sums = {name: idx_sha256(array) for name, array in zip(IDX_FILES, arrays, strict=True)}
    monkeypatch.setattr(mnist, "SHA256", sums)
    return folder


@pytest.fixture
def mirrors(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrors]:
    write_idx_folder(DIGITS, tmp_path / "served")
    mirrors = Mirrors({path.name: path.read_bytes() for path in (tmp_path / "served").iterdir()})
    handler = type("BoundHandler", (Handler,), {"mirrors": mirrors})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    root = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(mnist, "MIRRORS", (f"{root}/first/", f"{root}/second/"))
    monkeypatch.setattr(download, "TIMEOUT", 5.0)
    monkeypatch.setattr(download, "MAX_BYTES", 100_000)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield mirrors
    mirrors.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


def assert_is_digits(found: Dataset, source: Path) -> None:
    assert (found.name, found.source, found.classes) == ("mnist", str(source), 10)
    assert found.train.checksum == DIGITS.train.checksum
    assert found.test.checksum == DIGITS.test.checksum


def assert_holds_only_the_files(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{n}.gz" for n in IDX_FILES)


# --- Where it is looked for ----------------------------------------------------------------------


def test_a_given_folder_is_the_only_one(
    mirrors: Mirrors, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_idx_folder(DIGITS, cache)
    monkeypatch.setenv("MLP_DATA_DIR", str(cache))
    (tmp_path / "given").mkdir()
    with pytest.raises(DataError, match="given lacks train-images") as caught:
        load_mnist(tmp_path / "given")
    assert not isinstance(caught.value, MnistUnavailable)
    write_idx_folder(DIGITS, tmp_path / "given")
    assert_is_digits(load_mnist(tmp_path / "given"), tmp_path / "given")
    assert not mirrors.requests


def test_the_environment_comes_before_the_cache(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_idx_folder(DIGITS, cache, compress=False)
    assert_is_digits(load_mnist(), cache)
    monkeypatch.setenv("MLP_DATA_DIR", str(tmp_path / "named"))
    assert_is_digits(load_mnist(), cache)
    write_idx_folder(DIGITS, tmp_path / "named")
    assert_is_digits(load_mnist(), tmp_path / "named")


def test_without_a_network_the_places_searched_are_named(
    mirrors: Mirrors, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLP_DATA_DIR", "named")
    with pytest.raises(
        MnistUnavailable, match=r"not in named or .*mnist, .* not asked for"
    ) as told:
        load_mnist(download=False)
    assert f"put its four files into {cache}, or name the folder" in str(told.value)
    monkeypatch.setenv("MLP_OFFLINE", "1")
    with pytest.raises(MnistUnavailable, match="MLP_OFFLINE forbids"):
        load_mnist()
    assert not mirrors.requests
    assert not cache.exists()
    monkeypatch.setenv("MLP_OFFLINE", "0")
    assert_is_digits(load_mnist(), cache)


def test_other_data_is_not_mnist(cache: Path) -> None:
    write_idx_folder(DIGITS, cache)
    write_idx(cache / "t10k-labels-idx1-ubyte.gz", np.zeros(300, np.uint8))
    with pytest.raises(
        DataError, match=r"t10k-labels-idx1-ubyte.gz is a sound .* not the right"
    ) as told:
        load_mnist()
    assert not isinstance(told.value, MnistUnavailable)


def test_a_damaged_file_is_named(cache: Path) -> None:
    write_idx_folder(DIGITS, cache)
    (cache / FIRST).write_bytes((cache / FIRST).read_bytes()[:-20])
    with pytest.raises(DataError, match=f"{FIRST} ends early"):
        load_mnist()


def test_the_cache_is_the_users() -> None:
    assert mnist.cache_folder().name == "mnist"
    assert mnist.cache_folder().is_absolute()


def test_the_cache_is_found_without_platformdirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    expected = mnist.cache_folder()
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    if sys.platform == "linux":
        assert mnist.cache_folder() == expected
    assert mnist.cache_folder() == tmp_path / "mlp" / "mnist"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert mnist.cache_folder() == Path.home() / ".cache" / "mlp" / "mnist"


# --- Downloading ---------------------------------------------------------------------------------


def test_what_was_downloaded_is_not_downloaded_again(mirrors: Mirrors, cache: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    found = load_mnist(progress=lambda *report: seen.append(report))
    assert_is_digits(found, cache)
    assert_holds_only_the_files(cache)
    for name, body in mirrors.files.items():
        reports = [(done, total) for file, done, total in seen if file == name]
        assert reports == sorted(reports)
        assert reports[-1] == (len(body), len(body))
    assert_is_digits(load_mnist(), cache)
    assert [name for _, name in mirrors.requests] == [f"{name}.gz" for name in IDX_FILES]


def test_only_what_is_missing_is_downloaded(mirrors: Mirrors, cache: Path) -> None:
    write_idx_folder(DIGITS, cache)
    (cache / FIRST).unlink()
    assert_is_digits(load_mnist(), cache)
    assert mirrors.requests == [("first", FIRST)]


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
    break_off_in_pieces: r"failed: a broken HTTP answer \(IncompleteRead\)",
    drip_for_ever: r"takes more than 0\.5 s",
    send_too_much: "sends more than 100,000 bytes",
    swap: "is a sound IDX file but not the right one",
    cut: "ends early: its gzip data is cut off",
}
SLOW = (hang, hang_half_way, drip_for_ever)


@pytest.mark.parametrize("behaviour", FAILURES, ids=lambda behaviour: behaviour.__name__)
def test_the_second_mirror_helps_out(
    mirrors: Mirrors, cache: Path, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour
) -> None:
    if behaviour in SLOW:
        monkeypatch.setattr(download, "TIMEOUT", 0.5)
        monkeypatch.setattr(download, "MOST_SECONDS", 0.5)
    write_idx_folder(DIGITS, cache)
    (cache / FIRST).unlink()
    mirrors.behave["first"] = behaviour
    assert_is_digits(load_mnist(), cache)
    assert_holds_only_the_files(cache)
    assert {mirror for mirror, _ in mirrors.requests} == {"first", "second"}


@pytest.mark.parametrize("behaviour", FAILURES, ids=lambda behaviour: behaviour.__name__)
def test_when_both_fail_the_message_says_how(
    mirrors: Mirrors, cache: Path, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour
) -> None:
    if behaviour in SLOW:
        monkeypatch.setattr(download, "TIMEOUT", 0.5)
        monkeypatch.setattr(download, "MOST_SECONDS", 0.5)
    mirrors.behave = {"first": behaviour, "second": behaviour}
    with pytest.raises(MnistUnavailable) as caught:
        load_mnist()
    message = str(caught.value)
    for mirror in ("first", "second"):
        assert re.search(f"/{mirror}/{FIRST} {FAILURES[behaviour]}", message), message
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


# --- The real thing ------------------------------------------------------------------------------


@pytest.mark.mnist
def test_the_real_files_are_mnist() -> None:
    try:
        found = load_mnist(download=False)
    except MnistUnavailable as error:
        pytest.skip(str(error))
    assert found.train.images.shape == (60_000, 28, 28)
    assert found.test.images.shape == (10_000, 28, 28)
    assert found.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert round(float(found.train.images.mean()), 4) == 33.3184  # 0.1307 of 255, as is well known
