"""A result that is a multiple of the right one, by the same formula of the sizes on every probe."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.quantities import OUTPUT_NAMES
from pminusy.diagnosis.catalogue.recipe import Record
from pminusy.diagnosis.match.outputs import Component, MistakeOutputs, is_one_number

__all__ = ["scaled"]

_STEPS = {  # of the recipe, for what of it is a multiple
    ("L", "data"): "L_data", ("L", "ridge"): "R", ("L_i", "data"): "L_i",
    ("dL_dz", "data"): "dL_dz", ("dL_dp", "data"): "dL_dp", ("dL_dW", "data"): "dD_dW",
    ("dL_dW", "ridge"): "dR_dW", ("dL_dX", "data"): "dL_dX",
}  # fmt: skip
_SAME = 1e-6
_POWERS = sorted(itertools.product(range(-2, 3), repeat=2), key=lambda p: (sum(map(abs, p)), p))


def scaled(outputs: MistakeOutputs, components: Mapping[Component, Sequence[Any]]) -> list[Mistake]:
    """For each component that is `c Nᵃ Kᵇ` times the right one on every probe, that mistake."""
    found = (
        _of_component(outputs, component, seen)
        for component, seen in components.items()
        if component in _STEPS and not outputs.is_right(component, seen, _SAME)
    )
    return [mistake for mistake in found if mistake is not None]


def _of_component(
    outputs: MistakeOutputs, component: Component, seen: Sequence[Any]
) -> Mistake | None:
    step = _STEPS[component]
    if is_one_number(seen) or step not in {s.name for s in outputs.exercise.recipe.steps}:
        return None
    factors = list(_factors(outputs, component, seen))
    if len(factors) < 2 or None in factors:
        return None
    for a, b in _POWERS:
        constants = [f / (N**a * K**b) for f, N, K in factors if f is not None]  # type: ignore[misc]  # None is not in it
        if np.ptp(constants) <= _SAME * abs(constants[0]):
            return _multiple(outputs, component, step, float(constants[0]), a, b)
    return None


def _factors(
    outputs: MistakeOutputs, component: Component, seen: Sequence[Any]
) -> Iterator[tuple[float, int, int] | None]:
    """The factor on each probe with N and K there; None where there is no single one."""
    for probe, right, value in zip(outputs.probes, outputs.right, seen, strict=True):
        if value is None:
            continue
        wanted = right.get(component)
        if wanted is None or wanted.shape != value.shape:
            yield None
            return
        factor = _factor(value, wanted)
        sizes = _sizes(probe.inputs)
        yield None if factor is None or not all(sizes) else (factor, *sizes)


def _factor(value: Any, right: Any) -> float | None:
    value, right = np.ravel(value), np.ravel(right)
    large = np.abs(right) > 1e-9 * max(np.abs(right).max(initial=0.0), 1e-300)
    if not large.any() or not np.isfinite(value).all():
        return None
    ratios = value[large] / right[large]
    same = np.ptp(ratios) <= _SAME * abs(ratios[0])
    return float(ratios[0]) if same and ratios[0] != 0.0 else None


def _sizes(inputs: Mapping[str, Any]) -> tuple[int, int]:
    rows = next((len(inputs[name]) for name in ("y", "z", "X", "X0") if name in inputs), 0)
    classes = next((inputs[n].shape[1] for n in ("z", "p") if n in inputs), 0)
    return rows, classes or (len(inputs["W"]) if "W" in inputs else 0)


def _multiple(
    outputs: MistakeOutputs, component: Component, step: str, constant: float, a: int, b: int
) -> Mistake:
    usual = outputs.exercise.recipe.step(step)

    def change(t: Record) -> Any:
        classes = t["p"].shape[1] if "p" in t else len(t["W"])
        return usual.compute(t) * constant * float(t["y"].size) ** a * float(classes) ** b

    words = _in_words(constant, a, b)
    part = "the regulariser's part of " if component[1] == "ridge" else ""
    name = f"ridge.{step}_scaled" if component[1] == "ridge" else f"{step}.scaled"
    sentence = (
        f"{part}{OUTPUT_NAMES[component[0]]} is {words} times the right value on every input."
    )
    return Mistake(
        name, step, change, f"{words} times {usual.formula.split(' = ')[0]}",
        sentence[0].upper() + sentence[1:], "There is a factor too many, or one is missing.",
        alone=True,
    )  # fmt: skip


def _in_words(constant: float, a: int, b: int) -> str:
    """`−2 N / K²`, say."""
    above = [_power(letter, power) for letter, power in (("N", a), ("K", b)) if power > 0]
    below = [_power(letter, -power) for letter, power in (("N", a), ("K", b)) if power < 0]
    number = f"{constant:.6g}".replace("-", "−")
    top = " ".join([*([number] if number != "1" or not above else []), *above])
    bottom = f"({' '.join(below)})" if len(below) > 1 else "".join(below)
    return f"{top} / {bottom}" if below else top


def _power(letter: str, power: int) -> str:
    return letter + ("²" if power == 2 else "")
