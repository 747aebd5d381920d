"""Which chapters a derivation of one sample has: by the route, and by what was given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pminusy.derivation.arena import RowArena
from pminusy.derivation.chapters import (
    backward,
    floating_point,
    forward,
    ignored,
    pair,
    parameters,
    routes,
    second_order,
)
from pminusy.derivation.limits import limits_chapter
from pminusy.derivation.model import Setup
from pminusy.derivation.name_tables import with_tables
from pminusy.derivation.proof import MANY
from pminusy.derivation.request import Request
from pminusy.derivation.steps import Chapter
from pminusy.errors import InputError

__all__ = ["chapters_of"]


def chapters_of(setup: Setup, asked: Request) -> tuple[Chapter, ...]:
    """Chapters in their order, those without a line left out."""
    case, arena, route = setup.case, RowArena(setup), asked.route
    if case.ignored:
        return _of_ignored(setup, arena)
    one = case.one_hot and not case.smoothing
    if route == "sparse" and not one:
        raise InputError(
            "route", "long or direct: the target has more than one class", "sparse",
            "the sparse route needs a one-hot target without smoothing",
        )  # fmt: skip
    planned = [
        ("forward", "Forward", "From the input to the loss.", forward.lines(case), True),
        ("cross_entropy", "Cross-entropy on its own", "The first factor of the chain rule.",
         backward.cross_entropy(case), route != "direct"),
        ("jacobian", "Jacobian of the softmax",
         f"The second factor: both cases, then one formula.{_direction(setup)}",
         backward.jacobian(), route != "direct"),
        ("long", "The long route", "Every path from a logit to the loss.",
         backward.chain_rule(case), route in ("all", "long")),
        ("sparse", "The sparse route", "The target is 0 but for one class, and so are the paths.",
         routes.sparse(case) if one else (), route in ("all", "sparse")),
        ("direct", "The direct route", "Take the logarithm first, differentiate afterwards.",
         routes.direct(case), route in ("all", "direct")),
        ("result", "The result", "Where all routes meet.", routes.result(case), True),
        ("options", "What the options add", "The same chain rule, a little longer.",
         routes.options(case), True),
        ("parameters", "Parameters and inputs", "One signal, used three times.",
         parameters.lines(case) if case.layer else (), True),
        ("gradient_step", "One step of gradient descent", f"With the rate η = {asked.rate:g}.",
         parameters.gradient_step(case) if case.layer else (), True),
        ("second_order", "Second order",
         f"How the gradient itself changes.{_direction(setup)}",
         second_order.lines(case), max(setup.K, setup.D) <= MANY),
        ("pair", "Why this pair", "Softmax and cross-entropy, and not any other two.",
         pair.lines() if case.one_hot and not case.mass and not case.z_loss else (), True),
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
    limits = limits_chapter(setup)
    if limits is not None:
        chapters.insert(-1, limits)
    return tuple(with_tables(chapter, setup, asked.steps) for chapter in chapters if chapter.lines)


def _direction(setup: Setup) -> str:
    """The direction v that stands for any: which one the reader's numbers are made with."""
    first = [f"{float(entry):g}".replace("-", "−") for entry in setup.values["v"][:4]]
    more = ", …" if len(first) < setup.K else ""
    return (
        f" Where a line holds for any direction v, its numbers are for ({', '.join(first)}{more})."
    )


def _of_ignored(setup: Setup, arena: RowArena) -> tuple[Chapter, ...]:
    chapters = (
        Chapter("forward", "Forward", "From the input to the probabilities.",
                tuple(ignored.before(setup.case)), arena),
        Chapter("ignored", "An ignored row", "It is there, and counts nothing.",
                tuple(ignored.lines(setup.case)), arena),
    )  # fmt: skip
    return tuple(with_tables(chapter, setup, 1) for chapter in chapters)


def _why_stop(setup: Setup) -> Chapter:
    """Why stop at z, for logits that came from nowhere: they are those of a layer with x = (1)."""
    name = setup.case.inputs.name
    logits = setup.numbers.array(name)
    # the layer makes the logits now: given beside it they would not move with its weights
    values = {key: value for key, value in setup.values.items() if key != name}
    values |= {"x": [1.0], "W": logits.reshape(-1, 1), "b": np.zeros(setup.K)}
    layer = replace(
        setup, case=replace(setup.case, source="layer"), values=values, D=1, features=("x_0",)
    )
    intro = (
        "Logits come from a layer; here the smallest one that gives yours: x = (1), W = z, b = 0."
    )
    lines = (parameters.why_stop_at_z(layer.case),)
    return Chapter("parameters", "Why stop at the logits", intro, lines, RowArena(layer))
