"""What came of running a bound function on every probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pminusy.diagnosis.bind.subject import Seen, Subject
from pminusy.diagnosis.catalogue.probes import Probe
from pminusy.diagnosis.match.explanation import Explanation
from pminusy.diagnosis.match.outputs import MistakeOutputs, is_one_number
from pminusy.diagnosis.report.verdict import Finding

__all__ = ["Trial"]


@dataclass(frozen=True)
class Trial:
    """The results of a bound function, and what explains them.

    Parameters
    ----------
    subject
        The function, bound.
    outputs
        What is right under the best explanation's conventions, and what every mistake returns.
    seen
        What each probe showed, with r = 0 and with r = 0.7.
    again
        What the first probe showed the second time.
    explanations
        The best ones, ties included.
    single_precision
        Whether it computes in float32.
    square
        The sizes that agree on the probes, where it runs on no others.
    against
        Whether what is right is a teacher's own function: "named" where the catalogue explains that
        one, "numbers" where only its numbers are known.
    faults
        What is wrong besides the numbers.
    """

    subject: Subject
    outputs: MistakeOutputs
    seen: list[tuple[Seen, Seen | None]]
    again: Seen
    explanations: list[Explanation]
    single_precision: bool
    square: str = ""
    against: str = ""
    faults: tuple[Finding, ...] = ()

    @property
    def probes(self) -> list[Probe]:
        """The inputs."""
        return self.outputs.probes

    @property
    def best(self) -> Explanation:
        """The first of the best explanations."""
        return self.explanations[0]

    @property
    def constant(self) -> bool:
        """Whether every quantity it returns is one and the same number on all probes."""
        seen = [without.values for without, _ in self.seen]
        letters = self.subject.letters()
        return all(is_one_number([values.get(name) for values in seen]) for name in letters)

    @property
    def nothing_explained(self) -> bool:
        """Whether no component is right, and no mistake explains any."""
        letters = self.subject.letters()
        data = {c for c in self.outputs.right[0] if c[0] in letters and c[1] == "data"}
        return bool(data) and data <= set(self.best.unexplained)

    def right(self, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What is right on some inputs, under the best explanation's conventions."""
        return self.outputs.run(inputs, (), float(inputs.get("r", 0.0)))
