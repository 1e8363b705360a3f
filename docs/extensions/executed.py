"""Runs the blocks of the book as its pages are read, so that what a page shows is what happens.

A block that fails, or that prints something else than what stands below it, is a warning, and ends
``sphinx-build -W``.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Container
from pathlib import Path
from typing import Any

from sphinx.util import logging
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "support"))

from documented import RUN_WHOLE, in_a_process, run_page  # noqa: E402

LOGGER = logging.getLogger(__name__)


def run_pages(app: Any, environment: Any, names: Container[str]) -> None:
    """Run those of the pages that are about to be read, each in an empty folder.

    Args:
        app: Sphinx.
        environment: its environment, unused.
        names: the documents that have changed.
    """
    del environment
    came_from = Path.cwd()
    os.environ["MLP_OFFLINE"] = "1"
    for page in RUN_WHOLE:
        name = page.relative_to(app.srcdir).with_suffix("").as_posix()
        if name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
            os.chdir(folder)
            try:
                run_page(page, in_a_process(Path(folder)))
            except Exception as error:
                LOGGER.warning("%s", error, location=name)
            finally:
                os.chdir(came_from)


def setup(app: Any) -> dict[str, bool]:
    """Enter the extension."""
    app.connect("env-before-read-docs", run_pages)
    return {"parallel_read_safe": True}
