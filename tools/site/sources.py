"""The pages of docs/ as Sphinx reads them: line by line the same, so that a warning has its place.

Formulas as GitHub takes them become MyST's, comments become blank lines, and links that leave
docs/ lead to the page of the site that has the same.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

__all__ = ["ROOT", "SITE_PAGES", "other_chapters", "write_sources"]

ROOT = Path(__file__).resolve().parents[2]

# What lies outside docs/ and is a page of the site.
SITE_PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "examples/README.md": "examples.md",
    "README.md": "index.md",
}
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_INLINE_MATH = re.compile(r"\$`(.*?)`\$")
_LINK = re.compile(r"(?<=\]\()([^)\s#]+)(?=[)#])")
_FENCE = re.compile(r"^(```.*?^```$)", re.MULTILINE | re.DOTALL)


def write_sources(folder: Path, parts: Mapping[str, Callable[[], str]]) -> None:
    """Fill a folder with every page; `parts` replace the comments `<!-- made: NAME -->`."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in sorted((ROOT / "docs").rglob("*")):
        place = folder / path.relative_to(ROOT / "docs")
        if path.suffix == ".md":
            write(place, page(path, parts))
        elif path.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    for outside, inside in SITE_PAGES.items():
        if outside != "README.md":
            write(folder / inside, page(ROOT / outside, parts))


def other_chapters() -> str:
    """Chapters of docs/ that the contents do not name yet: none is left out of the site."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    named = {"index", *re.findall(r"^(?:.*<)?([\w/-]+)>?$", index, re.MULTILINE)}
    return "\n".join(
        name for path in sorted((ROOT / "docs").glob("*.md")) if (name := path.stem) not in named
    )


def write(place: Path, text: str) -> None:
    """Write a page, with its folders."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")


def page(path: Path, parts: Mapping[str, Callable[[], str]]) -> str:
    """The text of a page for Sphinx."""
    text = path.read_text(encoding="utf-8")
    for name, made in parts.items():
        mark = f"<!-- made: {name} -->"
        if mark in text:
            text = text.replace(mark, made())
    pieces = _FENCE.split(text)
    pieces[::2] = [_prose(piece, path) for piece in pieces[::2]]
    return "".join(pieces)


def _prose(text: str, path: Path) -> str:
    text = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)
    text = _INLINE_MATH.sub(r"{math}`\1`", text)
    return _LINK.sub(lambda found: _target(found[1], path), text)


def _target(link: str, path: Path) -> str:
    """Where a link of a page leads on the site."""
    if "://" in link or link.startswith(("mailto:", "#")):
        return link
    file = (path.parent / link).resolve()
    inside = ROOT / "docs"
    if not file.is_relative_to(ROOT):
        return link
    name = str(file.relative_to(ROOT))
    if name in SITE_PAGES:
        place = SITE_PAGES[name]
    elif name == "examples" or name.startswith("examples/"):
        place = "examples.md"
    elif file.is_relative_to(inside):
        place = str(file.relative_to(inside))
    else:
        return link
    # The page may itself stand outside docs/, and then at the top of the site.
    depth = len(path.relative_to(inside).parents) - 1 if path.is_relative_to(inside) else 0
    return "../" * depth + place
