"""Which chapters a derivation of one sample has: by the route, and by what was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from pminusy.derivation.build.page import on_page, refuse_unknown
from pminusy.derivation.build.tables import with_tables
from pminusy.derivation.engine.proof import MANY_CLASSES
from pminusy.derivation.head.limits import limits_chapter
from pminusy.derivation.head.row import RowContext
from pminusy.derivation.head.sample import Sample
from pminusy.derivation.input.request import Request
from pminusy.derivation.statements import floating_point, pair
from pminusy.derivation.statements.forward.chapter import lines as forward
from pminusy.derivation.statements.gradient import by_probability, result
from pminusy.derivation.statements.gradient.direct import direct
from pminusy.derivation.statements.gradient.jacobian import jacobian
from pminusy.derivation.statements.gradient.options import options
from pminusy.derivation.statements.gradient.sparse import sparse
from pminusy.derivation.statements.gradient.sum_over_paths import chain_rule
from pminusy.derivation.statements.gradient.with_delta import compact
from pminusy.derivation.statements.line import Line
from pminusy.derivation.statements.parameters import gradients
from pminusy.derivation.statements.parameters.gradient_step import gradient_step
from pminusy.derivation.statements.rows import ignored
from pminusy.derivation.statements.second_order.chapter import lines as second_order
from pminusy.derivation.statements.sentence import Reason, Sentence, because, remark
from pminusy.derivation.steps.chapters import Chapter
from pminusy.derivation.tree import Number, Relation
from pminusy.derivation.tree.letters import W, b, eta, k, v, x
from pminusy.errors import InputError

__all__ = ["chapters_of"]


def chapters_of(sample: Sample, request: Request) -> tuple[Chapter, ...]:
    """Every chapter in its order, with the lines of it that the page has."""
    case, route = sample.case, request.route
    if case.ignored:
        refuse_unknown(request, ("forward", "ignored"))
        return _of_ignored(sample, RowContext(sample))
    if route == "sparse" and not _one(sample):
        raise InputError(
            "route",
            "long or direct: the target has more than one class",
            "sparse",
            "the sparse route needs a one-hot target without smoothing",
        )
    chapters = [chapter for chapter in _all_chapters(sample, request) if chapter.lines]
    limits = limits_chapter(sample)
    if limits is not None:
        chapters.insert(-1, limits)
    wanted = on_page(request, tuple(chapter.key for chapter in chapters), sample.case)
    return tuple(
        replace(with_tables(chapter, sample, request.steps), shown=wanted[chapter.key])
        for chapter in chapters
    )


def _one(sample: Sample) -> bool:
    return sample.case.one_hot and not sample.case.smoothing


def _all_chapters(sample: Sample, request: Request) -> Iterator[Chapter]:
    case, context = sample.case, RowContext(sample)
    for key, title, intro, lines in (*_first_order(sample, request), *_further(sample, request)):
        if key == "parameters" and not case.layer:
            yield _why_stop(sample)
        else:
            yield Chapter(key, title, intro, tuple(lines), context)


_Planned = tuple[str, str, Reason, Iterable[Line]]


def _first_order(sample: Sample, request: Request) -> tuple[_Planned, ...]:
    """From the input to the gradient at the logits, on every route."""
    case = sample.case
    whole = request.route == "all" or "jacobian" in (request.chapters or ())
    return (
        ("forward", "Forward", remark("From the input to the loss."), forward(case)),
        (
            "cross_entropy",
            "Cross-entropy on its own",
            remark("The first factor of the chain rule."),
            by_probability.cross_entropy(case),
        ),
        (
            "jacobian",
            "Jacobian of the softmax",
            (
                remark("The second factor of the chain rule."),
                *(_direction(sample) if whole else ()),
            ),
            jacobian(),
        ),
        (
            "long",
            "The long route",
            remark("Every path from a logit to the loss."),
            chain_rule(case),
        ),
        (
            "compact",
            "The long route with Kronecker δ",
            remark("Both cases of the Jacobian in one formula."),
            compact(case),
        ),
        (
            "sparse",
            "The sparse route",
            remark("One class has all of the target, and one path leads to the loss."),
            sparse(case) if _one(sample) else (),
        ),
        (
            "direct",
            "The direct route",
            remark("Take the logarithm first, differentiate afterwards."),
            direct(case),
        ),
        ("result", "The result", remark("The gradient at the logits."), result.result(case)),
        (
            "options",
            "What the options add",
            remark("The same chain rule, a little longer."),
            options(case),
        ),
    )


def _further(sample: Sample, request: Request) -> tuple[_Planned, ...]:
    """What the gradient is used for, how it changes, and what may go wrong."""
    case = sample.case
    few = max(sample.K, sample.D) <= MANY_CLASSES
    plain = case.one_hot and not case.mass and not case.z_loss
    return (
        (
            "parameters",
            "Parameters and inputs",
            remark("One gradient, used three times."),
            gradients.lines(case) if case.layer else (),
        ),
        (
            "gradient_step",
            "One step of gradient descent",
            _rate(request),
            gradient_step(case) if case.layer else (),
        ),
        (
            "second_order",
            "Second order",
            (remark("How the gradient itself changes."), *_direction(sample)),
            second_order(case) if few else (),
        ),
        (
            "pair",
            "Why this pair",
            remark("Softmax and cross-entropy, and not any other two."),
            pair.lines() if plain else (),
        ),
        (
            "floating_point",
            "In floating point",
            remark("The same mathematics in the arithmetic of a computer."),
            floating_point.lines(case),
        ),
    )


def _rate(request: Request) -> Reason:
    rate = Relation.equal(eta, Number(Fraction(str(request.rate))))
    return because(f"With the rate η = {request.rate:g}.", here=(rate,))


def _direction(sample: Sample) -> tuple[Sentence, ...]:
    """The direction v that stands for any: which one the reader's numbers are made with."""
    first = [f"{float(entry):g}".replace("-", "−") for entry in sample.values["v"][:4]]
    more = ", …" if len(first) < sample.K else ""
    numbers = tuple(
        Relation.equal(v[place], Number(Fraction(float(entry))))
        for place, entry in enumerate(sample.values["v"][:4])
    )
    words = (
        f"Where a line holds for any direction v, its numbers are for ({', '.join(first)}{more})."
    )
    return (because(words, here=numbers),)


