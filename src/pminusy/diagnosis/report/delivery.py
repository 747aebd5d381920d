"""All verdicts of a run in one of the formats, on a terminal or in files."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pminusy.diagnosis.report.lines import in_plain_text
from pminusy.diagnosis.report.rubric import Rubric
from pminusy.diagnosis.report.summary import CourseSummary, summarise
from pminusy.diagnosis.report.verdict import Verdict, worst_first
from pminusy.errors import InputError
from pminusy.files import write_atomically

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Report"]

_FRAGILE = 0.5  # of the one point that a correct submission has where no rubric says otherwise


@dataclass(frozen=True)
class Report:
    """Verdicts in any format.

    Parameters
    ----------
    verdicts
        What was found.
    title
        The file or folder.
    folder
        Whether it is a class: counts and clusters first.
    hints
        1 where to look, 2 what is off, 3 the formula.
    rubric
        Points.
    """

    verdicts: Sequence[Verdict]
    title: str
    folder: bool = False
    hints: int = 3
    rubric: Rubric | None = None

    @property
    def summary(self) -> CourseSummary:
        """Counts, clusters and points, for the teacher's own programs."""
        return summarise(self.verdicts, self.rubric)

    @property
    def summary_to_show(self) -> CourseSummary:
        """The same as far as the hints go."""
        return summarise(self.verdicts, self.rubric, self.hints)

    def print(self, console: Console) -> None:
        """For a terminal."""
        from pminusy.diagnosis.report.terminal import print_class, print_verdict

        if self.folder:
            print_class(console, self.verdicts, self.summary_to_show, self.hints)
            return
        for verdict in worst_first(self.verdicts):
            print_verdict(console, verdict, self.hints)

    def text(self, format: str, *, allow_fragile: bool = False) -> str:  # noqa: A002  # the word for it
        """As text: terminal, json, csv, html, gradescope or junit.

        Raises
        ------
        InputError
            Gradescope's format of several submissions, which is for one.
        """
        from pminusy.diagnosis.report import machine, page

        made: dict[str, Callable[[], str]] = {
            "json": lambda: machine.as_json(self.verdicts, self.summary),
            "csv": lambda: machine.as_csv(self.verdicts, self.summary),
            "junit": lambda: machine.as_junit(self.verdicts, allow_fragile, self.hints),
            "gradescope": lambda: self._gradescope(allow_fragile),
            "html": lambda: page.as_html(
                self.verdicts, self.summary_to_show, self.title, self.hints
            ),
        }
        if format in made:
            return made[format]()
        return _one_after_the_other(self.verdicts, self.hints)

    def without_names(self) -> Report:
        """The same with numbers for submissions: in an order that says nothing of their names."""
        numbers = sorted({v.source for v in self.verdicts}, key=_scattered)
        named = {source: f"submission {number}" for number, source in enumerate(numbers, 1)}
        hidden = [
            replace(
                v, source=named[v.source], file="",
                name=named[v.source] if v.name == v.source else v.name,
            )
            for v in self.verdicts
        ]  # fmt: skip
        return replace(self, verdicts=sorted(hidden, key=lambda v: int(v.source.split()[1])))

    def write(self, path: Path, text: str) -> None:
        """Write a report whole or not at all."""
        write_atomically(path, lambda file: file.write(text.encode()))

    def write_feedback(self, folder: Path) -> None:
        """One text file for each submission, named after it."""
        texts = {
            source: _one_after_the_other(each, self.hints) + "\n"
            for source, each in self._by_submission().items()
        }
        self._write_each(f"feedback folder {str(folder)!r}", folder, texts, ".txt")

    def write_gradescope(self, folder: Path, *, allow_fragile: bool = False) -> None:
        """One `results.json` of Gradescope for each submission, named after it."""
        texts = {
            source: replace(self, verdicts=each)._gradescope(allow_fragile)
            for source, each in self._by_submission().items()
        }
        self._write_each(f"output folder {str(folder)!r}", folder, texts, ".json")

    def _gradescope(self, allow_fragile: bool) -> str:
        from pminusy.diagnosis.report import machine

        several = len(self._by_submission())
        if several > 1:
            remedy = "give a folder for a file each with --output"
            raise InputError("format gradescope", "one submission", f"{several}", remedy)
        rubric = self.rubric or Rubric(fragile=1.0 if allow_fragile else _FRAGILE)
        return machine.as_gradescope(self.verdicts, rubric, self.hints)

    def _by_submission(self) -> dict[str, list[Verdict]]:
        of_each: dict[str, list[Verdict]] = {}
        for verdict in self.verdicts:
            of_each.setdefault(verdict.source, []).append(verdict)
        return of_each

    def _write_each(self, what: str, folder: Path, texts: Mapping[str, str], suffix: str) -> None:
        """A file for each submission; names that would be the same file get a number."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(what, "a folder, or a place for one", str(error.strerror)) from None
        taken: set[str] = set()
        for source, text in texts.items():
            name = stem = re.sub(r"[^\w.-]", "_", source)[:100] or "submission"
            for number in itertools.count(2):
                if name.lower() not in taken:
                    break
                name = f"{stem}-{number}"
            taken.add(name.lower())
            self.write(folder / f"{name}{suffix}", text)


def _scattered(source: str) -> bytes:
    """A key by which names are in no order of theirs, and in the same one every time."""
    return hashlib.sha256(source.encode()).digest()


def _one_after_the_other(verdicts: Sequence[Verdict], hints: int) -> str:
    return "\n\n".join(in_plain_text(verdict, hints) for verdict in worst_first(verdicts))
