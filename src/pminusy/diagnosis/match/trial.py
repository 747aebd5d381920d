"""One binding of a submission, run on every probe, and what explains what came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.subject import Seen, Subject
from pminusy.diagnosis.catalogue.conventions import Conventions, allowed
from pminusy.diagnosis.catalogue.layers.recipes import LAYERS
from pminusy.diagnosis.catalogue.probes import STRENGTH, Probe
from pminusy.diagnosis.match.matching import SINGLE_TOLERANCE, Evidence, Explanation, explain
from pminusy.diagnosis.match.outputs import TOLERANCE, Facet, Gallery, gallery

__all__ = ["Trial", "try_out"]


@dataclass(frozen=True)
class Trial:
    """A binding's results and their explanations.

    Parameters
    ----------
    subject
        The function, bound.
    gallery
        What is right under the best explanation's reading, and what every mistake returns.
    seen
        What each probe showed, with r = 0 and with r = 0.7.
    explanations
        The best ones, ties included.
    single_precision
        Whether it computes in float32.
    square
        The sizes that agree on the probes, where it runs on no others.
    against
        Whether what is right is a teacher's own function: "named" where the catalogue explains that
        one, "numbers" where only its numbers are known.
    """

    subject: Subject
    gallery: Gallery
    seen: list[tuple[Seen, Seen | None]]
    explanations: list[Explanation]
    single_precision: bool
    square: str = ""
    against: str = ""

    @property
    def probes(self) -> list[Probe]:
        """The inputs."""
        return self.gallery.probes

    @property
    def best(self) -> Explanation:
        """The first of the best explanations."""
        return self.explanations[0]

    def right(self, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What is right on some inputs, under the best explanation's reading."""
        return self.gallery.run(inputs, (), float(inputs.get("r", 0.0)))


def try_out(
    subject: Subject, pins: Mapping[str, Any], square: str = "", standard: Gallery | None = None
) -> Trial:
    """Run a binding on every probe and explain the results.

    Parameters
    ----------
    subject
        The function, bound.
    pins
        Conventions that are required.
    square
        Sizes that are to agree on the probes.
    standard
        What to compare with in place of the specification: a teacher's own function.
    """
    galleries = [standard] if standard is not None else _galleries(subject, pins, square)
    seen = [_both(subject, probe) for probe in galleries[0].probes]
    single = _single_precision(subject, seen)
    facets = _facets(subject, seen)
    if standard is not None:  # what the reference does not return is not asked for
        facets = {facet: values for facet, values in facets.items() if facet in standard.right[0]}
    evidence = Evidence(facets, SINGLE_TOLERANCE if single else TOLERANCE)
    explanations = explain(evidence, galleries)
    best = next(g for g in galleries if g.conventions == explanations[0].conventions)
    against = "" if standard is None else "named" if standard.catalogue else "numbers"
    return Trial(subject, best, seen, explanations, single, square, against)


def _galleries(subject: Subject, pins: Mapping[str, Any], square: str) -> list[Gallery]:
    per_row = "L_i" in subject.letters()
    readings = allowed(pins, subject.regularised, averaged=not per_row)
    if subject.exercise.name in LAYERS:
        readings = [Conventions()]
    elif per_row or subject.exercise.name in ("epoch", "network_epoch"):
        readings = [replace(r, reduction="none" if per_row else "mean") for r in readings]
    return [
        gallery(subject.exercise.name, subject.given, subject.single, reading, square)
        for reading in dict.fromkeys(readings)
    ]


def _both(subject: Subject, probe: Probe) -> tuple[Seen, Seen | None]:
    without = subject.call(probe.inputs)
    if not subject.regularised:
        return without, None
    return without, subject.call({**probe.inputs, "r": STRENGTH})


def _facets(
    subject: Subject, seen: Sequence[tuple[Seen, Seen | None]]
) -> dict[Facet, tuple[Any, ...]]:
    facets: dict[Facet, tuple[Any, ...]] = {}
    for letter in subject.letters():
        values = [_float(without.values.get(letter)) for without, _ in seen]
        facets[letter, "data"] = tuple(values)
        if subject.regularised and letter not in ("p", "dL_dX"):
            with np.errstate(all="ignore"):
                facets[letter, "ridge"] = tuple(
                    None
                    if with_r is None or value is None or letter not in with_r.values
                    else _float(with_r.values[letter]) - value
                    for value, (_, with_r) in zip(values, seen, strict=True)
                )
    return facets


def _float(value: Any) -> Any:
    return None if value is None else np.asarray(value, dtype=np.float64)


def _single_precision(subject: Subject, seen: Sequence[tuple[Seen, Seen | None]]) -> bool:
    """Whether every number returned is a float32, or the source says it computes in float32."""
    words = {*subject.candidate.entry["names"], *subject.candidate.entry["attributes"]}
    if words & {"float32", "single", "float16", "half"}:
        return True
    calls = [one for pair in seen for one in pair if one is not None]
    values = [np.ravel(v) for one in calls for v in one.values.values()]
    if not values:
        return False
    with np.errstate(all="ignore"):
        flat = np.concatenate(values).astype(np.float64)
        telling = flat[np.isfinite(flat) & (flat != np.round(flat))]
        return bool(telling.size and np.all(telling.astype(np.float32) == telling))
