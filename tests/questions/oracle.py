"""Values of expressions in plain float64 at random numbers: another way to tell right from wrong.

It shares no arithmetic with the judges: neither the derivation's trees nor its exact points.
Derivatives are difference quotients.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from pminusy.questions.expression import Expression
from pminusy.questions.lines import TypedLine

__all__ = ["is_equal"]

_STEP = 1e-5
_NEAR = 1e-6
_AXES = {"K": 3, "D": 2, "N": 2}


class Numbers:
    """Quantities by their definitions, from those that are given or moved."""

    def __init__(self, given: dict[str, Any], spaces: dict[str, str], c: int) -> None:
        self.given, self.spaces, self.c = given, spaces, c

    def __getitem__(self, name: str) -> Any:
        if name in self.given:
            return self.given[name]
        return np.asarray(getattr(self, f"_{name}")(), dtype=float)

    def moved(self, name: str, at: tuple[int, ...], step: float) -> Numbers:
        array = np.array(self[name], dtype=float)
        array[at] += step
        return Numbers({**self.given, name: array}, self.spaces, self.c)

    def _z(self) -> Any:
        return self["W"] @ self["x"] + self["b"]

    def _Z(self) -> Any:
        return self["X"] @ self["W"].T + self["b"]

    def _p(self) -> Any:
        return np.exp(self["z"]) / self["S_e"]

    def _P(self) -> Any:
        e = np.exp(self["Z"])
        return e / e.sum(axis=1, keepdims=True)

    def _S_e(self) -> Any:
        return np.exp(self["z"]).sum()

    def _lse(self) -> Any:
        return np.log(self["S_e"])

    def _error(self) -> Any:
        return -self["y"] * np.log(self["p"])

    def _L_n(self) -> Any:
        return -(self["Y"] * np.log(self["P"])).sum(axis=1)

    def _L(self) -> Any:
        return self["L_n"].mean() if "X" in self.given else self["error"].sum()

    def _E2(self) -> Any:
        return ((self["p"] - self["y"]) ** 2).sum() / 2

    def _g(self) -> Any:
        return self["p"] - self["y"]


def _value(tree: Expression, at: Numbers, where: dict[str, int]) -> Any:
    """A number, a column (n, 1), a row (1, n) or a matrix."""
    kind = tree[0]
    of = [_value(part, at, where) for part in tree[1:]] if kind in ("+", "*", "/", "neg") else []
    if kind == "num":
        return tree[1] / tree[2]
    if kind == "size":
        return float(_AXES[tree[1]])
    if kind == "ref":
        array = at[tree[1]][tuple(where[letter] for letter in tree[2:])]
        return array.reshape(-1, 1) if np.ndim(array) == 1 else array
    if kind == "delta":
        return float(where[tree[1]] == where[tree[2]])
    if kind == "+":
        assert len({np.shape(each) for each in of}) == 1
        return sum(of[1:], of[0])
    if kind == "neg":
        return -of[0]
    if kind == "/":
        return of[0] / of[1]
    if kind == "*":
        result = of[0]
        for other in of[1:]:
            both = np.ndim(result) and np.ndim(other)
            result = result @ other if both else result * other
            result = result[0, 0] if np.shape(result) == (1, 1) else result
        return result
    if kind == "^":
        return _value(tree[1], at, where) ** tree[2]
    if kind == "fn":
        return {"exp": np.exp, "ln": np.log}[tree[1]](_value(tree[2], at, where))
    if kind == "abs":
        return abs(_value(tree[1], at, where))
    if kind == "T":
        body = _value(tree[1], at, where)
        return body.T if np.ndim(body) else body
    if kind == "sum":
        _, index, left_out, body = tree
        size = _AXES[_space_of(index, body, at.spaces) or "K"]
        places = [n for n in range(size) if not left_out or n != where[left_out]]
        return sum((_value(body, at, {**where, index: n}) for n in places), 0.0)
    return _slope(tree[1], tree[2], at, where)


def _slope(of: Expression, by: Expression, at: Numbers, where: dict[str, int]) -> Any:
    name, entry = by[1], tuple(where[letter] for letter in by[2:])
    rest = np.shape(at[name])[len(entry) :]

    def entrywise(place: tuple[int, ...]) -> Any:
        ahead, behind = (_value(of, at.moved(name, place, s), where) for s in (_STEP, -_STEP))
        return (ahead - behind) / (2 * _STEP)

    if not rest:
        return entrywise(entry)
    slopes = [entrywise((*entry, *more)) for more in np.ndindex(rest)]
    if np.ndim(slopes[0]):
        return np.hstack(slopes)
    return np.reshape(slopes, rest if len(rest) == 2 else (-1, 1))


def _space_of(letter: str, tree: Any, spaces: dict[str, str]) -> str:
    if tree[0] == "ref":
        return str(dict(zip(tree[2:], spaces[tree[1]], strict=False)).get(letter, ""))
    inner = [part for part in tree if isinstance(part, tuple)]
    return next((found for part in inner if (found := _space_of(letter, part, spaces))), "")


def is_equal(line: TypedLine, answer: Expression) -> bool:
    """Whether an answer has a line's value at random numbers, whichever class is true."""
    assert line.sides is not None
    spaces, rng = dict(line.letters.spaces), np.random.default_rng(7)
    for c in range(_AXES["K"]):
        at = Numbers(_given(line, rng, c), spaces, c)
        for places in product(*(range(_AXES[space]) for space in line.spaces.values())):
            where = {**dict(zip(line.spaces, places, strict=True)), "c": c}
            if any((where[i] == where[j]) != (sign == "=") for i, sign, j in line.conditions):
                continue
            try:
                one, two = (_value(side, at, where) for side in (line.sides[-1], answer))
            except (AssertionError, ValueError, KeyError, IndexError):
                return False
            one, two = (each.ravel() if 1 in np.shape(each) else each for each in (one, two))
            if np.shape(one) != np.shape(two) or not np.allclose(one, two, _NEAR, _NEAR):
                return False
    return True


def _given(line: TypedLine, rng: np.random.Generator, c: int) -> dict[str, Any]:
    K, D, N = _AXES.values()
    given: dict[str, Any] = {"W": rng.normal(size=(K, D)), "b": rng.normal(size=K)}
    if line.is_of_batch:
        labels = [c, (c + 1) % K]
        return {**given, "X": rng.normal(size=(N, D)), "Y": np.eye(K)[labels]}
    given |= {"x": rng.normal(size=D), "y": np.eye(K)[c]}
    if not line.case.layer:
        given["z"] = rng.normal(size=K)
    return given
