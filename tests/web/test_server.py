"""The page's server: what it reads and shows, whom it refuses, and that it goes on answering."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import socket
import struct
import sys
import zlib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import anyio
import numpy as np
import pytest
from hard_pictures import draw_digit, place
from PIL import Image
from served import serving
from starlette.types import ASGIApp, Message

from mlp.cli import main
from mlp.cli.draw import draw as command
from mlp.common.errors import ModelError, UsageError
from mlp.models.attribution import activations
from mlp.models.checkpoint import load, save
from mlp.models.predict import probabilities
from mlp.nn.network import MLP
from mlp.web import app as web
from mlp.web.app import MAX_BYTES, create_app
from mlp.web.guard import is_own_name
from mlp.web.model_list import PRETRAINED, ModelList
from mlp.web.payload import UNITS_SHOWN
from mlp.web.server import address_of, listen

HOST = "127.0.0.1:8000"


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


class Client:
    """Asks an application in this process, in the words of ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def request(
        self,
        method: str,
        path: str,
        content: bytes | Iterable[bytes] = b"",
        headers: dict[str, str] | Iterable[tuple[str, str]] = (),
        params: dict[str, str] | None = None,
    ) -> Response:
        """Send a request; a body of bytes tells its length, and one in pieces does not."""
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        if not any(name == "host" for name, _ in pairs):
            pairs.append(("host", HOST))
        if isinstance(content, bytes):
            pairs.append(("content-length", str(len(content))))
            content = [content]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": urlencode(params or {}).encode(),
            "headers": [(name.encode(), value.encode()) for name, value in pairs],
        }
        pieces = iter(content)
        sent: list[Message] = []

        async def receive() -> Message:
            piece = next(pieces, None)
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

        async def send(message: Message) -> None:
            sent.append(message)

        anyio.run(self._app, scope, receive, send)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Response(
            sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:])
        )

    def get(self, path: str, **options: Any) -> Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Response:
        return self.request("POST", path, **options)


