"""A family of programs: one exercise in one style, with its right forms and its wrong ones.

A family is a template whose `<lines>` have several right forms, whose `$words` have several names
and whose arguments may come in any order. A variant is one choice of all of them, made by its
number alone, so that a variant can be named, made again, and left out of what the checker was
built on.
"""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.check.slips import Slip

__all__ = ["Case", "Family", "Variant"]

Case = Mapping[str, Any]  # inputs by letter: z, y, X, W, b, …
Namespace = Mapping[str, Any]


@dataclass(frozen=True)
class Family:
    """One exercise in one style.

    Parameters
    ----------
    name
        Of the family.
    template
        The program, with `<lines>`, `$words` and `$arguments`.
    lines
        Right forms of each line.
    words
        Names of each word.
    arguments
        Letters of the arguments of the main function, in the order of the template; each is a word.
    shuffled
        Whether that order varies.
    faults
        Wrong lines, with the names that a check may call them by.
    drive
        Runs a variant on a case: its results, as arrays in the order of `right`.
    right
        What is right there, from a computation that shares no code with the package.
    """

    name: str
    template: str
    drive: Callable[[Namespace, Variant, Case], list[Any]]
    right: Callable[[Case], list[Any]]
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    shuffled: bool = False
    faults: tuple[Slip, ...] = ()

    def variant(self, number: int) -> Variant:
        """The variant of a number, always the same."""
        draw = random.Random(f"{self.name} {number}")
        lines = {slot: draw.choice(options) for slot, options in self.lines.items()}
        words = {word: draw.choice(options) for word, options in self.words.items()}
        order = list(self.arguments)
        if self.shuffled:
            draw.shuffle(order)
        return Variant(self, number, lines, words, tuple(order))


@dataclass(frozen=True, eq=False)
class Variant:
    """One member of a family: a choice of lines, names and order."""

    family: Family
    number: int
    lines: Mapping[str, str]
    words: Mapping[str, str]
    order: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of the family, and its number."""
        return f"{self.family.name} {self.number}"

    @property
    def held_out(self) -> bool:
        """Whether the checker was built without it: half of the variants, chosen by a seed."""
        return random.Random(f"held out: {self.name}").random() < 0.5

    def source(self, edits: Mapping[str, str] | None = None) -> str:
        """The program, with some lines exchanged."""
        words = {**self.words, "arguments": ", ".join(self.words[a] for a in self.order)}
        lines = {**self.lines, **(edits or {})}
        text = "\n".join(_filled(line, lines) for line in _template(self.family.template))
        while "$" in text:  # a word may have words in it
            text = re.sub(r"\$(\w+)", lambda match: words[match[1]], text)
        return text + "\n"

    def call(self, namespace: Namespace, values: Case, function: str = "function") -> Any:
        """The result of the main function, its arguments by letter and in this variant's order."""
        return namespace[self.words[function]](*(values[letter] for letter in self.order))


def _template(text: str) -> list[str]:
    return textwrap.dedent(text).strip("\n").split("\n")


def _filled(line: str, lines: Mapping[str, str]) -> str:
    slot = line.strip()
    if not (slot.startswith("<") and slot.endswith(">")):
        return line
    indent = line[: len(line) - len(line.lstrip())]
    return "\n".join(indent + part for part in lines[slot[1:-1]].split("\n") if part)
