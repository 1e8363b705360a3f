"""Who may ask: under which names, and from which pages."""

from __future__ import annotations

import socket

import pytest
from asgi import HOST, Client
from starlette.responses import PlainTextResponse

from mlp.web.guard import Guard, is_own_name

GUARDED = Client(Guard(PlainTextResponse("come in"), "127.0.0.1"))


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
        ({"origin": "http://["}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
    ],
)
def test_a_foreign_name_or_page_is_refused(headers: dict[str, str], status: int) -> None:
    for request in (("GET", "/"), ("GET", "/api/models"), ("POST", "/api/extract")):
        response = GUARDED.request(*request, headers=headers)
        assert response.status == status
        assert response.json()["problem"]
    assert GUARDED.get("/").content == b"come in"


def test_the_application_is_guarded(client: Client) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status == 421
    assert client.get("/").status == 200


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
def test_the_page_itself_is_answered(headers: dict[str, str]) -> None:
    assert GUARDED.post("/api/extract", headers=headers).content == b"come in"


def test_a_link_from_elsewhere_may_open_the_page() -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert GUARDED.get("/", headers=headers).status == 200


def test_two_host_headers_are_one_too_many() -> None:
    headers = [("host", "localhost"), ("host", "evil.example")]
    assert GUARDED.get("/", headers=headers).status == 421


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
