"""The code blocks of a page in order, each with the line it begins on.

A comment before a block says what a reader need not see:

- `<!-- run: no, it needs Docker -->`: the next block is not run, for this reason;
- `<!-- run: exit 1 -->`: the last command of the next block ends with this exit code;
- `<!-- run: setup`, lines of Python, `-->`: run before what follows, to make its files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "Command", "blocks", "commands"]

_OPENING = re.compile(r"^( *)(`{3,})([\w{}-]*)[^`]*$")
_NOTE = re.compile(r"<!-- run: (.*?)-->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One block: its language, its text, the line it begins on, and what is said of running it."""

    page: Path
    line: int
    language: str
    text: str
    why_not: str = ""
    exit_code: int = 0


@dataclass(frozen=True)
class Command:
    """A line after `$`, and the output shown below it."""

    line: int
    words: str
    shown: tuple[str, ...]


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page; a setup is a block of the language `setup`."""
    lines = page.read_text(encoding="utf-8").splitlines()
    note, place = "", 0
    while place < len(lines):
        opening = _OPENING.match(lines[place])
        if opening:
            end = _closing(lines, place, opening[2])
            yield _block(page, place, opening[3], lines[place + 1 : end], note)
            note, place = "", end + 1
        elif lines[place].startswith("<!-- run: "):
            end = next(i for i in range(place, len(lines)) if "-->" in lines[i])
            found = _NOTE.match("\n".join(lines[place : end + 1]))
            note, place = found[1].strip() if found else "", end + 1
            if note.startswith("setup"):
                yield Block(page, end, "setup", note.removeprefix("setup"))
                note = ""
        else:
            place += 1


def _closing(lines: list[str], place: int, marks: str) -> int:
    for end in range(place + 1, len(lines)):
        if lines[end].strip() == marks:
            return end
    raise ValueError(f"line {place + 1}: this block is never closed")


def _block(page: Path, place: int, language: str, lines: list[str], note: str) -> Block:
    why_not = note.removeprefix("no, ") if note.startswith("no") else ""
    code = int(note.removeprefix("exit ")) if note.startswith("exit ") else 0
    return Block(page, place + 2, language, "\n".join(lines) + "\n", why_not, code)


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block; a line that ends in a backslash goes on in the next."""
    lines = block.text.splitlines()
    place = 0
    while place < len(lines):
        first, words = place, lines[place].removeprefix("$ ")
        while words.endswith("\\"):
            place += 1
            words = words[:-1] + lines[place].strip()
        place += 1
        shown = []
        while place < len(lines) and not lines[place].startswith("$ "):
            shown.append(lines[place])
            place += 1
        while shown and not shown[-1].strip():
            shown.pop()
        yield Command(block.line + first, words, tuple(shown))
