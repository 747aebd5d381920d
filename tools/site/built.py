"""What is checked in the pages as built: no request to another host, no link into nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["Page", "faults"]

_LOADED = {
    "script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src",
    "embed": "src", "object": "data", "input": "src", "track": "src", "use": "href",
    "image": "href",
}  # fmt: skip
_LINKED = ("stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "manifest")
_IN_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)")


class Page(HTMLParser):
    """What a page names, loads and links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.loads += _IN_STYLE.findall(text)
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take down one element."""
        found = {name: value or "" for name, value in attributes}
        self.names |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag in _LOADED and _LOADED[tag] in found:
            self.loads.append(found[_LOADED[tag]])
        if tag == "link" and set(found.get("rel", "").split()) & set(_LINKED):
            self.loads.append(found.get("href", ""))
        if "srcset" in found:
            self.loads += [part.split()[0] for part in found["srcset"].split(",") if part.strip()]
        if tag == "a" and "href" in found:
            self.links.append(found["href"])


def faults(folder: Path) -> Iterator[str]:
    """Every request to another host and every link into nothing, with its page."""
    pages = {
        path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))
    }
    for path, page in pages.items():
        where = path.relative_to(folder)
        for load in page.loads:
            if load.startswith("//") or urlsplit(load).scheme in ("http", "https", "ws", "wss"):
                yield f"{where}: asks another host for {load}"
            elif (
                not load.startswith(("data:", "#", "blob:", "about:"))
                and not _file(path, load).exists()
            ):
                yield f"{where}: loads {load}, which is not there"
        for link in page.links:
            problem = _broken(path, link, pages)
            if problem:
                yield f"{where}: {problem}"
    for path in sorted(folder.rglob("*.css")):
        for load in _IN_STYLE.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(folder)}: asks another host for {load}"


def _file(page: Path, link: str) -> Path:
    name = unquote(urlsplit(link).path)
    return (page.parent / name).resolve() if name else page


def _broken(path: Path, link: str, pages: dict[Path, Page]) -> str:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    target = _file(path, link)
    if not target.exists():
        return f"links to {link}, which is not there"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].names and "=" not in anchor:
        return f"links to {link}: no heading or element has that name"
    return ""
