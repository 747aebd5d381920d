"""A teacher's own function as the standard, where it is not the plain exercise.

The reference is checked like a submission. If it is correct, only its conventions count. If it is
not (its loss has smoothed targets, a temperature, another regulariser, or is another loss
altogether), submissions are compared with its numbers. Where the catalogue explains the reference,
mistakes are still named: each is made on top of what the reference does. Where it does not, what
differs from the reference is said, and no more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.call import call
from pminusy.diagnosis.bind.subject import Subject
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.match.outputs import MistakeOutputs
from pminusy.diagnosis.match.trial import Trial

__all__ = ["Reference"]


class Reference:
    """An unusual reference: its trial, whose session stays open, and the outputs made of it.

    Parameters
    ----------
    trial
        What the check of the reference found.
    digest
        A fingerprint of its source.
    """

    def __init__(self, trial: Trial, digest: str) -> None:
        self.subject, self.digest = trial.subject, digest
        self.base = None if trial.best.unexplained else trial.best.mistakes
        self._known: dict[bytes, Mapping[str, Any] | None] = {}
        self._lock = threading.Lock()  # submissions of a folder are checked side by side
        self.outputs = _ReferenceOutputs(self, trial)

    def fits(self, subject: Subject) -> bool:
        """Whether a submission takes the same letters."""
        return (
            subject.exercise.name == self.subject.exercise.name
            and set(subject.given) == set(self.subject.given)
            and subject.single == self.subject.single
            and set(subject.letters()) >= set(self.subject.letters())
        )

    def other_arguments(self) -> str:
        """What to say of a submission that does not."""
        taken = ", ".join(str(p["name"]) for p in self.subject.entry["parameters"])
        returned = len(self.subject.letters())
        return (
            f"It cannot be compared with the reference, which takes ({taken}) and returns "
            f"{returned} result{'s' if returned > 1 else ''}: this takes or returns something else."
        )

    def values(self, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What the reference returns, in our letters; None where it raises."""
        given = {letter: inputs[letter] for letter in self.subject.given}
        key = repr([(k, np.asarray(v).shape, np.asarray(v).tobytes()) for k, v in given.items()])
        with self._lock:
            if key.encode() not in self._known:
                seen = call(self.subject, given)
                self._known[key.encode()] = None if seen.raised is not None else seen.values
            return self._known[key.encode()]

    @property
    def pins(self) -> dict[str, Any]:
        """How labels lie, which numbers alone do not show."""
        y = self.subject.layouts.get("y", "")
        return {"y": y} if y in ("index", "one-hot", "column") else {}

    def close(self) -> None:
        """End its process."""
        self.subject.session.close()


class _ReferenceOutputs(MistakeOutputs):
    """What is right is what the reference returns; mistakes are made on top of what explains it."""

    fits_numbers = False

    def __init__(self, reference: Reference, trial: Trial) -> None:
        self._reference = reference
        subject = trial.subject
        super().__init__(
            subject.exercise, subject.given, subject.single, trial.best.conventions, trial.square
        )
        self._data: MistakeOutputs = self
        self.mistakes = self._on_top(reference.base) if reference.base is not None else []
        self._clear()

    def _on_top(self, base: tuple[Mistake, ...]) -> list[Mistake]:
        """Mistakes in steps that the reference computes as usual; and its own left out."""
        taken = {step for mistake in base for step in mistake.changes}
        usual = [m for m in self.mistakes if not taken & m.changes.keys()]
        return [*(self._left_out(mistake) for mistake in base), *usual]

    def _left_out(self, mistake: Mistake) -> Mistake:
        steps = {name: self.exercise.recipe.step(name) for name in mistake.changes}
        plain = {name: step.compute for name, step in steps.items()}
        return Mistake(
            "reference.left_out", mistake.step, plain[mistake.step], steps[mistake.step].formula,
            f"What the reference does here is missing: {mistake.wrong}.",
            "The reference does something more here.", right=mistake.wrong,
            also={name: change for name, change in plain.items() if name != mistake.step},
        )  # fmt: skip

    def run(
        self, inputs: Mapping[str, Any], mistakes: Iterable[Mistake], r: float
    ) -> Mapping[str, Any] | None:
        """The reference's own numbers, or the recipe's with its peculiarities and mistakes."""
        mistakes = tuple(mistakes)
        if not mistakes:
            return self._reference.values({**inputs, "r": r})
        if self._reference.base is None:
            return None
        return super().run(inputs, (*self._reference.base, *mistakes), r)
