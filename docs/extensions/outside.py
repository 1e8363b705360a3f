"""Links from the documents to files beside them: what is no page is offered as a file.

On a page of the repository ``[the log](../bench/LOG.md)`` leads to the file. Sphinx knows the
documents of its own folder alone; so here such a link becomes one to a copy of the file, and one
to a folder, which has no copy, becomes its words.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s:#]+)(#[^)\s]*)?\)")


def rewritten(text: str, page: Path, root: Path) -> str:
    """Return a page with its links out of the documents rewritten.

    Args:
        text: the page, in Markdown.
        page: where it lies.
        root: the folder of the documents.
    """

    def rewrite(link: re.Match[str]) -> str:
        target = (page.parent / link[2]).resolve()
        if target.is_dir():
            return link[1]
        if target.is_relative_to(root):
            return link[0]
        return f"[{link[1]}](path:{link[2]})"

    return LINK.sub(rewrite, text)


def _rewrite(app: Any, name: str, source: list[str]) -> None:
    page = Path(app.env.doc2path(name))
    if page.suffix == ".md":
        source[0] = rewritten(source[0], page, Path(app.srcdir))


def setup(app: Any) -> dict[str, bool]:
    """Enter the extension."""
    app.connect("source-read", _rewrite)
    return {"parallel_read_safe": True}
