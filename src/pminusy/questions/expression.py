"""What a reader typed, as plain tuples: the kind first, then its parts. JSON keeps them as lists.

("num", 1, 2)  ½            ("size", "N")              ("ref", "p", "k")  p_k; ("ref", "p")  p
("delta", "i", "j")         ("+", a, b, …)             ("neg", a)
("*", a, b, …)              ("/", a, b)                ("^", a, 2)
("fn", "exp", a)            ("abs", a)                 ("T", a)  transposed
("sum", "j", "k", a)  Σ_(j≠k) a; "" in place of k for every j
("d", a, ("ref", "z", "k"))  ∂a/∂z_k
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["Expression", "derivatives", "parts", "rebuilt", "walk", "write"]

Expression = tuple[Any, ...]

_PLAIN = ("num", "size", "ref", "delta")


def parts(tree: Expression) -> tuple[Expression, ...]:
    """Direct parts that are expressions; what a derivative is taken by is one."""
    return () if tree[0] in _PLAIN else tuple(part for part in tree if isinstance(part, tuple))


def rebuilt(tree: Expression, new: tuple[Expression, ...]) -> Expression:
    """The same with other direct parts."""
    rest = iter(new)
    return tuple(next(rest) if isinstance(part, tuple) else part for part in tree)


def walk(tree: Expression) -> Iterator[Expression]:
    """An expression and everything in it."""
    yield tree
    for part in parts(tree):
        yield from walk(part)


def derivatives(tree: Expression) -> int:
    """How many derivatives it has."""
    return sum(part[0] == "d" for part in walk(tree))


def write(tree: Expression, letters: Mapping[str, str]) -> str:
    """Text of an expression, in letters; the grammar reads it."""
    return _WRITERS[tree[0]](tree, lambda part: write(part, letters), letters)


_Write = Callable[[Expression], str]


def _num(tree: Expression, of: _Write, letters: Mapping[str, str]) -> str:
    above, below = tree[1:]
    return f"{above}" if below == 1 else f"({above} / {below})"


def _ref(tree: Expression, of: _Write, letters: Mapping[str, str]) -> str:
    name, indices = letters.get(tree[1], tree[1]), tree[2:]
    return f"{name}_{_joined(indices, letters)}" if indices else name


def _joined(indices: tuple[str, ...], letters: Mapping[str, str]) -> str:
    return "".join(letters.get(f"index {index}", index) for index in indices)


def _add(tree: Expression, of: _Write, letters: Mapping[str, str]) -> str:
    text = of(tree[1])
    for term in tree[2:]:
        text += f" − {_held(term[1], of)}" if term[0] == "neg" else f" + {of(term)}"
    return text


def _held(tree: Expression, of: _Write) -> str:
    """In parentheses where it is a sum or begins with a sign."""
    return f"({of(tree)})" if tree[0] in ("+", "neg") else of(tree)


def _factor(tree: Expression, of: _Write) -> str:
    return f"({of(tree)})" if tree[0] in ("+", "neg", "/", "sum", "*") else of(tree)


def _product(factors: tuple[Expression, ...], of: _Write) -> str:
    """A sum that comes last needs no parentheses: it reaches to the end."""
    *first, last = factors
    end = of(last) if last[0] == "sum" else _factor(last, of)
    return " ".join([*(_factor(part, of) for part in first), end])


def _base(tree: Expression, of: _Write) -> str:
    plain = tree[0] in ("ref", "abs", "size") or (tree[0] == "num" and tree[2] == 1)
    return of(tree) if plain else f"({of(tree)})"


def _fn(tree: Expression, of: _Write, letters: Mapping[str, str]) -> str:
    if tree[1] == "exp":
        return f"e^({of(tree[2])})"
    argument = tree[2]
    return f"{tree[1]} {of(argument)}" if argument[0] == "ref" else f"{tree[1]}({of(argument)})"


def _sum(tree: Expression, of: _Write, letters: Mapping[str, str]) -> str:
    index, left_out = (letters.get(f"index {each}", each) for each in tree[1:3])
    return f"Σ_{f'({index}≠{left_out})' if left_out else index} {_held(tree[3], of)}"


def _derivative(tree: Expression, of: _Write, letters: Mapping[str, str]) -> str:
    above = of(tree[1]) if tree[1][0] == "ref" else f"({of(tree[1])})"
    return f"∂{above}/∂{of(tree[2])}"


_WRITERS: Mapping[str, Callable[[Expression, _Write, Mapping[str, str]], str]] = {
    "num": _num,
    "size": lambda tree, of, letters: str(tree[1]),
    "ref": _ref,
    "delta": lambda tree, of, letters: f"δ_{_joined(tree[1:], letters)}",
    "+": _add,
    "neg": lambda tree, of, letters: f"−{_held(tree[1], of)}",
    "*": lambda tree, of, letters: _product(tree[1:], of),
    "/": lambda tree, of, letters: f"{_factor(tree[1], of)} / {_factor(tree[2], of)}",
    "^": lambda tree, of, letters: f"{_base(tree[1], of)}^{tree[2]}",
    "fn": _fn,
    "abs": lambda tree, of, letters: f"|{of(tree[1])}|",
    "T": lambda tree, of, letters: f"{_base(tree[1], of)}ᵀ",
    "sum": _sum,
    "d": _derivative,
}