def png(*digits: int) -> bytes:
    """Digits drawn side by side, as a PNG; none is an empty canvas."""
    drawn = [draw_digit(digit, 110) for digit in digits]
    page = place(drawn, 180, 130 * max(len(digits), 1) + 60, 30)
    content = io.BytesIO()
    Image.fromarray((255 * (1 - page)).astype(np.uint8)).save(content, "PNG")
    return content.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def bomb(side: int) -> bytes:
    """A small PNG of side x side pixels, all white."""
    row = zlib.compress(bytes(side // 8 + 1), 9)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", row) + chunk(b"IEND", b"")


def jpeg(share: float) -> bytes:
    content = io.BytesIO()
    Image.open(io.BytesIO(png(3))).save(content, "JPEG")
    return content.getvalue()[: int(share * len(content.getvalue()))]


@pytest.fixture
def offered(reader: Path, tmp_path: Path) -> ModelList:
    """A model that reads, and a folder with another and with files that are no models."""
    save(MLP([784, 10], seed=1), tmp_path / "other.safetensors")
    save(MLP([64, 10]), tmp_path / "small.safetensors")
    (tmp_path / "broken.npz").write_bytes(b"PK")
    (tmp_path / "notes.txt").write_text("secret")
    return ModelList(reader, tmp_path)


@pytest.fixture
def client(offered: ModelList) -> Client:
    return Client(create_app(offered))


def read(client: Client, content: bytes, **options: Any) -> dict[str, Any]:
    response = client.post("/api/read", content=content, **options)
    assert response.status == 200, response.content.decode()
    result: dict[str, Any] = response.json()
    return result


def decoded(text: str, dtype: str = "int8") -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype)


# Reading


@pytest.mark.parametrize("digit", range(10))
def test_every_digit_is_read(client: Client, digit: int) -> None:
    result = read(client, png(digit))
    assert result["text"] == str(digit)
    (shown,) = result["digits"]
    assert shown["confidence"] == max(shown["probabilities"])
    assert sum(shown["probabilities"]) == pytest.approx(1)


def test_what_the_network_saw_and_did_is_told(client: Client, reader: Path) -> None:
    model = load(reader)
    result = read(client, png(7))
    assert result["model"]["layers"] == list(model.sizes)
    (shown,) = result["digits"]
    image = decoded(shown["image"], "uint8").reshape(28, 28)
    shares = probabilities(model, image[None])[0]
    np.testing.assert_allclose(shown["probabilities"], shares, rtol=1e-6)

    hidden, output = shown["layers"]
    assert (hidden["units"], output["units"]) == (64, 10)
    values = activations(model, image)
    ranks = [np.argsort(v)[-3:].tolist() for v in (values[1], decoded(output["values"]))]
    assert ranks[0] == ranks[1]
    assert ((decoded(hidden["values"]) > 0) <= (values[0] > 0)).all()

    adds = [unit["adds"] for unit in shown["units"]]
    assert len(adds) == UNITS_SHOWN
    assert adds == sorted(adds, reverse=True)
    W, last = (model.backend.to_numpy(layer.W) for layer in model.linear)
    for unit in shown["units"]:
        assert unit["adds"] == pytest.approx(
            values[0][unit["unit"]] * last[unit["unit"], 7], rel=1e-4
        )
        correlation = np.corrcoef(decoded(unit["weights"]), W[:, unit["unit"]])[0, 1]
        assert correlation > 0.97
    evidence = decoded(shown["evidence"]).reshape(28, 28)
    assert not evidence[image == 0].any(), "paper adds nothing"
    assert evidence.any()


def test_an_empty_canvas_is_empty(client: Client) -> None:
    result = read(client, png())
    assert (result["text"], result["digits"]) == ("", [])


def test_a_line_is_read_from_left_to_right(client: Client) -> None:
    result = read(client, png(2, 0, 7))
    assert result["text"] == "207"
    lefts = [digit["box"]["left"] for digit in result["digits"]]
    assert lefts == sorted(lefts)
    assert max(digit["box"]["right"] for digit in result["digits"]) <= result["width"]


def test_a_network_without_hidden_layers_is_shown_too(client: Client) -> None:
    (shown,) = read(client, png(1), params={"model": "other.safetensors"})["digits"]
    assert [layer["units"] for layer in shown["layers"]] == [10]
    (unit,) = shown["units"]
    assert unit["unit"] == int(np.argmax(shown["probabilities"]))
    assert unit["adds"] is None


# Models


def test_models_are_listed_as_they_come(client: Client, reader: Path, tmp_path: Path) -> None:
    listed = client.get("/api/models").json()
    names = [name for name in listed["models"] if name != PRETRAINED]
    assert names == [reader.name, "broken.npz", "other.safetensors", "small.safetensors"]
    assert listed["first"] == reader.name
    shutil.copy(reader, tmp_path / "late.safetensors")
    assert "late.safetensors" in client.get("/api/models").json()["models"]
    assert read(client, png(4), params={"model": "late.safetensors"})["text"] == "4"


def test_a_model_that_changed_is_read_again(client: Client, tmp_path: Path) -> None:
    options = {"params": {"model": "other.safetensors"}}
    before = read(client, png(4), **options)
    (tmp_path / "other.safetensors").unlink()
    save(MLP([784, 5, 10]), tmp_path / "other.safetensors")
    assert read(client, png(4), **options)["model"]["layers"] != before["model"]["layers"]


@pytest.mark.parametrize(
    "name",
    ["../reader.safetensors", "/etc/passwd", "notes.txt", "none", "", "small.safetensors",
     "broken.npz", "\0", "..%2fnotes.txt"],
)  # fmt: skip
def test_no_other_file_is_opened(client: Client, name: str) -> None:
    response = client.post("/api/read", content=png(1), params={"model": name})
    assert response.status == 422
    assert b"secret" not in response.content
    assert read(client, png(1))["text"] == "1"


def test_where_there_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> MLP:
        raise ModelError("this package comes without a trained model")

    monkeypatch.setattr("mlp.web.model_list.pretrained_model", none)
    with pytest.raises(ModelError, match="without a trained model"):
        ModelList()
    with pytest.raises(ModelError, match="no folder"):
        ModelList(folder=tmp_path / "none")
    with pytest.raises(ModelError, match="no model file"):
        ModelList(tmp_path / "none.safetensors")
    (tmp_path / "a.npz").write_bytes(b"PK")
    with pytest.raises(ModelError):
        ModelList(folder=tmp_path)
    save(MLP([784, 10]), tmp_path / "b.safetensors")
    assert ModelList(folder=tmp_path).first == "b.safetensors", (
        "a broken file stands in no one's way"
    )


def test_the_pretrained_model_comes_first(
    reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlp.web.model_list.pretrained_model", lambda: load(reader))
    save(MLP([784, 10]), tmp_path / "a.safetensors")
    offered = ModelList(folder=tmp_path)
    assert offered.names() == [PRETRAINED, "a.safetensors"]
    assert offered.get(offered.first).sizes == load(reader).sizes
    assert ModelList(tmp_path / "a.safetensors").names() == ["a.safetensors", PRETRAINED]


# The page itself


@pytest.mark.parametrize("path", ["/", "/app.js", "/style.css"])
def test_the_page_may_do_no_more_than_it_needs(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status == 200
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"


def test_the_page_asks_nothing_of_the_internet() -> None:
    for file in (files("mlp.web") / "static").iterdir():
        assert not re.search(r"https?:|//\w+\.|@import|url\(", file.read_text("utf-8")), file.name


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/none", 404), ("GET", "/../../pyproject.toml", 404), ("GET", "/api/read", 405),
     ("GET", "/static/app.js", 404), ("POST", "/", 405)],
)  # fmt: skip
def test_nothing_else_is_there(client: Client, method: str, path: str, status: int) -> None:
    response = client.request(method, path)
    assert response.status == status
    assert response.json()["problem"]
    assert "content-security-policy" in response.headers


# Hostile pictures


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (bomb(60_000), "million pixels"),
        (jpeg(0.6), "damaged or cut short"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><rect/></svg>", "SVG"),
        (b"", "empty"),
        (b"seven", "use PNG"),
        (bytes(5000), ""),
        (png(4)[:80], "damaged"),
    ],
    ids=["bomb", "cut JPEG", "SVG", "nothing", "text", "zeros", "cut PNG"],
)
def test_what_is_no_picture_is_refused(client: Client, content: bytes, told: str) -> None:
    response = client.post("/api/read", content=content)
    assert response.status == 422
    assert told in response.json()["problem"]
    assert read(client, png(4))["text"] == "4"


