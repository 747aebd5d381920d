"""How often a 95 % interval of a score holds the score of the population.

    python -m benchmarks.coverage [--samples N] [--write]

Labels of a population are drawn from a softmax whose logits are linear in a few features, times
`sure`; the model has the same logits with noise in the weights. Samples of rows are drawn from the
population, and the share of the samples is counted whose interval holds the model's score on all of
it. Rows of one group have a part of their features in common.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.harness import DOCS, paste, writes
from pminusy.estimators.scores import assess
from pminusy.ops import log_softmax

_FEATURES, _POPULATION = 4, 200_000
_SCORES = ("accuracy", "balanced accuracy", "log loss", "ROC AUC", "average precision")


@dataclass(frozen=True, slots=True)
class Case:
    """Rows of a sample, classes, how sure the model is, and groups (0: each row is one)."""

    rows: int
    classes: int
    sure: float
    groups: int = 0
    flipped: float = 0.0  # share of labels that are drawn anew from all classes

    @property
    def label(self) -> str:
        """The first cells of its line."""
        groups = str(self.groups) if self.groups else ""
        flipped = f"{100 * self.flipped:g} %" if self.flipped else ""
        return f"{self.rows} | {self.classes} | {groups} | {self.sure:g} | {flipped}"


CASES = (
    Case(40, 2, 1), Case(40, 2, 4), Case(40, 2, 10),
    Case(100, 2, 1), Case(100, 2, 10), Case(1000, 2, 10),
    Case(100, 5, 1), Case(40, 10, 1), Case(1000, 10, 1),
    Case(40, 2, 10, flipped=0.02), Case(100, 2, 10, flipped=0.02), Case(1000, 2, 10, flipped=0.02),
    Case(200, 2, 1, groups=10), Case(200, 2, 1, groups=40),
)  # fmt: skip


def population(case: Case, random: Any) -> tuple[Any, Any, Any]:
    """Labels (N,), log-probabilities of the model (N, K) and the group of each row (N,)."""
    groups = _POPULATION * case.groups // case.rows if case.groups else _POPULATION
    group = np.arange(_POPULATION) * groups // _POPULATION
    X = random.normal(size=(_POPULATION, _FEATURES))
    if case.groups:
        X = 0.7 * X + 0.7 * random.normal(size=(groups, _FEATURES))[group]
    W = random.normal(size=(case.classes, _FEATURES))
    z = case.sure * X @ W.T
    y = (z + random.gumbel(size=z.shape)).argmax(axis=1)
    chance = random.random(_POPULATION) < case.flipped
    y = np.where(chance, random.integers(case.classes, size=_POPULATION), y)
    modelled = z + 0.3 * case.sure * X @ random.normal(size=W.shape).T
    return y, log_softmax(modelled), group


def sample(case: Case, random: Any) -> Any:
    """Rows of one sample: of the whole population, or of as many groups."""
    if not case.groups:
        return random.integers(_POPULATION, size=case.rows)
    a_group = case.rows // case.groups
    chosen = random.choice(_POPULATION // a_group, size=case.groups, replace=False)
    return (chosen[:, None] * a_group + np.arange(a_group)).ravel()


def coverage(case: Case, samples: int, seed: int) -> dict[str, float]:
    """Share of samples whose interval holds the population's score, by the name of the score."""
    random = np.random.default_rng(seed)
    y, log_p, group = population(case, random)
    whole = assess(y, log_p, np.ones(y.size))
    truth = dict(whole.scores.named()) | dict(whole.ranking)
    held, seen = dict.fromkeys(_SCORES, 0), dict.fromkeys(_SCORES, 0)
    for _ in range(samples):
        rows = sample(case, random)
        groups = np.unique(group[rows], return_inverse=True)[1] if case.groups else None
        found = assess(y[rows], log_p[rows], np.ones(rows.size), groups=groups).intervals
        for name in _SCORES:
            if name in found:
                low, high = found[name]
                seen[name] += 1
                held[name] += low <= truth[name] <= high
    return {name: held[name] / seen[name] if seen[name] else float("nan") for name in _SCORES}


def main() -> None:
    """Measure every case, and print or paste the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000)
    writes(parser)
    samples = parser.parse_args().samples
    lines = [
        f"`python -m benchmarks.coverage`: share of {samples:,} samples whose interval holds the "
        "score of the population. *Sure* is what the "
        "logits are multiplied by; *wrong labels* are as many, drawn anew from all classes.",
        "",
        f"| rows | classes | groups | sure | wrong labels | {' | '.join(_SCORES)} |",
        "| ---: | ---: | ---: | ---: | ---: |" + " ---: |" * len(_SCORES),
    ]
    for seed, case in enumerate(CASES):
        shares = coverage(case, samples, seed)
        lines.append(f"| {case.label} | {' | '.join(f'{shares[name]:.2f}' for name in _SCORES)} |")
        print(lines[-1], flush=True)
    paste(DOCS / "tables.md", "coverage", "\n".join(lines))


if __name__ == "__main__":
    main()
