"""Lines as they are printed, read and evaluated with definitions of their own.

Nothing of the derivation is used: the text is parsed here, the letters are defined here, and a
derivative is a difference quotient of mpmath's numbers for five classes drawn at random.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

from mpmath import mp, mpf

K = 5
_TOKENS = re.compile(
    r"\s*(Σ_\([^)]*\)|Σ_[a-z]|∂²|∂|ln|sech²|tanh|e\^|δ_[a-z][a-z]|\d+(?:\.\d+)?|½|[()|/+−·²]"
    r"|[A-Za-zζκωελη]+(?:_[A-Za-z]+)?)"
)
_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: abs(a - b) <= mpf(10) ** -9 * (1 + abs(a)),
    "<": lambda a, b: a < b, "≤": lambda a, b: a <= b,
    ">": lambda a, b: a > b, "≥": lambda a, b: a >= b,
}  # fmt: skip
_WHOLE = ("S_e", "L", "CE", "lse", "S", "T", "κ", "ζ", "ε", "ω", "η", "B", "L_B")
Tree = tuple[Any, ...]


class UnreadableError(ValueError):
    """A line with something that is not read here: arrays, rows, cases."""


class Numbers:
    """Letters at random numbers, each by its definition unless it is moved."""

    def __init__(self, seed: int, options: Mapping[str, Any], moved: Any = None) -> None:
        draw = random.Random(seed)
        self.seed, self.options, self.c, self.moved = seed, options, draw.randrange(K), moved or {}
        self.u = [mpf(draw.uniform(-2, 2)) for _ in range(K)]
        self.w = [mpf(draw.uniform(0.5, 2)) for _ in range(K)]

    def with_moved(self, name: str, array: list[Any]) -> Numbers:
        """The same with one quantity replaced."""
        return Numbers(self.seed, self.options, {**self.moved, name: array})

    def __getitem__(self, name: str) -> Any:
        if name in self.moved:
            return self.moved[name]
        found = getattr(self, f"_{_NAMES.get(name, name)}", None)
        if found is None:
            raise UnreadableError(name)
        return found()

    def _given(self) -> list[Any]:
        return self.u

    def _z(self) -> list[Any]:
        cap, T = self.options.get("softcap"), mpf(self.options.get("temperature", 1))
        u = self["u"]
        return [(cap * mp.tanh(x / cap) if cap else x) / T for x in u]

    def _t(self) -> list[Any]:
        cap, T = self.options.get("softcap"), mpf(self.options.get("temperature", 1))
        return [(mp.sech(x / cap) ** 2 if cap else 1) / T for x in self["u"]]

    def _p(self) -> list[Any]:
        return [mp.exp(x) / self["S_e"] for x in self["z"]]

    def _S_e(self) -> Any:
        return mp.fsum(mp.exp(x) for x in self["z"])

    def _lse(self) -> Any:
        return mp.log(self["S_e"])

    def _y(self) -> list[Any]:
        return [mpf(k == self.c) for k in range(K)]

    def _q(self) -> list[Any]:
        epsilon = mpf(self.options.get("label_smoothing", 0))
        w = self.w if "weight" in self.options else [mpf(1)] * K
        own, omega = w[self.c], mpf(self.options.get("sample_weight", 1))
        y = self["y"]
        return [omega * (own * (1 - epsilon) * y[k] + w[k] * epsilon / K) for k in range(K)]

    def _S(self) -> Any:
        return mp.fsum(self["q"])

    def _CE(self) -> Any:
        return -mp.fsum(q * mp.log(p) for q, p in zip(self["q"], self["p"], strict=True))

    def _L(self) -> Any:
        return self["CE"] + self["S"] * mpf(self.options.get("z_loss", 0)) * self["lse"] ** 2

    def _eta(self) -> Any:
        return mpf("0.1")

    def _zeta(self) -> Any:
        return mpf(self.options.get("z_loss", 0))

    def _kappa(self) -> Any:
        return mpf(self.options.get("softcap", 1))

    def _T(self) -> Any:
        return mpf(self.options.get("temperature", 1))


_NAMES = {"u": "given", "η": "eta", "ζ": "zeta", "κ": "kappa"}


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens, place = [], 0
        while place < len(text.rstrip()):
            found = _TOKENS.match(text, place)
            if found is None:
                raise UnreadableError(text[place:])
            self.tokens.append(found[1])
            place = found.end()
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise UnreadableError(f"{token!r} for {expected!r}")
        self.place += 1
        return token

    def sum(self) -> Tree:
        terms = [self._signed()]
        while self.peek() in ("+", "−"):
            sign = self.take()
            term = self.term()
            terms.append(term if sign == "+" else ("neg", term))
        return ("add", *terms)

    def _signed(self) -> Tree:
        if self.peek() == "−":
            self.take()
            return ("neg", self.term())
        return self.term()

    def term(self) -> Tree:
        if self.peek().startswith("Σ"):
            return ("sum", self.take()[2:].strip("()"), self.term())
        found = self.factor()
        while self.peek() and self.peek() not in ("+", "−", ")", "|"):
            if self.peek() == "/":
                self.take()
                found = ("div", found, self.factor())
                continue
            if self.peek() == "·":
                self.take()
            found = ("mul", found, self.term() if self.peek().startswith("Σ") else self.factor())
        return found

    def factor(self) -> Tree:
        base = self.base()
        while self.peek() == "²":
            self.take()
            base = ("mul", base, base)
        return base

    def base(self) -> Tree:
        token = self.take()
        if token == "(":
            inner = self.sum()
            self.take(")")
            return inner
        if token == "|":
            inner = self.sum()
            self.take("|")
            return ("abs", inner)
        if token in ("∂", "∂²"):
            return self._derivative(twice=token == "∂²")
        if token in ("ln", "tanh", "sech²", "e^"):
            return (token, self.factor())
        if token == "½":
            return ("number", mpf(1) / 2)
        if token[0].isdigit():
            return ("number", mpf(token))
        if token.startswith("δ_"):
            return ("delta", token[2], token[3])
        return ("letter", token)

    def _derivative(self, *, twice: bool) -> Tree:
        of = self.base()
        self.take("/")
        if twice:
            self.take("(")
        self.take("∂")
        found: Tree = ("by", of, self.take())
        if twice:
            self.take("∂")
            found = ("by", found, self.take())
            self.take(")")
        return found


def _letter(token: str) -> tuple[str, str]:
    if token in _WHOLE:
        return token, ""
    name, _, index = token.partition("_")
    if len(index) != 1:
        raise UnreadableError(token)
    return name, index


def _value(tree: Tree, at: Numbers, where: Mapping[str, int]) -> Any:
    kind, *parts = tree
    if kind == "number":
        return parts[0]
    if kind == "letter":
        name, index = _letter(parts[0])
        return at[name][where[index]] if index else at[name]
    if kind == "delta":
        return mpf(where[parts[0]] == where[parts[1]])
    if kind == "sum":
        index, _, without = parts[0].partition("≠")
        left_out = where[without] if without else -1
        places = (k for k in range(K) if k != left_out)
        return mp.fsum(_value(parts[1], at, {**where, index: k}) for k in places)
    if kind == "by":
        return _slope(parts[0], parts[1], at, where)
    values = [_value(part, at, where) for part in parts]
    return _RULES[kind](*values)


_RULES: Mapping[str, Callable[..., Any]] = {
    "add": lambda *v: mp.fsum(v), "neg": lambda v: -v, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b, "abs": abs, "ln": mp.log, "tanh": mp.tanh,
    "sech²": lambda v: mp.sech(v) ** 2, "e^": mp.exp,
}  # fmt: skip


def _slope(of: Tree, token: str, at: Numbers, where: Mapping[str, int]) -> Any:
    name, index = _letter(token)
    h, array = mpf(10) ** -14, at[name]
    if not index:
        ends = [_value(of, at.with_moved(name, array + s * h), where) for s in (1, -1)]
        return (ends[0] - ends[1]) / (2 * h)
    ends = []
    for sign in (1, -1):
        moved = [v + sign * h * (k == where[index]) for k, v in enumerate(array)]
        ends.append(_value(of, at.with_moved(name, moved), where))
    return (ends[0] - ends[1]) / (2 * h)


def holds(text: str, at: Numbers) -> bool:
    """Whether a printed line holds at these numbers, for every choice of its indices."""
    line, _, condition = text.partition("   for ")
    parts = re.split(r" ([=<≤>≥]) ", line)
    if "ln δ" in line or "[" in line or "{" in line or "ᵀ" in line or "…" in line:
        raise UnreadableError(line)
    parsers = [_Parser(part) for part in parts[::2]]
    sides = [parser.sum() for parser in parsers]
    if any(parser.peek() for parser in parsers):
        raise UnreadableError(line)
    bound = set(re.findall(r"Σ_\(?([a-z])", line))
    letters = {_letter(t)[1] for p in parsers for t in p.tokens if re.match(r"[A-Za-z]+_[a-z]", t)}
    letters |= {i for i in re.findall(r"δ_([a-z])([a-z])", line) for i in i}
    letters |= {i for pair in condition.split(", ") if condition for i in pair.split(" ")[::2]}
    free = sorted(letters - bound - {"c", ""})
    pairs = [pair.split(" ") for pair in condition.split(", ")] if condition else []
    for places in product(range(K), repeat=len(free)):
        where = {"c": at.c, **dict(zip(free, places, strict=True))}
        if all((where[a] == where[b]) == (sign == "=") for a, sign, b in pairs):
            values = [_value(side, at, where) for side in sides]
            for sign, one, other in zip(parts[1::2], values, values[1:], strict=False):
                if not _SIGNS[sign](one, other):
                    return False
    return True
