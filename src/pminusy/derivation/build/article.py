"""A derivation in the order and the letters of an article."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from pminusy.core.options import OPTIONS
from pminusy.derivation.build.batch import batch_context
from pminusy.derivation.build.summary import summary_of
from pminusy.derivation.engine.proof import MANY_CLASSES
from pminusy.derivation.head.row import RowContext
from pminusy.derivation.head.rules import rules_context
from pminusy.derivation.head.sample import Sample
from pminusy.derivation.head.setup import sample_of
from pminusy.derivation.input.logit_source import LogitSource, logit_source
from pminusy.derivation.input.request import Request
from pminusy.derivation.input.targets import Targets, batch_targets, sample_target
from pminusy.derivation.statements.articles import ARTICLES, Article
from pminusy.derivation.statements.line import FULL
from pminusy.derivation.steps.chapters import Chapter
from pminusy.derivation.steps.context import ProofContext
from pminusy.derivation.steps.derivation import Derivation
from pminusy.derivation.tree.notation import notation
from pminusy.derivation.values.digits import as_text
from pminusy.errors import InputError

__all__ = ["derive_article"]

_ROWS = 4
_EXAMPLE: dict[str, Any] = {"probabilities": (0.2, 0.6, 0.2), "y": 0}
_LAYER: dict[str, Any] = {
    "W": ((0.5, 0.1), (0.3, -0.2), (-0.4, 0.6)), "b": (0.1, 0.0, -0.1),
}  # fmt: skip
_EXAMPLES: Mapping[str, dict[str, Any]] = {
    "000": {**_LAYER, "x": ((1.0, 2.0), (0.5, -1.0)), "y": (0, 2)},
    "002": {**_LAYER, "x": (1.0, 2.0), "y": 0},
}
"""The numbers where none are given: those that article 004 works with, or a layer and its input."""

_BESIDE_NO_ARTICLE = ("network", "route", "chapters", "steps", "grad_output")
"""What has no place in an article, nor has an option: each is about the plain loss."""


def derive_article(request: Request) -> Derivation:
    """Derivation of one article, at the reader's numbers or at an example's."""
    _refuse(request)
    article = ARTICLES[request.article or ""]
    if request.y is None and request.z is request.probabilities is request.x is None:
        request = replace(request, **_EXAMPLES.get(article.name, _EXAMPLE))
    source = logit_source(request)
    if source.K > MANY_CLASSES:
        raise InputError("article", f"at most {MANY_CLASSES} classes", str(source.K))
    targets = _targets(request, source)
    if source.kind != "layer" and not np.isfinite(np.asarray(source.logits, dtype=float)).all():
        raise InputError("article", "finite logits", "a masked class (a logit of −∞)")
    if article.layer and source.kind != "layer":
        source = _smallest_layer(source)
    chosen = sorted({request.row, *range(min(_ROWS, len(targets.Y)))})[:_ROWS]
    return _derived(request, article, source, targets, chosen)


def _refuse(request: Request) -> None:
    if request.article not in ARTICLES:
        raise InputError("article", f"one of {', '.join(ARTICLES)}", repr(request.article))
    asked = {name: (getattr(request, name), default) for name, default in _defaults().items()}
    for option in OPTIONS:
        if option.name != "ignore_index":  # an ignored row is refused where it is known
            asked[option.name] = (getattr(request.options, option.name), option.default)
    for name, (given, default) in asked.items():
        if given is not None and (default is None or given != default):
            raise InputError(name, "none beside an article", "both", "leave one of them out")


def _defaults() -> dict[str, Any]:
    every = {field.name: field.default for field in fields(Request)}
    return {name: every[name] for name in _BESIDE_NO_ARTICLE}


def _targets(request: Request, source: LogitSource) -> Targets:
    if source.batch:
        targets = batch_targets(request, len(source.rows), source.K)
        if not 0 <= request.row < len(targets.Y):
            expected = f"a row from 0 to {len(targets.Y) - 1}"
            raise InputError("row", expected, str(request.row))
    else:
        target, c = sample_target(request, source.K)
        targets = Targets(target[None], None if c is None else np.array([c]))
    if targets.labels is None or targets.ignored[request.row]:
        raise InputError("article", "one true class", "soft targets or an ignored row")
    return targets


def _smallest_layer(source: LogitSource) -> LogitSource:
    """The smallest layer with these logits: sample n has a 1 at place n, and W has its logits."""
    logits, exact = (np.atleast_2d(a) for a in (source.logits, source.exact("logits")))
    return LogitSource(
        "layer", x=np.eye(len(logits)), W=np.array(logits.T, dtype=float), b=np.zeros(source.K),
        typed={"W": exact.T},
    )  # fmt: skip


def _derived(
    request: Request, article: Article, source: LogitSource, targets: Targets, chosen: list[int]
) -> Derivation:
    batched = source if source.batch else _as_batch(source)
    target, c = targets.of(request.row)
    sample = sample_of(request, batched.row(request.row), target, c, request.options)
    contexts: dict[str, ProofContext] = {"row": RowContext(sample), "rules": rules_context()}
    with sample.numbers.working():
        parts = article.parts(sample.K)
        if any(part.about == "batch" for part in parts):
            contexts["batch"] = batch_context(request, batched, targets, chosen, sample)
        chapters = tuple(
            Chapter(part.key, part.title, part.opening, part.lines, contexts[part.about])
            for part in parts
        )
        heading = f"; in the order of article {article.name}"
        plain = summary_of(sample, heading, (), ("Classes are counted from 0.",))
        summary = replace(plain, answers=(_what_is_said(sample),))
    return Derivation(
        chapters,
        summary,
        notation=notation(request.notation or article.name),
        depth=request.depth or FULL,
        hints=request.hints,
        digits=request.digits,
    )


def _as_batch(source: LogitSource) -> LogitSource:
    """One sample as a batch of one."""
    if source.kind == "layer":
        return _with_axis(source, "x")
    return _with_axis(source, "logits")


def _with_axis(source: LogitSource, name: str) -> LogitSource:
    typed = {k: np.atleast_2d(v) if k == name else v for k, v in source.typed.items()}
    more: dict[str, Any] = {name: np.atleast_2d(getattr(source, name))}
    return replace(source, **more, typed=typed)


def _what_is_said(sample: Sample) -> str:
    """What the model takes the sample for, and what it is."""
    p = sample.numbers.array("p")
    first = int(np.argmax(p))
    assert sample.c is not None
    model, truth = sample.classes[first], sample.classes[sample.c]
    agree = "and so does the truth" if first == sample.c else f"the truth is class {truth}"
    return f"The model says class {model}, with {as_text(p[first])} the largest; {agree}."
