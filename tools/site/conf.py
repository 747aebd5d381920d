"""What Sphinx is told. `tools.site` writes the pages that it reads."""

import re
from pathlib import Path
from typing import Any

import pminusy

project = "pminusy"
author = "The pminusy authors"
copyright = author  # noqa: A001  # the name is Sphinx's
version = release = pminusy.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "tools.site.mathml"]
exclude_patterns = ["benchmarks/*.json"]
suppress_warnings = ["myst.header"]  # chapters of a derivation begin where its writer begins them

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
myst_fence_as_directive = ["math"]

# `name` in a docstring is code, as in Markdown.
default_role = "literal"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = False  # parameters that share a sentence share its line
autodoc_typehints = "none"  # signatures say the types once, docstrings what they mean
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = "pminusy"
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]


def _plain_bars(app: Any, what: str, name: str, about: Any, options: Any, lines: list[str]) -> None:
    """Bars of |x| are bars, not the marks of a substitution."""
    lines[:] = [line if "``" in line else line.replace("|", r"\|") for line in lines]


def _left_out(app: Any, what: str, name: str, about: Any, skip: bool, options: Any) -> bool | None:
    """What scikit-learn generates for routing metadata speaks of its own glossary."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def setup(app: Any) -> None:
    """Connect both."""
    app.connect("autodoc-process-docstring", _plain_bars)
    app.connect("autodoc-skip-member", _left_out)
