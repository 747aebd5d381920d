"""What comes before the derivation of a row: what the model says of it, why, and what it learns.

Numbers are those of the table, and columns count as a whole: what a category or a missing cell adds
is part of its column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pminusy.api.rows_of_the_fit import rows_of_the_fit
from pminusy.core import head, softmax
from pminusy.core.options import Options
from pminusy.core.target_mass import target_mass
from pminusy.derivation.statements.line import Table
from pminusy.tables.design import cells
from pminusy.tables.kinds import is_number
from pminusy.tables.schema import CategoryColumn, NumberColumn
from pminusy.tables.wording import shown

if TYPE_CHECKING:
    import polars as pl

    from pminusy.api.fitted import Fitted

__all__ = ["RowAnswer", "answer"]

_STRAIGHT, _BENT = "gradient × input, of", ", what bends in the rest"
_MOST_COLUMNS = 10
_MOST_CHANGES = 4
_FARTHEST = 5.0
"""A change of more standard deviations than this is not told: no row is like that."""


@dataclass(frozen=True)
class RowAnswer:
    """A heading, sentences, and tables."""

    heading: str
    notes: tuple[str, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True, eq=False)
class _Row:
    """One row under a model: its features, logits and probabilities; c and top are classes."""

    model: Fitted
    frame: pl.DataFrame
    x: Any
    c: int
    options: Options

    @property
    def logits(self) -> Any:
        return self.logits_of(self.x)

    def logits_of(self, x: Any) -> Any:
        """Logits (K,) of features (D,)."""
        return self.model.logits(x[None])[0]

    @property
    def p(self) -> Any:
        return softmax.softmax(self.logits[None])[0]

    @property
    def top(self) -> int:
        """The class that is predicted."""
        return self.predicted(self.logits)

    def predicted(self, logits: Any) -> int:
        """The class predicted from logits (K,)."""
        return int(self.model.decided(logits[None])[0])

    def decisive(self, logits: Any) -> Any:
        """Logits of which the largest is predicted: a threshold of two classes moves one."""
        cut = self.model.threshold
        if cut is None:
            return logits
        moved = np.array(logits, dtype=np.float64)
        moved[cut.positive] -= cut.log_odds
        return moved

    @property
    def other(self) -> int:
        """The class that the most probable one is compared with: the true one, or the next."""
        if self.c != self.top:
            return self.c
        return int(np.argsort(-self.logits, kind="stable")[1])

    def name(self, k: int) -> str:
        return shown(self.model.schema.classes[k])


def answer(
    model: Fitted, frame: pl.DataFrame, x: Any, c: int, options: Options, rate: float,
    whole: tuple[pl.DataFrame, int] | None,
) -> RowAnswer:  # fmt: skip
    """The answer for one row; `whole` is the table that it is of, and its place there from 1."""
    row = _Row(model, frame, x, c, options)
    number = "" if whole is None else f"Row {whole[1]:,}: "
    right = "as the table does" if row.c == row.top else f"and the table {row.name(c)}"
    trained = () if whole is None else (_trained_on(model, *whole),)
    return RowAnswer(
        f"{number}the model says {row.name(row.top)}, {right}",
        (_verdict(row), *_threshold(row), *trained, _mind(row), _lesson(row, rate)),
        (_contributions(row),),
    )


def _verdict(row: _Row) -> str:
    p, target = row.p, shown(row.model.schema.target)
    said = (
        f"The table says {target} = {row.name(row.c)}; the model says {row.name(row.top)} "
        f"with p = {p[row.top]:.4g}"
    )
    if row.c == row.top:
        return f"{said}, then {row.name(row.other)} with {p[row.other]:.4g}. It is right."
    return f"{said}, and gives {row.name(row.c)} {p[row.c]:.4g}. It is wrong."


def _threshold(row: _Row) -> tuple[str, ...]:
    cut = row.model.threshold
    if cut is None:
        return ()
    return (f"The model has a threshold: {cut.sentence(row.model.schema.classes, shown)}.",)


def _trained_on(model: Fitted, frame: pl.DataFrame, number: int) -> str:
    """Whether the row was trained on: the split is made again, and known by what it left behind."""
    train, held_out = rows_of_the_fit(model, frame)
    if train is None:
        return (
            "Whether the row was trained on is not known: this is not the table of the fit, or "
            "its rows were split in another way."
        )
    if number - 1 in held_out and model.refitted:
        return "The row was held out when the model was scored, which was then refitted on it too."
    if number - 1 in held_out:
        return "The row was held out: training never saw it."
    if number - 1 in train:
        return "The row is one that the model was trained on."
    return "The row was left out of training: it has no label or no weight."


def _places(model: Fitted) -> Iterator[tuple[Any, list[int]]]:
    """Each column, and the places of its features."""
    first = 0
    for column in model.schema.columns:
        count = len(column.feature_names)
        yield column, list(range(first, first + count))
        first += count


def _contributions(row: _Row) -> Table:
    """What each column adds to the logit of one class against another."""
    ahead, behind = row.top, row.other
    adds, rest_of = row.model.contributions(row.x)
    network = rest_of is not None
    of_feature, beside = adds[ahead] - adds[behind], rest_of if network else row.model.b
    texts = cells(row.frame, 0)
    found = [
        (column, texts.get(column.name, ""), float(of_feature[places].sum()))
        for column, places in _places(row.model)
        if places
    ]
    found.sort(key=lambda each: -abs(each[2]))
    shown_, rest = found[:_MOST_COLUMNS], found[_MOST_COLUMNS:]
    lines = [
        (column.name, text, _typical(column), _signed(value), _towards(row, value))
        for column, text, value in shown_
    ]
    if rest:
        total = sum(value for *_, value in rest)
        lines.append((f"{len(rest)} more columns", "", "", _signed(total), _towards(row, total)))
    intercept = float(beside[ahead] - beside[behind])
    name = "(the rest)" if network else "(intercept)"
    lines.append((name, "", "", _signed(intercept), _towards(row, intercept)))
    gap = float(row.logits[ahead] - row.logits[behind])
    lines.append(("together", "", "", _signed(gap), _towards(row, gap)))
    return Table(
        ("column", "in this row", "mean in training", "adds", "speaks for"), tuple(lines),
        f"{_STRAIGHT if network else 'what each column adds to'} "
        f"z of {row.name(ahead)} less z of {row.name(behind)}, numbers "
        f"counted from their mean{_BENT if network else ''}; together they make "
        f"{row.name(ahead)} e^{gap:.3f} = {np.exp(min(gap, 700.0)):.4g} times as probable",
    )  # fmt: skip


def _typical(column: Any) -> str:
    return f"{column.mean:.4g}" if isinstance(column, NumberColumn) else ""


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _towards(row: _Row, value: float) -> str:
    if abs(value) < 5e-4:
        return ""
    return row.model.schema.classes[row.top if value > 0 else row.other]


def _mind(row: _Row) -> str:
    """The smallest changes of a single column that change what the model says."""
    changes = sorted([*_of_numbers(row), *_of_categories(row)])[:_MOST_CHANGES]
    if not changes:
        return (
            "No change of a single column would change its mind (numbers were tried up to "
            f"{_FARTHEST:g} standard deviations away)."
        )
    return f"What would change its mind, one column at a time: {'; '.join(c[1] for c in changes)}."


def _of_numbers(row: _Row) -> Iterator[tuple[float, str]]:
    """The nearest value of each number at which another class is as probable."""
    texts = cells(row.frame, 0)
    columns = {
        places[0]: column
        for column, places in _places(row.model)
        if isinstance(column, NumberColumn)
        and column.varies
        and texts.get(column.name) != "(missing)"
        and is_number(row.frame[column.name])
    }
    for place, away, k in _nearest_changes(row, list(columns)):
        column = columns[place]
        value = column.mean + column.scale * (row.x[place] + away)
        side = "above" if away > 0 else "below"
        yield (
            abs(away),
            f"{shown(column.name)} {side} {value:.4g} (now {texts[column.name]}) "
            f"makes it {row.name(k)}",
        )


def _nearest_changes(row: _Row, places: list[int]) -> list[tuple[int, float, int]]:
    """Feature, change in standard deviations and class, for features where there is one."""
    if row.model.hidden is not None:
        from pminusy.api.network.row import nearest_changes

        return nearest_changes(row.model, row.x, places, _FARTHEST)
    W, z, found = row.model.W, row.decisive(row.logits), []
    for place in places:
        slopes = W[:, place] - W[row.top, place]  # of what each class gains a deviation
        with np.errstate(divide="ignore", invalid="ignore"):
            away = (z[row.top] - z) / slopes
        away[row.top] = np.inf
        away[~np.isfinite(away)] = np.inf
        k = int(np.abs(away).argmin())
        if abs(away[k]) <= _FARTHEST:
            found.append((place, float(away[k]), k))
    return found


def _of_categories(row: _Row) -> Iterator[tuple[float, str]]:
    """Other categories under which the model says something else."""
    for column, places in _places(row.model):
        if not isinstance(column, CategoryColumn):
            continue
        names = list(zip(places, column.feature_names, strict=True))
        if column.reference:
            names.append((-1, f"{column.name} = {column.categories[0]}"))
        for place, name in names:
            x = row.x.copy()
            x[places] = 0.0
            if place >= 0:
                x[place] = 1.0
            k = row.predicted(row.logits_of(x))
            if k != row.top:
                yield 1.0, f"{shown(name)} makes it {row.name(k)}"


def _lesson(row: _Row, rate: float) -> str:
    """What a gradient step on this row alone does."""
    mass = target_mass(np.array([row.c]), 1, len(row.model.b), row.options)
    u = row.logits[None]
    loss, g = head.cross_entropy_grad(u, mass, row.options, None)
    if row.model.hidden is not None:
        from pminusy.api.network.row import loss_after_step

        smaller = loss_after_step(row.model, row.x, mass, row.options, rate)
    else:
        after = u - rate * g * (row.x @ row.x + 1.0)  # of W by η g xᵀ, and of b by η g
        smaller = float(np.ravel(head.cross_entropy(after, mass, row.options))[0])
    entries = ", ".join(
        f"{row.name(k)} {_signed(float(g[0, k]))}" for k in np.argsort(-np.abs(g[0]))[:4]
    )
    return (
        f"What the row teaches: the gradient at the logits, p − y, is {entries}. The loss is "
        f"{float(np.ravel(loss)[0]):.4g}; one gradient step of rate {rate:g} on this row alone "
        f"makes it {smaller:.4g}."
    )