def test_a_picture_that_is_too_large_is_refused(client: Client) -> None:
    response = client.post("/api/read", content=bytes(MAX_BYTES + 1))
    assert response.status == 413
    assert "10 MB" in response.json()["problem"]
    in_pieces = (bytes(1 << 20) for _ in range(11))
    assert client.post("/api/read", content=in_pieces).status == 413
    assert client.post("/api/read", content=bytes(MAX_BYTES)).status == 422
    assert read(client, png(4))["text"] == "4"


def test_what_never_arrives_is_given_up(
    offered: ModelList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "PATIENCE", 0.05)
    sent: list[Any] = []

    async def receive() -> Any:
        await anyio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/api/read", "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }  # fmt: skip
    anyio.run(create_app(offered), scope, receive, send)
    assert sent[0]["status"] == 408


# Foreign pages and names


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:8000"}, 421),
        ({"host": "192.168.0.7:8000"}, 421),
        ({"host": "127.0.0.1:8000@evil.example"}, 421),
        ({"host": ""}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:8001"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
    ],
)
def test_a_foreign_name_or_page_is_refused(
    client: Client, headers: dict[str, str], status: int
) -> None:
    for request in (("GET", "/"), ("GET", "/api/models"), ("POST", "/api/read")):
        response = client.request(*request, headers=headers, content=png(1))
        assert response.status == status
        assert response.json()["problem"]
    assert read(client, png(4))["text"] == "4"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"},
        {"host": "localhost:8000", "origin": "http://localhost:8000"},
        {"host": "LOCALHOST:9000"},
        {"host": "[::1]:8000", "origin": "http://[::1]:8000"},
        {},
    ],
)
def test_the_page_itself_is_answered(client: Client, headers: dict[str, str]) -> None:
    assert read(client, png(4), headers=headers)["text"] == "4"


def test_a_link_from_elsewhere_may_open_the_page(client: Client) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/", headers=headers).status == 200


def test_two_host_headers_are_one_too_many(client: Client) -> None:
    headers = [("host", "localhost"), ("host", "evil.example")]
    assert client.get("/", headers=headers).status == 421


@pytest.mark.parametrize(
    ("host", "bound", "own"),
    [
        ("192.168.0.7:8000", "0.0.0.0", True),
        ("[fe80::1]:8000", "0.0.0.0", True),
        (socket.gethostname(), "0.0.0.0", True),
        ("evil.example:8000", "0.0.0.0", False),
        ("box.lan", "box.lan", True),
        ("127.0.0.2:1", "127.0.0.2", True),
        ("192.168.0.7", "127.0.0.1", False),
        ("localhost:none", "127.0.0.1", False),
        ("localhost/evil.example", "127.0.0.1", False),
        ("[::1", "127.0.0.1", False),
    ],
)
def test_which_names_are_its_own(host: str, bound: str, own: bool) -> None:
    assert is_own_name(host, bound) is own


# Serving


def test_a_port_that_is_taken_and_an_address_of_another_machine() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert address_of(taken) == f"http://127.0.0.1:{port}/"
        with pytest.raises(UsageError, match="--port"):
            listen("127.0.0.1", port)
    with pytest.raises(UsageError, match="--host"):
        listen("192.0.2.1", 0)
    with pytest.raises(UsageError):
        listen("no such name.invalid", 0)


def test_without_the_extra_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = sys.modules[command.__module__]
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "uvicorn" else 1)
    monkeypatch.setattr(sys, "argv", ["mlp", "draw"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "pip install 'mlp[draw]'" in said
    assert "uvicorn" in said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_the_command_serves_until_it_is_interrupted(reader: Path) -> None:
    """A process of its own is sent 200 MB and foreign names, answers still, and ends well."""
    with serving("--model", reader) as port:
        own = f"127.0.0.1:{port}"
        assert ask(port, own, png(4))[1]["text"] == "4"
        assert ask(port, "evil.example", png(4))[0] == 421
        status, answer = ask(port, own, b"", 200 << 20)
        assert status == 413
        assert "10 MB" in answer["problem"]
        assert ask(port, own, bomb(60_000))[0] == 422
        assert ask(port, own, png(8))[1]["text"] == "8"


def ask(port: int, host: str, content: bytes, zeros: int = 0) -> tuple[int, dict[str, Any]]:
    """Send a picture, or so many zeros, as a client that reads nothing until all is sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        length = len(content) + zeros
        head = f"POST /api/read HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + content)
        block = bytes(1 << 20)
        for _ in range(zeros // len(block)):
            connection.sendall(block)
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
    head_bytes, _, body = answer.partition(b"\r\n\r\n")
    return int(head_bytes.split()[1]), json.loads(body)
