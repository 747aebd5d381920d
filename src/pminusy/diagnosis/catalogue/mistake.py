"""A mistake: a small change to the record of a run, and what to tell whoever made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pminusy.diagnosis.catalogue.recipe import Change

__all__ = ["Mistake"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One executable mistake.

    Parameters
    ----------
    id
        Its name, `step.mistake`.
    step
        The step of the recipe it breaks first.
    change
        What is computed in place of that step, from the record so far.
    wrong
        The formula it computes.
    sentence
        What is wrong, in one sentence for a learner.
    off
        The second hint: what is off, without the formula.
    right
        The right formula, where it is not the step's own.
    also
        Further steps it changes, where one slip shows in several places.
    called
        The name it is reported under, where it is a form of another mistake.
    group
        Mistakes of one group are never made together: they are readings of one line.
    """

    id: str
    step: str
    change: Change
    wrong: str
    sentence: str
    off: str
    right: str = ""
    also: Mapping[str, Change] = field(default_factory=dict)
    group: str = ""
    called: str = ""

    @property
    def changes(self) -> dict[str, Change]:
        """Steps it replaces, by name."""
        return {self.step: self.change, **self.also}

    def goes_with(self, other: Mistake) -> bool:
        """Whether one program can make both: they break different steps."""
        same_group = self.group != "" and self.group == other.group
        return not same_group and not self.changes.keys() & other.changes.keys()
