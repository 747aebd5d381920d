"""Formulas as the docstrings of `core` write them, read and evaluated.

`value("S p − q", letters)` parses the text itself, so that a changed sign or index is another
number. A dot between vectors is an inner product; e^{…} is the exponential.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Places = Mapping[str, int]
Part = Callable[[Places], Any]

_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "log1p": np.log1p, "ln": np.log, "tanh": np.tanh, "sech²": lambda x: 1 / np.cosh(x) ** 2,
    "diag": np.diag,
}  # fmt: skip


@dataclass(frozen=True)
class Letters:
    """Values by letter, and the sizes of the sets that indices run through."""

    values: Mapping[str, Any]
    sizes: Mapping[str, int]

    def pattern(self) -> re.Pattern[str]:
        """What one token of a formula may be."""
        names = "|".join(re.escape(name) for name in sorted(self.values, key=len, reverse=True))
        functions = "|".join(map(re.escape, _FUNCTIONS))
        return re.compile(
            rf"\s*(?:(?P<sum>Σ_(?:\{{[^}}]*\}}|[a-z]))|(?P<exp>e\^[{{(])|(?P<max>max_[a-z])"
            rf"|(?P<function>{functions})|(?P<number>\d+)"
            rf"|(?P<name>{names})(?P<index>_\{{[^}}]*\}}|_[a-z]{{1,2}}(?![a-z]))?"
            r"|(?P<sign>[−+/·⊙∘(){}\[\]=²ᵀ]))"
        )


def sides(text: str, letters: Letters) -> list[Any]:
    """Values of both sides, and of any between, for every value of the free indices."""
    parts = [_Reader(side, letters) for side in re.split(r" = (?![^\[]*\])", text)]
    free = sorted(set().union(*(reader.free for reader in parts)))
    shape = [letters.sizes[index] for index in free]
    found = []
    for reader in parts:
        values = [reader.part(dict(zip(free, place, strict=True))) for place in np.ndindex(*shape)]
        found.append(np.array(values))
    return found


class _Reader:
    """One side, by recursive descent."""

    def __init__(self, text: str, letters: Letters) -> None:
        self.letters, self.free, self._bound = letters, set[str](), set[str]()
        self._tokens = self._split(text)
        self._at = 0
        self.part = self._sum_of_terms()
        assert self._at == len(self._tokens), f"{text!r} is read only as far as {self._tokens}"

    def _split(self, text: str) -> list[tuple[str, str, str]]:
        pattern, place, found = self.letters.pattern(), 0, []
        while text[place:].strip():
            match = pattern.match(text, place)
            assert match, f"cannot read {text[place:]!r}"
            kind = next(k for k, v in match.groupdict().items() if v and k != "index")
            found.append((kind, match[kind], (match["index"] or "").strip("_{}")))
            place = match.end()
        return found

    def _next(self, *signs: str) -> bool:
        here = self._tokens[self._at : self._at + 1]
        if here and here[0][0] == "sign" and here[0][1] in signs:
            self._at += 1
            return True
        return False

    def _sum_of_terms(self) -> Part:
        total = self._term()
        while self._at < len(self._tokens):
            if self._next("+"):
                total = _both(np.add, total, self._term())
            elif self._next("−"):
                total = _both(np.subtract, total, self._term())
            else:
                break
        return total

    def _term(self) -> Part:
        if self._next("−"):
            inner = self._term()
            return lambda at: -inner(at)
        result = self._power()
        while self._at < len(self._tokens):
            if self._next("/"):
                result = _both(np.divide, result, self._power())
            elif self._next("·"):
                result = _both(_dot, result, self._power())
            elif self._next("⊙", "∘") or self._starts_a_factor():
                result = _both(_times, result, self._power())
            else:
                break
        return result

    def _starts_a_factor(self) -> bool:
        kind, text, _ = self._tokens[self._at]
        return kind != "sign" or text in "(["

    def _power(self) -> Part:
        base = self._atom()
        if self._next("²"):
            return lambda at: base(at) ** 2
        if self._next("ᵀ"):
            return lambda at: base(at).T if base(at).ndim == 2 else base(at)[None]
        return base

    def _atom(self) -> Part:
        if self._next("(", "["):
            inner = self._sum_of_terms()
            if self._next("="):  # [k = c]
                other = self._sum_of_terms()
                first, inner = inner, lambda at: float(first(at) == other(at))
            assert self._next(")", "]")
            return inner
        kind, text, index = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            return lambda at: float(text)
        if kind == "exp":
            inner = self._sum_of_terms()
            assert self._next("}", ")")
            return lambda at: np.exp(inner(at))
        if kind == "function":
            argument = self._power()
            return lambda at: _FUNCTIONS[text](argument(at))
        if kind in ("sum", "max"):
            return self._over(kind, text)
        return self._quantity(text, index)

    def _over(self, kind: str, text: str) -> Part:
        letter, _, without = text.partition("_")[2].strip("{}").replace(" ", "").partition("≠")
        outside = letter in self._bound
        self._bound.add(letter)
        body = self._term()
        if not outside:
            self._bound.discard(letter)
        if without:
            self._note(without)
        size = self.letters.sizes[letter]
        join: Callable[[list[Any]], Any] = sum if kind == "sum" else max
        return lambda at: join(
            [body({**at, letter: i}) for i in range(size) if not without or i != at[without]]
        )

    def _note(self, index: str) -> None:
        if index not in self._bound and index in self.letters.sizes:
            self.free.add(index)

    def _quantity(self, name: str, index: str) -> Part:
        value = self.letters.values[name]
        for letter in [*index, *([name[-2]] if name.endswith("k}") else [])]:
            self._note(letter)
        if name in self.letters.sizes:  # an index by itself, in [k = c]
            self._note(name)
            return lambda at: at[name]
        own = "k" if name.endswith("k}") else index
        return lambda at: value[
            tuple(at[i] if i in at else self.letters.values[i] for i in own)
        ] if own else value  # fmt: skip


def _both(operation: Callable[[Any, Any], Any], left: Part, right: Part) -> Part:
    return lambda at: operation(left(at), right(at))


def _dot(a: Any, b: Any) -> Any:
    return a @ b if np.ndim(a) == np.ndim(b) == 1 else a * b


def _times(a: Any, b: Any) -> Any:
    if np.ndim(b) == 2 and len(b) == 1:
        return a[:, None] * b
    return a @ b if np.ndim(a) == 2 and np.ndim(b) else a * b
