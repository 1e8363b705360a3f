"""How Sphinx builds the documents: ``sphinx-build -W docs build/docs``, with the extra ``docs``."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "extensions")]

project = "mlp"
author = "the authors of mlp"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "commands",
    "executed",
    "outside",
]
root_doc = "index"
exclude_patterns = ["extensions"]
html_theme = "furo"
html_title = "mlp"

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3

nb_execution_mode = "auto"
nb_execution_raise_on_error = True
nb_execution_timeout = 120

default_role = "literal"  # docstrings have names between single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
