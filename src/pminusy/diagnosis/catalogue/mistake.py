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
        Further steps it changes, where one mistake shows in several places.
    called
        The name it is reported under, where it is a form of another mistake.
    group
        Mistakes of one group are never combined: each is another form of one line.
    batch
        Whether it is about several samples, and means nothing for one.
    line
        The line of the derivation it breaks, where it is not the step's own.
    alone
        Whether it is looked for alone, and never beside another one.
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
    batch: bool = False
    line: str = ""
    alone: bool = False

    @property
    def changes(self) -> dict[str, Change]:
        """Steps it replaces, by name."""
        return {self.step: self.change, **self.also}

    @property
    def of_regulariser(self) -> bool:
        """Whether it changes what the regulariser adds."""
        of_penalty = self.id.startswith("ridge.") or "regularised" in self.id
        return of_penalty or self.step == "update"  # a step is taken along the whole gradient

    @property
    def only_on_extremes(self) -> bool:
        """Whether ordinary inputs hardly show it: a guard before the logarithm."""
        return self.id.startswith("log.")

    def goes_with(self, other: Mistake) -> bool:
        """Whether one program can make both: they break different steps."""
        if self.alone or other.alone:
            return False
        same_group = self.group != "" and self.group == other.group
        return not same_group and not self.changes.keys() & other.changes.keys()
