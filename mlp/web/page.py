"""The page's files: as the server hands them out, and as one file that needs no other."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from mlp.common.atomic import claiming, replacing
from mlp.common.errors import ModelError
from mlp.common.overwrite import check_destination, taken
from mlp.common.printable import printable
from mlp.handwriting import constants
from mlp.nn.network import MLP
from mlp.web.network import network_payload
from mlp.web.payload import sample_strokes

SHARED = (
    *("handwriting", "segment", "views", "doubt", "network", "board", "answer", "inside", "live"),
    *("picture", "circles", "unit", "samples", "disturb"),
)
"""The scripts that either page begins with, in order."""

TITLE = "Draw a digit"


def read_static(name: str) -> str:
    """Return a file that a browser runs or shows."""
    return (files("mlp.web") / "static" / name).read_text("utf-8")


def served_scripts() -> list[str]:
    """Name the files of the scripts of the page of ``mlp draw``, in order."""
    return [f"{name}.js" for name in (*SHARED, "crowd", "through", "app")]


def served_page() -> str:
    """Return the page of ``mlp draw``, which loads its style and its scripts from the server."""
    scripts = "\n  ".join(f'<script src="{name}" defer></script>' for name in served_scripts())
    style = '<link rel="stylesheet" href="style.css">'
    return _fill("served", title=TITLE, policy="", style=style, scripts=scripts)


def exported_page(model: MLP, name: str) -> str:
    """Return a page with a network in it, which works without a network connection or a server.

    Its policy lets no browser load anything or run another script.

    Args:
        model: a network on 28 x 28 pixels.
        name: what the page calls it.

    Raises:
        ModelError: if the page cannot hold it, see `mlp.web.network.network_payload`.
    """
    name = printable(name)
    network = _data("network", network_payload(model, name))
    style, script = read_static("style.css"), _script((*SHARED, "exported"))
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    return _fill(
        "exported",
        title=html.escape(f"{TITLE}: {name}"),
        policy=f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        style=f"<style>{style}</style>",
        scripts=f"{network}\n  <script>{script}</script>",
    )


def write_page(model: MLP, path: Path, name: str, *, force: bool = False) -> int:
    """Write `exported_page`, whole or not at all.

    Args:
        model: a network on 28 x 28 pixels.
        path: the file.
        name: what the page calls the network.
        force: whether a file that is there may be replaced.

    Returns:
        The bytes of the file.

    Raises:
        UsageError: if the place is taken.
        ModelError: if the page cannot hold the network, or it cannot be written there.
    """
    check_destination(path, force, False, ModelError)
    content = exported_page(model, name).encode()
    try:
        if force:
            _write(content, path)
        else:
            with claiming(path) as place:
                _write(content, place)
    except FileExistsError:
        raise taken(path) from None
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}") from None
    return len(content)


def _write(content: bytes, path: Path) -> None:
    with replacing(path) as file:
        file.write(content)


def _fill(kept: str, **parts: str) -> str:
    """Fill the page's gaps; of what is marked for one kind of page, keep that of this kind."""
    marked = re.compile(r"<!-- (\w+): -->(.*?)<!-- :\1 -->", re.DOTALL)
    page = marked.sub(lambda m: m[2] if m[1] == kept else "", read_static("index.html"))
    page = re.sub(r"\n( *\n)+", "\n", page)
    shared = _data("constants", _constants()), _data("strokes", sample_strokes())
    return Template(page).substitute(parts, constants="\n  ".join(shared))


def _script(names: tuple[str, ...]) -> str:
    return "\n".join(read_static(f"{name}.js") for name in names)


def _constants() -> dict[str, float]:
    """Return the constants of the way from a drawing to a digit that the scripts read."""
    names = re.findall(r"\bconstants\.([A-Z_]+)", _script(SHARED))
    return {name: getattr(constants, name) for name in sorted(set(names))}


def _data(name: str, value: Any) -> str:
    """Return an element that holds JSON; no text in it can end it."""
    text = json.dumps(value, separators=(",", ":"))
    text = re.sub(r"<(?=[!/s])", r"\\u003c", text, flags=re.IGNORECASE)
    return f'<script type="application/json" id="{name}">{text}</script>'


def _hash(content: str) -> str:
    """Name an inline script or style in a policy by its content."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
