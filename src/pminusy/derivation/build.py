"""From arguments to a derivation: checked once, here, with errors that say what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pminusy.core.options import Options
from pminusy.derivation.arena import RowArena
from pminusy.derivation.chapters import (
    backward,
    floating_point,
    forward,
    pair,
    parameters,
    routes,
    second_order,
)
from pminusy.derivation.derivation import Chapter, Derivation, Summary
from pminusy.derivation.digits import settled
from pminusy.derivation.domains import decimals, widen
from pminusy.derivation.model import Case, Setup
from pminusy.derivation.name_tables import gradient, with_tables
from pminusy.derivation.notation import notation as notation_named
from pminusy.derivation.step import FULL, OUTLINE, Table
from pminusy.errors import InputError

__all__ = ["ROUTES", "derive"]

ROUTES = ("all", "long", "sparse", "direct")

_OFF_BY = 1e-9
_MANY = 32
_FARTHEST = 5000
"""Logits farther apart take thousands of digits to tell the least probability from 0."""


@dataclass(frozen=True)
class View:
    """How a derivation is shown: what is left out, which letters, how many digits."""

    route: str = "all"
    depth: str | None = None
    notation: str = "p"
    hints: int = 0
    digits: int = 5

    def __post_init__(self) -> None:
        """Refuse an unknown route and digits that cannot be shown."""
        if self.route not in ROUTES:
            raise InputError("route", f"one of {', '.join(ROUTES)}", repr(self.route))
        if not 1 <= self.digits <= 30:
            raise InputError("digits", "a number of digits from 1 to 30", str(self.digits))


def derive(
    *,
    y: Any,
    z: ArrayLike | None = None,
    probabilities: ArrayLike | None = None,
    x: ArrayLike | None = None,
    W: ArrayLike | None = None,
    b: ArrayLike | None = None,
    normalise: bool = False,
    classes: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    row: int = 0,
    rate: float = 0.1,
    steps: int = 1,
    ridge: float = 0.1,
    network: str | None = None,
    seed: int = 0,
    route: str = "all",
    depth: str | None = None,
    notation: str = "p",
    hints: int = 0,
    digits: int = 5,
    weight: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    temperature: float = 1.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    log_base: float | None = None,
) -> Derivation:
    """Derivation of the gradient for one sample, or for a batch and one of its rows.

    See `pminusy.api.explain.explain` for the parameters.
    """
    view = View(route, depth, notation, hints, digits)
    options = _options(
        weight, sample_weight, label_smoothing, temperature, z_loss, softcap, log_base
    )
    if network is not None:
        from pminusy.derivation.build_network import derive_network

        if z is not None or probabilities is not None or W is not None or b is not None:
            raise InputError("network", "an input x alone: the layers make the logits", "more")
        if features is not None or steps != 1:
            raise InputError("network", "an input and its targets", "features or steps as well")
        return derive_network(network, x, y, row, classes, seed, options, view)
    given = _given(z, probabilities, x, W, b, normalise)
    _refuse_unused(given, W is not None or b is not None, normalise, features, steps, row)
    if given.batch:
        from pminusy.derivation.build_batch import derive_batch

        return derive_batch(given, y, row, classes, features, options, view, rate, steps, ridge)
    K = len(given.first)
    names = _class_names(classes, K)
    target, c = _target(y, K, names)
    setup = _setup(given, target, c, names, _feature_names(features, given), options, rate, ridge)
    return _derivation(setup, view, rate, steps, _heading(setup))


def _refuse_unused(
    given: Given, weights: bool, normalise: bool, features: Any, steps: int, row: int
) -> None:
    """What would change nothing is refused, not ignored."""
    layer = given.source == "layer"
    unused = {
        "W and b": (weights and not layer, "an input x, for which they make the logits"),
        "features": (features is not None and not layer, "a layer (x, W and b) that has features"),
        "steps": (steps != 1 and not layer, "a layer (x, W and b) whose weights can move"),
        "normalise": (normalise and given.source != "probabilities", "probabilities"),
        "row": (row != 0 and not given.batch, "a batch of several rows"),
    }
    for name, (refused, needs) in unused.items():
        if refused:
            raise InputError(name, f"{needs} beside it", f"{given.source} alone", "leave it out")


@dataclass(frozen=True)
class Given:
    """What the logits come from: themselves, probabilities, or a layer; one row or a batch."""

    source: str
    first: Any
    x: Any = None
    W: Any = None
    b: Any = None

    @property
    def batch(self) -> bool:
        """Whether there are several rows."""
        return np.ndim(self.x) == 2 if self.source == "layer" else np.ndim(self.first) == 2


def _given(z: Any, probabilities: Any, x: Any, W: Any, b: Any, normalise: bool) -> Given:
    sources = {"z": z, "probabilities": probabilities, "x": x}
    named = [name for name, value in sources.items() if value is not None]
    if len(named) != 1:
        raise InputError(
            "what to explain",
            "logits (z), probabilities, or a layer (x, W and b): one of the three",
            " and ".join(named) or "nothing",
        )
    if z is not None:
        return Given("logits", _logits(_numbers("z", z)))
    if probabilities is not None:
        return Given(
            "probabilities", _probabilities(_numbers("probabilities", probabilities), normalise)
        )
    return _layer(x, W, b)


def _numbers(name: str, value: Any) -> Any:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(name, "numbers", repr(value)[:60]) from None
    if array.ndim == 0 or array.size == 0:
        raise InputError(name, "a list of numbers", f"shape {array.shape}")
    return array


def _logits(z: Any) -> Any:
    if z.shape[-1] < 2:
        raise InputError("z", "at least 2 logits", str(z.shape[-1]), "give both, (0, z) for z")
    bad = ~np.isfinite(z)
    if bad.any():
        place = ", ".join(map(str, np.argwhere(bad)[0]))
        value = z[bad][0]
        effect = {
            True: "NaN spreads to every probability of its row",
            False: "−∞ is a mask (p = 0, no gradient): leave the class out"
            if value < 0
            else "+∞ is a certain class (p = 1): there is nothing left to derive",
        }[bool(np.isnan(value))]
        raise InputError(f"z[{place}]", "a finite logit", str(value), effect)
    return z


def _probabilities(p: Any, normalise: bool) -> Any:
    if p.ndim != 1 or len(p) < 2:
        raise InputError("probabilities", "at least 2 numbers in a row", f"shape {p.shape}")
    bad = ~(np.isfinite(p) & (p > 0))
    if bad.any():
        k = int(bad.argmax())
        remedy = "the softmax is never exactly 0: give a small number" if p[k] == 0 else ""
        raise InputError(f"probabilities[{k}]", "a finite number above 0", str(p[k]), remedy)
    off = math.fsum(p) - 1.0
    if abs(off) > _OFF_BY and not normalise:
        raise InputError(
            "probabilities", "numbers that sum to 1", f"a sum that is off by {off:+.6g}",
            "pass --normalise (normalise=True) to divide by the sum",
        )  # fmt: skip
    exact = [decimals.mpf(value) for value in p]
    total = decimals.fsum(exact)
    return np.array([decimals.ln(value / total) for value in exact], dtype=object)


def _layer(x: Any, W: Any, b: Any) -> Given:
    if W is None:
        raise InputError("W", "the weights of the layer beside x, one row a class", "nothing")
    x, W = _numbers("x", x), _numbers("W", W)
    if W.ndim != 2 or W.shape[0] < 2:
        raise InputError("W", "shape (K, D), one row a class, K at least 2", f"shape {W.shape}")
    if x.ndim > 2 or x.shape[-1] != W.shape[1]:
        remedy = "W has one row a class: transpose it" if x.shape[-1] == W.shape[0] else ""
        raise InputError("x", f"{W.shape[1]} features, as W has", f"shape {x.shape}", remedy)
    b = np.zeros(W.shape[0]) if b is None else _numbers("b", b)
    if b.shape != (W.shape[0],):
        raise InputError("b", f"one number a class, {W.shape[0]}", f"shape {b.shape}")
    for name, array in (("x", x), ("W", W), ("b", b)):
        if not np.isfinite(array).all():
            place = ", ".join(map(str, np.argwhere(~np.isfinite(array))[0]))
            raise InputError(
                f"{name}[{place}]", "a finite number", str(array[~np.isfinite(array)][0])
            )
    return Given("layer", W[:, 0], x, W, b)


def _class_names(classes: Sequence[str] | None, K: int) -> tuple[str, ...]:
    if classes is None:
        return tuple(map(str, range(K)))
    if len(classes) != K:
        raise InputError("classes", f"{K} names, one a class", f"{len(classes)}")
    if len(set(classes)) != K:
        raise InputError("classes", "names that differ", "one of them twice")
    return tuple(map(str, classes))


def _feature_names(features: Sequence[str] | None, given: Given) -> tuple[str, ...]:
    if given.source != "layer":
        return ()
    D = given.W.shape[1]
    if features is None:
        return tuple(f"x_{d}" for d in range(D))
    if len(features) != D:
        raise InputError("features", f"{D} names, one a feature", f"{len(features)}")
    return tuple(map(str, features))


def _target(y: Any, K: int, names: tuple[str, ...]) -> tuple[Any, int | None]:
    """Target as a vector, and its class if it is one-hot by index or by name."""
    if isinstance(y, str):
        c = _by_name(y, names)
    elif np.ndim(y) == 0:
        c = _by_index(y, K)
    else:
        soft = _numbers("y", y)
        if soft.shape != (K,):
            raise InputError("y", f"a class or {K} target masses", f"shape {soft.shape}")
        if not (np.isfinite(soft) & (soft >= 0)).all():
            raise InputError("y", "finite target masses ≥ 0", str(soft[~(soft >= 0)][:1]))
        return soft, None
    return np.eye(K)[c], c


def _by_name(name: str, names: tuple[str, ...]) -> int:
    from difflib import get_close_matches

    if name in names:
        return names.index(name)
    close = get_close_matches(name, names, 1, cutoff=0.4)
    remedy = f"did you mean {close[0]!r}?" if close else f"the classes are {', '.join(names[:12])}"
    raise InputError("target", "the name or the index of a class", repr(name), remedy)


def _by_index(y: Any, K: int) -> int:
    if isinstance(y, bool) or not isinstance(y, int | np.integer) or not 0 <= y < K:
        raise InputError("target", f"a class index from 0 to {K - 1}", str(y))
    return int(y)


def _options(
    weight: Any, sample_weight: Any, label_smoothing: float, temperature: float, z_loss: float,
    softcap: float | None, log_base: float | None,
) -> Options:  # fmt: skip
    return Options(
        weight=None if weight is None else _numbers("weight", weight),
        sample_weight=None
        if sample_weight is None
        else np.atleast_1d(np.asarray(sample_weight, dtype=np.float64)),
        label_smoothing=label_smoothing,
        reduction="sum",
        temperature=temperature,
        z_loss=z_loss,
        softcap=softcap,
        log_base=log_base,
    )


def _case(source: str, c: int | None, options: Options) -> Case:
    return Case(
        source=source,
        one_hot=c is not None,
        smoothing=options.label_smoothing != 0,
        weights=options.weight is not None,
        sample_weight=options.sample_weight is not None,
        temperature=options.temperature != 1,
        softcap=options.softcap is not None,
        z_loss=options.z_loss != 0,
        log_base=options.log_base is not None,
    )


def _setup(
    given: Given, target: Any, c: int | None, names: tuple[str, ...], features: tuple[str, ...],
    options: Options, rate: float, ridge: float,
) -> Setup:  # fmt: skip
    K = len(names)
    case = _case(given.source, c, options)
    D = given.W.shape[1] if given.source == "layer" else 1
    if options.weight is not None and options.weight.shape != (K,):
        raise InputError("weight", f"{K} class weights", f"shape {options.weight.shape}")
    for name, array in (("weight", options.weight), ("sample_weight", options.sample_weight)):
        if array is not None and not (np.isfinite(array) & (array >= 0)).all():
            raise InputError(name, "finite numbers ≥ 0", str(array))
    if not (math.isfinite(rate) and rate > 0):
        raise InputError("rate", "a finite number above 0", str(rate))
    if not (math.isfinite(ridge) and ridge >= 0):
        raise InputError("ridge", "a finite number ≥ 0", str(ridge))
    directions = np.array([1 - 2 * (k % 2) + k // 2 for k in range(max(K, K * D))], dtype=float)
    values: dict[str, Any] = {
        "y": target, "v": directions[:K], "V": directions[: K * D].reshape(K, D),
        "V_b": directions[:K], "eta": rate, "lambda": ridge,
        "T": options.temperature, "kappa": options.softcap or 1.0, "zeta": options.z_loss,
        "epsilon": options.label_smoothing, "B": options.log_base or 2.0,
        "omega": 1.0 if options.sample_weight is None else options.sample_weight[0],
        "w": np.ones(K) if options.weight is None else options.weight, "a": 0.0, "m": 0.0,
    }  # fmt: skip
    if case.layer:
        values |= {"x": given.x, "W": given.W, "b": given.b}
    else:
        values[case.inputs.name] = given.first
    # what core is asked for: the plain natural logarithm; the base is a step of its own
    plain = Options(
        weight=options.weight, sample_weight=options.sample_weight, reduction="sum",
        label_smoothing=options.label_smoothing, temperature=options.temperature,
        z_loss=options.z_loss, softcap=options.softcap,
    )  # fmt: skip
    first = Setup(case, values, K, D, c, names, features, plain)
    z = first.numbers.array("z")
    largest = max(z)
    _widen(float(largest - min(z)))
    return Setup(case, {**values, "a": largest, "m": largest}, K, D, c, names, features, plain)


def _widen(spread: float) -> None:
    if spread > _FARTHEST:
        raise InputError(
            "logits", f"logits at most {_FARTHEST:,} apart", f"{spread:,.6g}",
            f"the smallest probability has more than {_FARTHEST / math.log(10):,.0f} zeros",
        )  # fmt: skip
    widen(spread)


def _heading(setup: Setup) -> str:
    source = {"logits": "logits", "probabilities": "probabilities", "layer": "a linear layer"}
    target = "soft targets" if setup.c is None else f"true class {setup.classes[setup.c]}"
    return f"Softmax cross-entropy from {source[setup.case.source]}, K = {setup.K}, {target}"


def _derivation(
    setup: Setup, view: View, rate: float, steps: int, heading: str,
    more: tuple[Chapter, ...] = (), tables: tuple[Table, ...] = (), notes: tuple[str, ...] = (),
) -> Derivation:  # fmt: skip
    chapters = tuple(_chapters(setup, view, rate, steps)) + more
    depth = view.depth or (OUTLINE if max(setup.K, setup.D) > _MANY else FULL)
    return Derivation(
        chapters,
        _summary(setup, heading, tables, notes),
        notation=notation_named(view.notation),
        depth=depth,
        hints=view.hints,
        digits=view.digits,
    )


def _chapters(setup: Setup, view: View, rate: float, steps: int) -> list[Chapter]:
    case, arena = setup.case, RowArena(setup)
    one = case.one_hot and not case.smoothing
    if view.route == "sparse" and not one:
        raise InputError(
            "route", "long or direct: the target has more than one class", "sparse",
            "the sparse route needs a one-hot target without smoothing",
        )  # fmt: skip
    planned = [
        ("forward", "Forward", "From the input to the loss.", forward.lines(case), True),
        ("cross_entropy", "Cross-entropy on its own", "The first factor of the chain rule.",
         backward.cross_entropy(case), view.route != "direct"),
        ("jacobian", "Jacobian of the softmax", "The second factor: both cases, then one formula.",
         backward.jacobian(case), view.route != "direct"),
        ("long", "The long route", "Every path from a logit to the loss.",
         backward.chain_rule(case), view.route in ("all", "long")),
        ("sparse", "The sparse route", "The target is 0 but for one class, and so are the paths.",
         routes.sparse(case) if one else (), view.route in ("all", "sparse")),
        ("direct", "The direct route", "Take the logarithm first, differentiate afterwards.",
         routes.direct(case), view.route in ("all", "direct")),
        ("result", "The result", "Where all routes meet.", routes.result(case), True),
        ("options", "What the options add", "The same chain rule, a little longer.",
         routes.options(case), True),
        ("parameters", "Parameters and inputs", "One signal, used three times.",
         parameters.lines(case) if case.layer else (), True),
        ("gradient_step", "One step of gradient descent", f"With the rate η = {rate:g}.",
         parameters.gradient_step(case) if case.layer else (), True),
        ("second_order", "Second order", "How the gradient itself changes.",
         second_order.lines(case), max(setup.K, setup.D) <= _MANY),
        ("pair", "Why this pair", "Softmax and cross-entropy, and not any other two.",
         pair.lines(case) if case.one_hot and not case.mass and not case.z_loss else (), True),
        ("floating_point", "In floating point", "The same mathematics with 53 or 24 bits.",
         floating_point.lines(setup), True),
    ]  # fmt: skip
    chapters = [
        _why_stop(setup)
        if key == "parameters" and not case.layer
        else Chapter(key, title, intro, tuple(lines), arena)
        for key, title, intro, lines, wanted in planned
        if wanted
    ]
    return [with_tables(chapter, setup, steps) for chapter in chapters if chapter.lines]


def _why_stop(setup: Setup) -> Chapter:
    """Why stop at z, for logits that came from nowhere: they are those of a layer with x = (1)."""
    from dataclasses import replace

    z = setup.numbers.array(setup.case.inputs.name)
    values = {**setup.values, "x": [1.0], "W": z.reshape(-1, 1), "b": np.zeros(setup.K)}
    layer = replace(
        setup, case=replace(setup.case, source="layer"), values=values, D=1, features=("x_0",)
    )
    lines = [line for line in parameters.lines(layer.case) if line.name == "why_stop_at_z"]
    intro = (
        "Logits come from a layer; here the smallest one that gives yours: x = (1), W = z, b = 0."
    )
    return Chapter("parameters", "Why stop at the logits", intro, tuple(lines), RowArena(layer))


def _summary(
    setup: Setup, heading: str, tables: tuple[Table, ...] = (), notes: tuple[str, ...] = ()
) -> Summary:
    at = setup.numbers
    options = setup.options
    words = {
        "label smoothing ε": options.label_smoothing or None,
        "temperature T": options.temperature if options.temperature != 1 else None,
        "soft-cap κ": options.softcap,
        "z-loss ζ": options.z_loss or None,
        "class weights w": None
        if options.weight is None
        else "("
        + ", ".join(f"{v:g}" for v in options.weight[:8])
        + ("…" if setup.K > 8 else "")
        + ")",
        "sample weight ω": None if options.sample_weight is None else options.sample_weight[0],
        "base of the logarithm B": setup.values["B"] if setup.case.log_base else None,
    }
    return Summary(
        heading,
        setup.classes,
        tuple(at.array("p")),
        tuple(at.array("q") if setup.case.mass else at.array("y")),
        tuple(map(settled, gradient(at, setup))),
        at.array("L"),
        setup.c,
        {
            name: f"{v:g}" if isinstance(v, float | int) else str(v)
            for name, v in words.items()
            if v is not None
        },
        notes,
        tables,
    )
