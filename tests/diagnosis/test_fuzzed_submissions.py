"""Submissions nobody would write: there is a verdict, and "correct" is only said of what is right.

Programs are right ones whose syntax trees were cut, doubled, renamed or wrapped. What is right is
told here by plain NumPy and by differences of the loss, with no code of the checker.
"""

import ast
import random
from typing import Any

import numpy as np
import pytest

from benchmarks.check.run_source import judge

BASES = {
    "softmax": """
def softmax(z):
    top = z.max(axis=1, keepdims=True)
    e = np.exp(z - top)
    total = e.sum(axis=1, keepdims=True)
    return e / total
""",
    "scores": """
def softmax_loss(z, y):
    rows = np.arange(len(y))
    s = z - z.max(axis=1, keepdims=True)
    norm = np.log(np.exp(s).sum(axis=1, keepdims=True))
    logp = s - norm
    loss = -logp[rows, y].sum() / len(y)
    grad = np.exp(logp)
    grad[rows, y] -= 1
    grad = grad / len(y)
    return loss, grad
""",
    "linear": """
def softmax_loss(W, X, y, reg):
    rows = np.arange(len(y))
    z = X @ W
    z = z - z.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    loss = -logp[rows, y].mean()
    loss = loss + reg * np.sum(W * W)
    d = np.exp(logp)
    d[rows, y] -= 1
    dW = X.T @ d / len(y)
    dW = dW + 2 * reg * W
    return loss, dW
""",
}
ODD = (
    "{}\nimport functools\n{name} = functools.partial({name})\n",
    "def wrap(f):\n    return lambda *a, **k: f(*a, **k)\n@wrap\n{}",
    "def wrap(f):\n    return None\n@wrap\n{}",
    "state = []\n{}\n    global state\n",
    "class C:\n    @property\n    def loss(self):\n        return 1\n{}",
    "class C:\n    def __call__(self, z, y):\n        return z\n{}",
    "{}\nasync def softmax_async(z):\n    return z\n",
    "{}\ndef softmax_steps(z):\n    yield z\n    yield z / z.sum()\n",
    "{}\ndef {name}(*args, **kwargs):\n    return args\n",
    "{}\ndel {name}\n",
)


class _Edit(ast.NodeTransformer):
    """One change somewhere in a function."""

    def __init__(self, draw: random.Random, tree: ast.AST) -> None:
        self.draw = draw
        places = [n for n in ast.walk(tree) if isinstance(n, ast.expr | ast.stmt | ast.keyword)]
        self.place = draw.choice(places[2:])
        self.names = sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name)})

    def visit(self, node):
        if node is not self.place:
            return self.generic_visit(node)
        match node:
            case ast.Return() | ast.FunctionDef():
                return node
            case ast.stmt():
                return self.draw.choice([ast.copy_location(ast.Pass(), node), [node, node]])
            case ast.keyword():
                return None
            case ast.Name(ctx=ast.Load()):
                return ast.copy_location(ast.Name(self.draw.choice(self.names), node.ctx), node)
            case ast.BinOp(left=left, right=right):
                kept = self.draw.choice(
                    [
                        left,
                        right,
                        ast.BinOp(right, node.op, left),
                        ast.BinOp(left, ast.Add(), right),
                    ]
                )
                return ast.copy_location(kept, node)
            case ast.UnaryOp(operand=operand):
                return operand
            case ast.Constant(value=int() as value):
                changed = self.draw.choice([0, 1, 2, value])
                return ast.copy_location(ast.Constant(changed), node)
            case ast.Call(func=ast.Attribute(value=inner)):
                return inner if self.draw.random() < 0.3 else self.generic_visit(node)
        return self.generic_visit(node)


def fuzzed(seed: int) -> tuple[str, str]:
    """A base's name, and a program made of it."""
    draw = random.Random(seed)
    name = draw.choice(sorted(BASES))
    tree = ast.parse(BASES[name])
    before, left = ast.unparse(tree), draw.choice((1, 1, 1, 2))
    while left:
        tree = ast.fix_missing_locations(_Edit(draw, tree).visit(tree))
        left -= ast.unparse(tree) != before
        before = ast.unparse(tree)
    source = before + "\n"
    if draw.random() < 0.25:
        source = draw.choice(ODD).format(
            source.rstrip("\n"), name=BASES[name].split("(")[0].split()[-1]
        )
    return name, "import numpy as np\n" + source + "\n"


def is_right(name: str, source: str) -> bool:
    """Whether it computes the softmax, or a loss and its gradient: mean or sum, ½ or not."""
    space: dict[str, Any] = {}
    try:
        exec(source, space)
        function = space["softmax" if name == "softmax" else "softmax_loss"]
        return all(_right_on(name, function, np.random.default_rng(i)) for i in range(3))
    except Exception:
        return False


def _right_on(name, function, rng) -> bool:
    n, d, k = rng.integers(2, 7, size=3) + np.array([3, 1, 0])
    z, y = rng.normal(size=(n, k)), rng.integers(0, k, size=n)
    if name == "softmax":
        ratio = np.exp(z[:, :, None] - z[:, None, :]).sum(axis=1)  # Σ_j e^(z_j − z_k) is 1 / p_k
        return any(
            _is_inverse(function, a, r) for a, r in ((z, ratio), (z.T, ratio.T), (z[0], ratio[0]))
        )
    X, W, reg = rng.normal(size=(n, d)), rng.normal(size=(d, k)), 0.3
    if name == "scores":
        return any(_agrees(lambda v: function(v, y), z, _usual(y, s)) for s in (1, n))
    return any(
        _agrees(
            lambda V: function(V, X.copy(), y, reg), W,
            lambda V, s=s, h=h: _usual(y, s)(X @ V) + h * reg * (V**2).sum(),
        )
        for s in (1, n) for h in (1, 0.5)
    )  # fmt: skip


def _is_inverse(function, z, ratio) -> bool:
    try:
        found = np.asarray(function(z.copy()))
    except Exception:
        return False
    return found.shape == z.shape and np.allclose(found * ratio, 1)


def _usual(y, factor):
    def loss(z):
        return factor * np.mean([np.log(np.exp(a - a[t]).sum()) for a, t in zip(z, y, strict=True)])

    return loss


def _agrees(function, at, usual) -> bool:
    """Whether a loss is the usual one, and any gradient beside it its slope."""
    returned = function(at.copy())
    loss, gradient = returned if isinstance(returned, tuple) else (returned, None)
    if not np.isclose(loss, usual(at)):
        return False
    if gradient is None:
        return not isinstance(returned, tuple)
    way, step = np.random.default_rng(9).normal(size=at.shape), 1e-5
    slope = (usual(at + step * way) - usual(at - step * way)) / (2 * step)
    return gradient.shape == at.shape and bool(np.isclose(np.sum(gradient * way), slope, rtol=1e-4))


def check_seeds(seeds):
    for seed in seeds:
        name, source = fuzzed(seed)
        verdict = judge(source)
        assert str(verdict), source
        if verdict.status in ("correct", "fragile"):
            assert is_right(name, source) or verdict.name not in ("softmax", "softmax_loss"), (
                f"seed {seed} is called {verdict.status}:\n{source}\n{verdict}"
            )


@pytest.mark.parametrize("name", sorted(BASES))
def test_the_bases_are_right(name):
    source = "import numpy as np\n" + BASES[name]
    assert is_right(name, source)
    assert judge(source).status == "correct"


def test_fuzzed_submissions():
    check_seeds(range(16))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_many_fuzzed_submissions(part):
    check_seeds(range(16 + 100 * part, 16 + 100 * (part + 1)))
