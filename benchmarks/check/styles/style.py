"""A correct implementation as a template whose lines can be exchanged one by one."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Style"]


@dataclass(frozen=True)
class Style:
    """A template with named lines, `{name}`, and the lines that make it correct.

    `family` says which slips fit its variables; `expect` is what a check should say of it.
    """

    name: str
    family: str
    template: str
    lines: Mapping[str, str]
    expect: str = "correct"

    def source(self, edits: Mapping[str, str] | None = None) -> str:
        """The program, with some lines exchanged."""
        filled = {**self.lines, **(edits or {})}
        out = []
        for line in textwrap.dedent(self.template).strip("\n").split("\n"):
            slot = line.strip()
            if slot.startswith("<") and slot.endswith(">"):
                indent = line[: len(line) - len(line.lstrip())]
                text = filled[slot[1:-1]]
                out += [indent + part if part else part for part in text.split("\n") if part]
            else:
                out.append(line)
        return "import numpy as np\n\n\n" + "\n".join(out) + "\n"
