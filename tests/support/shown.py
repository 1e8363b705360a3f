"""What every piece of HTML for a notebook keeps to."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser

import PIL.Image

EMPTY = {"img", "br"}


class Shown(HTMLParser):
    """A piece of HTML, taken apart; refuses scripts, what has to be loaded, and what is not closed.

    Attributes:
        text: all its text.
        tags: the elements, in order.
        pictures: the images in it.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self.pictures = "", [], []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list) -> None:
        assert tag not in ("script", "link", "iframe", "object", "style"), tag
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in ("src", "href"):
                assert value.startswith("data:image/png;base64,"), value
                content = base64.b64decode(value.split(",", 1)[1])
                self.pictures.append(PIL.Image.open(io.BytesIO(content)))
        self.tags.append(tag)
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
