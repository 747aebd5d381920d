"""A step: one line of the derivation, with what it says, the reader's numbers, and its proof."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.engine.proof import (
    Check,
    Proof,
    ProofError,
    has_derivative,
    prove_by_algebra,
    prove_by_numbers,
    spot_checked,
)
from pminusy.derivation.engine.samples import SampledEvaluator
from pminusy.derivation.statements.facts import FACTS
from pminusy.derivation.statements.line import Line
from pminusy.derivation.statements.sentence import Sentence, sentences
from pminusy.derivation.steps.context import ProofContext
from pminusy.derivation.tree import Relation
from pminusy.derivation.values.result_value import ResultValue, is_of_weights, result_value
from pminusy.derivation.values.substitution import substitutions

__all__ = ["Claim", "ProvedStep", "Substitution", "hold", "prove"]


@dataclass(frozen=True)
class Substitution:
    """A line with one choice of indices and the reader's numbers put in."""

    statement: Relation
    indices: Mapping[str, int]


@dataclass(frozen=True)
class Claim:
    """A sentence, and the relations that were proved for it: the line's own where it reads that."""

    text: str
    relations: tuple[Relation, ...]


@dataclass(frozen=True)
class ProvedStep:
    """A line that has been proved.

    Attributes
    ----------
    number, chapter
        Its place.
    line
        Name, title, statement, why, rules.
    proof
        What was checked.
    context
        What its letters mean; `rows` and `value` are read there.
    transposed
        Whether weights are shown with one column a class, as where vectors are rows.
    """

    number: int
    chapter: str
    line: Line
    proof: Proof
    context: ProofContext = field(repr=False)
    transposed: bool = False

    @property
    def name(self) -> str:
        """Key of the step."""
        return self.line.name

    @property
    def title(self) -> str:
        """Heading of the step."""
        return self.line.title

    @property
    def rules(self) -> tuple[str, ...]:
        """Rules used."""
        return self.line.rules

    @property
    def statement(self) -> Relation:
        """What is claimed, for any K."""
        return self.line.statement

    @property
    def why(self) -> str:
        """One sentence."""
        return self.line.why

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The sentences that state mathematics, each with what was proved for it."""
        return tuple(
            Claim(one.text, (*one.holds, *one.here) or (self.statement,))
            for one in sentences(self.line.reason)
            if one.kind != "remark"
        )

    @cached_property
    def sympy(self) -> tuple[Any, ...]:
        """Sides of the statement as SymPy expressions for a symbolic K; scalar statements only."""
        from pminusy.derivation.engine.symbolic import to_sympy

        return to_sympy(self.statement)

    @cached_property
    def holds_for_any_K(self) -> bool:
        """Whether SymPy also proves the statement with K left open (False: it cannot tell)."""
        from pminusy.derivation.engine.symbolic import holds_for_any_K

        return holds_for_any_K(self.statement)

    @cached_property
    def rows(self) -> tuple[Substitution, ...]:
        """The statement with the reader's numbers put in, for a few choices of its indices."""
        numbers = self.context.numbers
        with numbers.working():
            return tuple(
                Substitution(statement, where)
                for statement, where in substitutions(self.statement, numbers)
            )

    @cached_property
    def value(self) -> ResultValue:
        """What comes out: a number, a vector or a matrix of exact values."""
        with self.context.numbers.working():
            shown = result_value(self.statement, self.context.numbers)
            weights = is_of_weights(self.statement, self.context.numbers)
        flip = self.transposed and weights and len(shown.shape) == 2
        return shown.transposed() if flip else shown


_proved: dict[tuple[Hashable, Relation], tuple[int, str]] = {}
"""Exact proofs already made in this process: they do not depend on the reader's numbers."""
_ANY = " for any K"
_MOST_PROVED = 4096
"""Proofs kept: networks of ever new shapes have ever new statements."""


def prove(line: Line, chapter: str, number: int, context: ProofContext) -> ProvedStep:
    """Prove a line, and what its sentences state.

    Raises
    ------
    ProofError
        It does not hold, or a sentence beside it does not.
    """
    try:
        proof = Proof(tuple(_checks(line.statement, line.sizes, context)))
        for rule in line.rules:
            if rule in FACTS:
                _hold_fact(FACTS[rule], line.sizes, context)
        for sentence in sentences(line.reason):
            hold(sentence, line.sizes, context)
    except ProofError as error:
        raise ProofError(f"step {line.name}: {error}") from error
    return ProvedStep(number, chapter, line, proof, context)


def hold(sentence: Sentence, sizes: tuple[int, ...], context: ProofContext) -> None:
    """Prove what a sentence states: for any numbers, and at the reader's."""
    try:
        for relation in sentence.holds:
            _hold_fact(relation, sizes, context)
        for relation in sentence.here:
            prove_by_numbers(relation, context.numbers)
    except ProofError as error:
        raise ProofError(f"{sentence.text!r}: {error}") from error


def _hold_fact(relation: Relation, sizes: tuple[int, ...], context: ProofContext) -> None:
    """Prove a fact exactly; at the reader's numbers too, where these are not too many."""
    checks = _checks(relation, sizes, context)
    next(checks)
    if not spot_checked(relation, context.numbers):
        list(checks)


def _checks(statement: Relation, sizes: tuple[int, ...], context: ProofContext) -> Iterator[Check]:
    key = (context.kind(statement), statement)
    if key not in _proved:
        for_any = context.sizes_for_any(statement, sizes)
        environments = context.exact_environments(statement, for_any or sizes)
        if len(_proved) >= _MOST_PROVED:
            _proved.clear()
        count = prove_by_algebra(statement, environments)
        _proved[key] = count, _ANY if for_any else _sizes(environments)
    count, proved_for = _proved[key]
    yield Check("algebra", f"exact{proved_for}", count, proved_for == _ANY)
    count = prove_by_numbers(statement, context.numbers)
    if isinstance(context.numbers, SampledEvaluator):
        yield Check("numbers", _of_samples(statement, context.numbers, count), count)
        return
    means = " by difference quotients" if has_derivative(statement) else ""
    if spot_checked(statement, context.numbers):
        means += ", at chosen entries and along random directions"
    yield Check("numbers", f"your numbers to 30 digits{means}", count)


def _of_samples(statement: Relation, numbers: SampledEvaluator, count: int) -> str:
    """In words, how a line about a layer was checked at the reader's numbers."""
    if not count:
        return "too many terms to evaluate at your numbers"
    places = f"your numbers at {count} {'entry' if count == 1 else 'entries'}"
    if numbers.rests_on_record(statement):
        return f"{places}, against the gradient in float64"
    return f"{places} to 30 digits" + (
        " by difference quotients" if has_derivative(statement) else ""
    )


def _sizes(environments: list[Evaluator]) -> str:
    """In words, the numbers of classes, rows, … for which a line was proved exactly."""
    words = []
    for space in ("K", "N", "C", "T", "U"):
        found = sorted(
            {
                environment.size(space)
                for environment in environments
                if space in environment.environment.sizes
            }
        )
        if found:
            words.append(f"{space} = {', '.join(map(str, found))}")
    return f" for {' and '.join(words)}" if words else ""
