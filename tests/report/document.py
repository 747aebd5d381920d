"""Reading a page back: its elements, sections and tables, with every tag seen to be closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "line", "circle", "rect", "path"}


@dataclass
class Element:
    """An element of the page with the elements and the text inside it."""

    tag: str
    attributes: dict[str, str]
    parts: list[Element | str] = field(default_factory=list)

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """Elements inside this one, in order; `kind` stands for a word of the class attribute."""
        inside = [part for part in self.parts if isinstance(part, Element)]
        return [
            found
            for element in inside
            for found in ([element] if element.is_a(tag, attributes) else [])
            + element.all(tag, **attributes)
        ]

    def is_a(self, tag: str, attributes: dict[str, str]) -> bool:
        """Whether tag and attributes fit."""
        kind = attributes.get("kind")
        words = self.attributes.get("class", "").split()
        rest = {name: value for name, value in attributes.items() if name != "kind"}
        return (
            (not tag or self.tag == tag)
            and (kind is None or kind in words)
            and all(self.attributes.get(name) == value for name, value in rest.items())
        )

    @property
    def text(self) -> str:
        """All text inside, runs of space as one."""
        return " ".join(self.raw.split())

    @property
    def raw(self) -> str:
        """All text inside, as it stands."""
        return "".join(part if isinstance(part, str) else part.raw for part in self.parts)

    @property
    def rows(self) -> list[list[str]]:
        """Text of the cells of a table, row by row."""
        lines = [
            [part for part in row.parts if isinstance(part, Element)] for row in self.all("tr")
        ]
        return [[cell.text for cell in line] for line in lines]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].parts.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def read(html: str) -> Element:
    """The page as a tree; fails where a tag is not closed in its turn."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is never closed"
    return reader.open[0]


def section(page: Element, name: str) -> Element:
    """The section of the page with this id."""
    (found,) = page.all("section", id=name)
    return found
