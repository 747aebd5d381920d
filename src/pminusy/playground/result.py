"""What `pminusy.play` returns: the page, to write or to show in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

from pminusy.derivation.build import derivation_of
from pminusy.derivation.input.request import Request
from pminusy.files import StrPath, refuse_suffix, write_atomically
from pminusy.playground.opening import opening_of
from pminusy.playground.page import to_page
from pminusy.playground.points import points_text

__all__ = ["Playground"]

_OTHER_SUFFIXES = (".md", ".tex", ".json", ".txt", ".pdf")


@dataclass(frozen=True, eq=False, repr=False)
class Playground:
    """The interactive page for one sample.

    Parameters
    ----------
    request
        What `explain` would be asked; checked for what the page has room for.
    points
        Points that it learns on, as `points_text` takes them; the page's own by default.
    """

    request: Request
    points: Any = None

    def __post_init__(self) -> None:
        """Refuse what the page cannot show, before it is written."""
        assert self.state

    @cached_property
    def state(self) -> dict[str, Any]:
        """What the page opens with."""
        state = opening_of(self.request)
        return state if self.points is None else {**state, "csv": points_text(self.points)}

    @cached_property
    def _page(self) -> str:
        return to_page(derivation_of(self.request), self.state)

    def to_html(self) -> str:
        """The page: one file that loads nothing."""
        return self._page

    def save(self, path: StrPath) -> None:
        """Write the page.

        Raises
        ------
        InputError
            The file cannot be written.
        """
        refuse_suffix("the page", path, "page.html", _OTHER_SUFFIXES)
        page = self.to_html().encode()
        write_atomically(path, lambda file: file.write(page))

    def _repr_html_(self) -> str:
        """The same page in a frame of its own: its scripts reach nothing of the notebook."""
        return (
            f'<iframe srcdoc="{escape(self.to_html())}" sandbox="allow-scripts" '
            'title="Play with p − y" width="100%" height="760" style="border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        z = ", ".join(f"{value:g}" for value in self.state["z"])
        return f"<Playground: logits ({z}); .save('page.html') writes it>"