def _of_ignored(sample: Sample, context: RowContext) -> tuple[Chapter, ...]:
    chapters = (
        Chapter(
            "forward",
            "Forward",
            remark("From the input to the probabilities."),
            tuple(ignored.before(sample.case)),
            context,
        ),
        Chapter(
            "ignored",
            "An ignored row",
            remark("It is there, and counts nothing."),
            tuple(ignored.lines(sample.case)),
            context,
        ),
    )
    return tuple(with_tables(chapter, sample, 1) for chapter in chapters)


def _why_stop(sample: Sample) -> Chapter:
    """Why stop at z, for logits that came from nowhere: they are those of a layer with x = (1)."""
    name = sample.case.logit_letter.name
    logits = sample.numbers.array(name)
    # the layer makes the logits now: given beside it they would not move with its weights
    values = {key: value for key, value in sample.values.items() if key != name}
    values |= {"x": [1.0], "W": logits.reshape(-1, 1), "b": np.zeros(sample.K)}
    layer = replace(
        sample, case=replace(sample.case, source="layer"), values=values, D=1, features=("x_0",)
    )
    first = layer.case.logit_letter
    smallest = Relation.equal(x[0], 1), Relation.equal(W[k, 0], first[k]), Relation.equal(b[k], 0)
    intro = because(
        f"Logits come from a layer; here the smallest one that gives yours: x = (1), "
        f"W = {first.name}, b = 0.",
        here=smallest,
    )
    lines = (gradients.why_stop_at_z(layer.case),)
    return Chapter("parameters", "Why stop at the logits", intro, lines, RowContext(layer))
