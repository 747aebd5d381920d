"""Text of the page as HTML: names from outside, which are hostile, and formulas.

A name is escaped, isolated from the direction of the text around it, free of characters that act
rather than show, and cut in its middle with the full text on hover.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup, escape

from pminusy.present.sanitise import cleaned, cut, cut_inside

__all__ = ["NamesApart", "brief", "formula", "name", "plain"]

SHOWN = 40  # characters of a name on the page; the rest on hover
BRIEF = 24  # and at the edge of a table
HOVERED = 200  # characters on hover: a page of 10,000-character names must stay a page


def name(value: object, shown: int = SHOWN) -> Markup:
    """Text from outside as a `<bdi>` element: clean, cut to `shown` characters, whole on hover."""
    text = cleaned(str(value))
    if not text.strip():
        return Markup('<bdi class="name void">(blank)</bdi>')
    if len(text) <= shown:
        return Markup('<bdi class="name">{}</bdi>').format(text)
    whole = max(HOVERED, shown)
    hover = text if len(text) <= whole else f"{cut_inside(text, whole)} ({len(text):,} characters)"
    return Markup('<bdi class="name" title="{}">{}</bdi>').format(hover, cut_inside(text, shown))


class NamesApart:
    """Names of one kind, as `name` writes them: those that would look alike get more characters."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._least: dict[str, int] = {}  # characters that a name needs, if more than BRIEF
        alike, shown = [each for each in names if len(each) > BRIEF], BRIEF
        while alike and shown <= HOVERED:
            many = Counter(cut_inside(each, shown) for each in alike)
            self._least |= {each: shown for each in alike if many[cut_inside(each, shown)] == 1}
            alike = [each for each in alike if each not in self._least]
            shown *= 2

    def __call__(self, k: int, shown: int = BRIEF) -> Markup:
        """Name k in `shown` characters, or in as many as tell it apart."""
        return name(self._names[k], self._room(k, shown))

    def text(self, k: int, shown: int) -> str:
        """The same where there is no markup."""
        return brief(self._names[k], self._room(k, shown))

    def _room(self, k: int, shown: int) -> int:
        return max(shown, self._least.get(self._names[k], shown))


def brief(value: object, shown: int) -> str:
    """Text from outside where there is no markup and little room."""
    return cut_inside(cleaned(str(value)), shown)


def plain(value: object) -> str:
    """Text from outside where there is no markup: in the title of the window."""
    return cut(cleaned(str(value)), HOVERED)


def formula(text: str) -> Markup:
    """A formula of `core.trace` in HTML: `dL_dz` as ∂L/∂z, indices lowered, exponents raised."""
    return Markup(_SYMBOLS.sub(_symbol, str(escape(text))))  # escaped; what is added is ours


_SYMBOLS = re.compile(
    r"e\^\((?P<power>[^)]*)\)"  # e^(z_j − m)
    r"|dL_d(?P<wrt>[A-Za-z])(?:_(?P<row>[a-z]))?"
    r"|(?P<symbol>[A-Za-zΣ]|max)_(?P<index>[a-z])(?![A-Za-z])"  # z_j, Σ_j, max_j
    r"|(?<![A-Za-z&])(?P<letter>[A-Za-zα-ω])(?![A-Za-z])"  # a letter that is not part of a word
)


def _symbol(match: re.Match[str]) -> str:
    if match["power"]:
        return f"e<sup>{_SYMBOLS.sub(_symbol, match['power'])}</sup>"
    if match["wrt"]:
        index = f"<sub><i>{match['row']}</i></sub>" if match["row"] else ""
        return f"∂<i>L</i>/∂<i>{match['wrt']}</i>{index}"
    if match["letter"]:
        return f"<i>{match['letter']}</i>"
    symbol = match["symbol"]
    base = symbol if symbol in ("max", "Σ") else f"<i>{symbol}</i>"
    return f"{base}<sub><i>{match['index']}</i></sub>"
