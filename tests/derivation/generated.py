"""Every combination of the options of the loss, the form of the input and the form of the target.

`CASES` lists them by name; a seeded sample runs with the tests, all of them by
`python -m tests.derivation.generated`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from mpmath import mp

from pminusy.derivation.build import derive
from tests import oracle

Case = tuple[str, dict[str, Any]]

K = 3
_ROW = (0.3, -1.2, 0.5)
_ROWS = ([0.3, -1.2, 0.5], [2.0, 0.1, -0.7])
_W = [[0.5, 0.1], [0.3, -0.2], [-0.4, 0.6]]
_b = [0.1, -0.2, 0.3]
_SOFT = [0.7, 0.2, 0.1]

_ONE_ROW: dict[str, dict[str, Any]] = {
    "logits": {"z": list(_ROW)},
    "masked logits": {"z": [0.3, -np.inf, 0.5, -1.2]},
    "probabilities": {"probabilities": [0.2, 0.5, 0.3]},
    "layer": {"x": [1.0, -2.0], "W": _W, "b": _b},
}
_BATCHES: dict[str, dict[str, Any]] = {
    "batch": {"z": list(_ROWS)},
    "batch of a layer": {"x": [[1.0, -2.0], [0.5, 1.0]], "W": _W, "b": _b},
    "network": {"x": [[1.0, -2.0], [0.5, 1.0]], "network": "relu:2", "seed": 3},
}
_TARGETS: dict[str, dict[str, Any]] = {
    "class": {"y": 2}, "soft": {"y": _SOFT}, "ignored": {"y": -100},
}  # fmt: skip
_BATCH_TARGETS: dict[str, dict[str, Any]] = {
    "classes": {"y": [2, 0]}, "soft": {"y": [_SOFT, [0.0, 1.0, 0.0]]},
    "one ignored": {"y": [2, -100]},
}  # fmt: skip
_REDUCTIONS: dict[str, dict[str, Any]] = {
    "mean": {}, "sum": {"reduction": "sum"},
    "none": {"reduction": "none", "grad_output": [2.0, -0.5]},
}  # fmt: skip


def _options(classes: int, rows: int) -> dict[str, Any]:
    """One value of each option that alters the derivation, by its name."""
    return {
        "label_smoothing": 0.1, "weight": [1.0, 2.0, 0.5, 3.0][:classes],
        "sample_weight": 2.0 if rows == 1 else [0.5, 2.0], "temperature": 2.0, "softcap": 3.0,
        "z_loss": 0.3, "log_base": 2.0,
    }  # fmt: skip


def _subsets(options: dict[str, Any], most: int) -> Iterator[dict[str, Any]]:
    """Every choice of so many options at most, and all of them."""
    for number in (*range(most + 1), *({len(options)} - {*range(most + 1)})):
        for chosen in combinations(options, number):
            yield {name: options[name] for name in chosen}


def cases() -> Iterator[Case]:
    """Every combination that is not refused: a mask under a cap is, and says so."""
    for (form, given), (target, y) in _pairs(_ONE_ROW, _TARGETS):
        masked = form.startswith("masked")
        own = {"y": [0.7, 0.0, 0.3, 0.0]} if masked and target == "soft" else y
        options = _options(K + masked, 1)
        for chosen in _subsets(options, len(options)):
            if not (masked and "softcap" in chosen):
                yield _named(form, target, chosen), given | own | chosen
    for (form, given), (target, y) in _pairs(_BATCHES, _BATCH_TARGETS):
        for reduction, more in _REDUCTIONS.items():
            for chosen in _subsets(_options(K, 2), 2):
                name = f"{_named(form, target, chosen)}, {reduction}"
                yield name, given | y | more | chosen


def _pairs(forms: Any, targets: Any) -> Iterator[Any]:
    return ((form, target) for form in forms.items() for target in targets.items())


def _named(form: str, target: str, options: dict[str, Any]) -> str:
    return f"{form}, {target}, {' '.join(options) or 'plain'}"


CASES: dict[str, dict[str, Any]] = dict(cases())


def check(name: str) -> int:
    """Derive a case: each step and sentence is proved, and the header is what the steps come to.

    The header's loss and gradient are those of the oracle in 50 digits too. Returns the number of
    steps.
    """
    case = CASES[name]
    d = derive(**case)
    steps = list(d)
    assert [step.number for step in steps] == [*range(1, len(steps) + 1)], name
    summary = d.summary
    for told, keys in ((summary.loss, _LOSS), ([*summary.gradient], _GRADIENT)):
        found = next((d[key] for key in keys if key in d.names), None)
        if found is not None:
            values = [*found.value.entries.values()]
            assert _close(told if isinstance(told, list) else [told], values), (name, found.name)
    loss, gradient = _oracle(case, d)
    assert _close([summary.loss], [loss]), name
    assert _close([*summary.gradient], gradient), name
    return len(steps)


_LOSS = ("log_base", "ignored_log_base", "z_loss", "ignored_loss", "cross_entropy")
_GRADIENT = ("dL_B_du", "dL_B_dz", "dL_du", "ignored_gradient_given", "dL_dz_total", "dL_dz")


def _close(one: list[Any], other: list[Any]) -> bool:
    if len(one) != len(other):  # classes that are masked have no entry in a step
        one, other = ([value for value in entries if value] for entries in (one, other))
    pairs = [(float(a), float(b)) for a, b in zip(one, other, strict=True)]
    return all(a == b or abs(a - b) <= 1e-12 * (1 + abs(a)) for a, b in pairs)


def _oracle(case: dict[str, Any], d: Any) -> tuple[float, list[float]]:
    """Loss and gradient of the row that is derived, by the oracle."""
    made: dict[str, Any] = {k: case[k] for k in ("z_loss", "softcap", "temperature") if k in case}
    u, y = _first_row(case, d), case["y"]
    batch = "probabilities" not in case and np.ndim(case.get("z", case.get("x", 0.0))) == 2
    y = [y[0]] if batch else [y]
    mass: dict[str, Any] = {
        k: case[k] for k in ("weight", "label_smoothing", "log_base") if k in case
    }
    if "sample_weight" in case:
        mass["sample_weight"] = [np.ravel(case["sample_weight"])[0]]
    q = oracle.target_mass(np.array(y), 1, len(u), reduction="sum", **mass)[0]
    row = oracle.row(u, q, **made)
    return float(row.loss), [float(entry) for entry in row.dL_du]


def _first_row(case: dict[str, Any], d: Any) -> list[Any]:
    if "z" in case:
        return oracle.exact(np.atleast_2d(case["z"])[0])
    if "probabilities" in case:
        return [mp.log(mp.mpf(repr(p))) for p in case["probabilities"]]
    if "network" in case:
        (head,) = (chapter.context for chapter in d._all if chapter.key == "forward")
        name = head.sample.case.logit_letter.name
        return oracle.exact([float(v) for v in head.numbers.array(name)])
    x = np.atleast_2d(case["x"])[0]
    return oracle.exact(np.array(case["W"]) @ x + np.array(case["b"]))


def main() -> None:
    """Check every case of one part: `python -m tests.derivation.generated PART PARTS`."""
    part, parts = (int(given) for given in sys.argv[1:])
    names, steps, failed = [*CASES][part::parts], 0, 0
    for count, name in enumerate(names, 1):
        try:
            steps += check(name)
        except Exception as error:  # every one is counted and named
            failed += 1
            sys.stdout.write(f"{name}: {type(error).__name__}: {error}\n")
        if count % 100 == 0:
            sys.stdout.write(f"{count} of {len(names)}, {steps} steps\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(names)} cases, {steps} steps, {failed} failed\n")


if __name__ == "__main__":
    main()
