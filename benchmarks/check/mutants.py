"""Random edits of correct programs, and whether they changed what the program does.

Edits: another operator, a turned sign, another axis, index or constant, a line dropped. A mutant
counts if it differs from its original on a random battery of its own; the checker's probes are not
among it.
"""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.check import layer_battery
from benchmarks.check.run_source import time_limit
from pminusy.diagnosis.run.inside import definitions

__all__ = ["battery", "differs", "mutants", "outputs"]

_OPERATORS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add, ast.Mult), ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.Sub), ast.Pow: (ast.Mult, ast.Add), ast.MatMult: (ast.MatMult,),
    ast.Eq: (ast.NotEq,), ast.Gt: (ast.Lt, ast.GtE), ast.NotEq: (ast.Eq,),
}  # fmt: skip
_CALLS = {
    "max": ("min", "mean"), "sum": ("mean", "max"), "mean": ("sum",), "exp": ("log", "exp2"),
    "log": ("log2", "log1p", "exp"), "eye": ("ones",), "maximum": ("minimum",), "amax": ("amin",),
    "zeros_like": ("ones_like",), "outer": ("multiply",),
}  # fmt: skip


def mutants(source: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Every applicable edit once, in random order: what it was, and the edited program."""
    tree = ast.parse(source)
    places = [i for i, node in enumerate(ast.walk(tree)) if list(_edits(node))]
    rng.shuffle(places)
    for place in places:
        edited = copy.deepcopy(tree)
        node = list(ast.walk(edited))[place]
        what, apply = rng.choice(list(_edits(node)))
        apply()
        text = ast.unparse(ast.fix_missing_locations(edited))
        if text != ast.unparse(tree):
            yield f"line {getattr(node, 'lineno', 0)}: {what}", text


def _edits(node: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:
    if isinstance(node, ast.BinOp | ast.AugAssign):
        for other in _OPERATORS.get(type(node.op), ()):
            name = f"{type(node.op).__name__} to {other.__name__}"
            yield name, lambda other=other: setattr(node, "op", other())  # type: ignore[misc]  # bound now
    if isinstance(node, ast.Compare):
        for other in _OPERATORS.get(type(node.ops[0]), ()):
            yield "comparison", lambda other=other: setattr(node, "ops", [other()])  # type: ignore[misc]  # bound now
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign", lambda: setattr(node, "op", ast.UAdd())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        value: Any = node.value
        for number in (value + 1, value - 1, value * 2, -value):
            name = f"{value} to {number}"
            yield name, lambda number=number: setattr(node, "value", number)  # type: ignore[misc]  # bound now
    if isinstance(node, ast.Constant) and node.value is True:
        yield "True to False", lambda: setattr(node, "value", False)
    if isinstance(node, ast.Attribute):
        for word in _CALLS.get(node.attr, ()):
            yield f"{node.attr} to {word}", lambda word=word: setattr(node, "attr", word)  # type: ignore[misc]  # bound now
    if isinstance(node, ast.FunctionDef | ast.For | ast.If):
        for i, statement in enumerate(node.body):
            if isinstance(statement, ast.Assign | ast.AugAssign) and len(node.body) > 1:
                yield f"dropped `{ast.unparse(statement)}`", lambda i=i: node.body.pop(i)  # type: ignore[misc]  # bound now
    if isinstance(node, ast.Call) and len(node.args) == 2:
        yield "arguments swapped", lambda: node.args.reverse()


def battery(family: str, rng: np.random.Generator) -> list[list[Any]]:
    """Arguments for a family's function: ordinary ones of random sizes, and extreme scores."""
    if family in layer_battery.FAMILIES:
        return layer_battery.cases(family, rng)
    cases = []
    for case in range(8):
        N, D, K = (int(size) for size in rng.integers([2, 2, 2], [9, 7, 7]))
        N, D, K = (N, D, K) if len({N, D, K}) == 3 else (7, 5, 3)
        if case == 1:
            N = 1
        y = rng.integers(K, size=N)
        X, W = rng.normal(size=(N, D)), rng.normal(size=(D, K))
        z = rng.normal(size=(N, K)) * 2
        if case >= 6:
            X, W = np.eye(N, D), W * 900
            z = z * 900
        r = float(rng.uniform(0.1, 2)) if case % 2 else 0.0
        b = rng.normal(size=K)
        arguments: dict[str, list[Any]] = {
            "transposed": [W.T, X.T, y, r], "class rows": [W.T, b, X, y], "bias": [X, y, W, b, r],
            "flat": [W.ravel(), X, y, r], "inputs first": [X, W, y], "gradient alone": [W, X, y],
            "one-hot": [z, np.eye(K)[y]], "one-hot sums": [z, np.eye(K)[y]],
            "column": [z, y[:, None]], "columns": [z.T, y], "softmax": [z], "softmax rows": [z],
            "log-softmax": [z], "one sample": [z[0], int(y[0])], "ridge": [W, r],
            "probabilities": [_normalised(z), y], "class": [z, y],
            "epoch": [X, y, W, 0.1, 3], "network epoch": [X, y, *_two_layers(rng, D, K), 0.1, 3],
            "network": [X, y, r, *_two_layers(rng, D, K), rng.normal(size=6), b],
        }  # fmt: skip
        default: list[Any] = [W, X, y, r]
        logits = ("logits", "in place", "loss alone", "helper", "per row")
        cases.append([z, y] if family in logits else arguments.get(family, default))
    return cases


def _normalised(z: Any) -> Any:
    e = np.exp(np.clip(z, -30, 30))
    return e / e.sum(1, keepdims=True)


def _two_layers(rng: np.random.Generator, D: int, K: int) -> list[Any]:
    return [rng.normal(size=(D, 6)), rng.normal(size=(6, K))]


def outputs(source: str, name: str, cases: list[list[Any]], family: str = "") -> list[Any]:
    """What a program returns on each case, flattened; the exception's name where it raises."""
    namespace: dict[str, Any] = {}
    found: list[Any] = []
    with time_limit(3), np.errstate(all="ignore"):
        definitions.execute(definitions.units("m.py", source.encode()), namespace)
        for case in cases:
            try:
                copies = [np.copy(a) if isinstance(a, np.ndarray) else a for a in case]
                found.append(_flat(_result(namespace, name, family, copies)))
            except TimeoutError:
                raise
            except Exception as error:
                found.append(type(error).__name__)
    return found


def _result(namespace: dict[str, Any], name: str, family: str, case: list[Any]) -> Any:
    """What a function, a method or a pair of functions gives for one case."""
    if family in layer_battery.FAMILIES:
        return layer_battery.result(namespace, name, family, case)
    if family in ("epoch", "network epoch"):
        namespace[name](*case)
        return case  # the parameters, updated in place
    if family == "class":
        made = namespace[name.split(".")[0]]()
        return [made.forward(*case), made.backward()]
    if family == "network":
        X, y, r, W1, W2, b1, b2 = case
        made = namespace[name.split(".")[0]](W1.shape[0], W1.shape[1], W2.shape[1])
        made.params.update(W1=W1, W2=W2, b1=b1, b2=b2)
        return made.loss(X, y, r)
    return namespace[name](*case)


def _flat(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_flat(item) for item in value]
    if isinstance(value, dict):
        return [_flat(value[key]) for key in sorted(value)]
    return np.asarray(value, dtype=float) if value is not None else None


def differs(one: list[Any], other: list[Any]) -> bool:
    """Whether two programs return something else on any case."""
    return not all(_same(a, b) for a, b in zip(one, other, strict=True))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.size == b.size and bool(
            np.allclose(a.ravel(), b.ravel(), rtol=1e-5, atol=1e-7, equal_nan=True)
        )
    return type(a) is type(b) and not isinstance(a, list | np.ndarray) and a == b
