# ruff: noqa: E501  # programs, one line each
"""Programs nobody would write: right ones whose syntax trees are cut, doubled, renamed or wrapped.

What is right is told here by plain NumPy and by differences of the loss, with no code of the
checker: mean or sum over the batch, ½ r ‖W‖² or r ‖W‖², samples in rows or columns.
"""

from __future__ import annotations

import ast
import contextlib
import random
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["BASES", "fuzzed", "is_right"]

_STEP = 1e-5

_HEAD = """
    rows = np.arange(len(y))
    s = {z} - ({z}).max(axis=1, keepdims=True)
    logp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
"""
BASES = {
    "softmax": """
def softmax(z):
    top = z.max(axis=1, keepdims=True)
    e = np.exp(z - top)
    total = e.sum(axis=1, keepdims=True)
    return e / total
""",
    "scores": f"""
def softmax_loss(z, y):{_HEAD.format(z="z")}
    loss = -logp[rows, y].sum() / len(y)
    grad = np.exp(logp)
    grad[rows, y] -= 1
    grad = grad / len(y)
    return loss, grad
""",
    "linear": f"""
def softmax_loss(W, X, y, reg):
    z = X @ W{_HEAD.format(z="z")}
    loss = -logp[rows, y].mean()
    loss = loss + reg * np.sum(W * W)
    d = np.exp(logp)
    d[rows, y] -= 1
    dW = X.T @ d / len(y)
    dW = dW + 2 * reg * W
    return loss, dW
""",
    "probabilities": """
def cross_entropy(probs, labels):
    n = len(labels)
    picked = probs[np.arange(n), labels]
    total = -np.log(picked).sum()
    return total / n
""",
    "layer": """
class Softmax:
    def forward(self, z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def backward(self, dout):
        inner = (dout * self.p).sum(axis=1, keepdims=True)
        return self.p * (dout - inner)
""",
    "criterion": f"""
class SoftmaxCrossEntropy:
    def forward(self, z, y):{_HEAD.format(z="z").replace("    ", "        ")}
        self.y = y
        self.p = np.exp(logp)
        return -logp[rows, y].mean()

    def backward(self):
        n = len(self.y)
        grad = self.p.copy()
        grad[np.arange(n), self.y] -= 1
        return grad / n
""",
    "epoch": """
def softmax_regression_epoch(X, y, theta, lr, batch):
    for start in range(0, len(X), batch):
        x, t = X[start:start + batch], y[start:start + batch]
        z = x @ theta
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p = p / p.sum(axis=1, keepdims=True)
        p[np.arange(len(t)), t] -= 1
        theta -= lr * (x.T @ p) / len(t)
""",
    "network": f"""
class TwoLayerNet:
    def __init__(self, D, H, C):
        self.params = dict(W1=np.ones((D, H)), b1=np.zeros(H), W2=np.ones((H, C)), b2=np.zeros(C))

    def loss(self, X, y, reg):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        a = X @ W1 + b1
        h = np.maximum(a, 0)
        z = h @ W2 + b2{_HEAD.format(z="z").replace("    ", "        ")}
        loss = -logp[rows, y].mean() + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        d = np.exp(logp)
        d[rows, y] -= 1
        d = d / len(y)
        g = d @ W2.T * (a > 0)
        grads = dict()
        grads["W2"] = h.T @ d + 2 * reg * W2
        grads["b2"] = d.sum(axis=0)
        grads["W1"] = X.T @ g + 2 * reg * W1
        grads["b1"] = g.sum(axis=0)
        return loss, grads
""",
}
_NAMES = {
    "softmax": "softmax", "scores": "softmax_loss", "linear": "softmax_loss",
    "probabilities": "cross_entropy", "layer": "Softmax", "criterion": "SoftmaxCrossEntropy",
    "epoch": "softmax_regression_epoch", "network": "TwoLayerNet",
}  # fmt: skip

# Around a whole program: {} is the program, {name} what it defines.
_ODD = (
    "{}\nimport functools\n{name} = functools.partial({name})\n",
    "def wrap(f):\n    return lambda *a, **k: f(*a, **k)\n\n@wrap\n{}",
    "def wrap(f):\n    return None\n\n@wrap\n{}",
    "def wrap(f):\n    raise ValueError('no')\n\n@wrap\n{}",
    "class Twice:\n    def __init__(self, f):\n        self.f = f\n    def __call__(self, *a, **k):\n"
    "        self.f(*a, **k)\n        return self.f(*a, **k)\n\n@Twice\n{}",
    "class Halved:\n    def __init__(self, f):\n        self.f = f\n    def __call__(self, *a):\n"
    "        return self.f(*[x / 2 if i == 0 else x for i, x in enumerate(a)])\n\n@Halved\n{}",
    "state = []\n{}\n    global state\n",
    "class C:\n    @property\n    def loss(self):\n        return 1\n{}",
    "class C:\n    @property\n    def softmax(self):\n        raise AttributeError\n{}",
    "class C:\n    def __call__(self, z, y):\n        return z\n{}",
    "class C:\n    def __getattr__(self, name):\n        return self\n{}",
    "class M(type):\n    def __call__(cls, *a):\n        return cls\nclass C(metaclass=M):\n"
    "    def forward(self, z):\n        return z\n{}",
    "{}\nasync def softmax_async(z):\n    return z\n",
    "{}\nasync def softmax(z):\n    return z\n",
    "{}\ndef softmax_steps(z):\n    yield z\n    yield z / z.sum()\n",
    "{}\ndef {name}(*args, **kwargs):\n    return args\n",
    "{}\ndef softmax_two(z, *, axis):\n    return np.exp(z)\n",
    "{}\ndef softmax_loss_two(z, y, /, w=None):\n    return iter([z, y])\n",
    "{}\nclass {name}:\n    pass\n",
    "{}\nclass Softmax(Softmax):\n    pass\n",
    "{}\nsoftmax = cross_entropy = lambda z: softmax\n",
    "{}\ndel {name}\n",
    "{}\n{name} = 3\n",
    "{}\nnp = None\n",
    "import sys\n{}\nsys = len = range = None\n",
    "if True:\n    pass\nelse:\n    softmax = None\n{}",
    "try:\n    import absent_module as np\nexcept ImportError:\n    pass\n{}",
)


class _Edit(ast.NodeTransformer):
    """One change somewhere in a program."""

    def __init__(self, draw: random.Random, tree: ast.AST) -> None:
        self.draw = draw
        kinds = ast.expr | ast.stmt | ast.keyword
        self.place = draw.choice([n for n in ast.walk(tree) if isinstance(n, kinds)][1:])
        self.names = sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name)})

    def visit(self, node: ast.AST) -> Any:
        """The tree with the change in it."""
        if node is not self.place:
            return self.generic_visit(node)
        changed = self._changed(node)
        if isinstance(changed, ast.AST) and changed is not node:
            ast.copy_location(changed, node)
        return changed

    def _changed(self, node: ast.AST) -> Any:
        match node:
            case ast.Return() | ast.FunctionDef() | ast.ClassDef():
                return node
            case ast.stmt():
                return self.draw.choice([ast.Pass(), [node, node]])
            case ast.keyword():
                return None
            case ast.Name(ctx=ast.Load()):
                return ast.Name(self.draw.choice(self.names), node.ctx)
            case ast.BinOp(left=left, right=right, op=operator):
                other = self.draw.choice([ast.Add(), ast.Sub(), ast.Mult(), ast.Div()])
                turned, anew = ast.BinOp(right, operator, left), ast.BinOp(left, other, right)
                return self.draw.choice([left, right, turned, anew])
            case ast.UnaryOp(operand=operand):
                return operand
            case ast.Compare(left=left, comparators=[right]):
                return ast.Compare(right, node.ops, [left])
            case ast.Constant(value=int() as value):
                return ast.Constant(self.draw.choice([0, 1, 2, -1, value, None]))
            case ast.Call(func=ast.Attribute(value=inner)) if self.draw.random() < 0.3:
                return inner
            case ast.Call(args=[one, other, *rest]):
                return ast.Call(node.func, [other, one, *rest], node.keywords)
            case ast.Tuple(elts=[one, other, *rest], ctx=ast.Load()):
                return ast.Tuple(self.draw.choice([[other, one, *rest], [one]]), node.ctx)
        return self.generic_visit(node)


def fuzzed(seed: int) -> tuple[str, str]:
    """A base's name, and a program made of it."""
    draw = random.Random(seed)
    name = draw.choice(sorted(BASES))
    tree = ast.parse(BASES[name])
    before, left = ast.unparse(tree), draw.choice((0, 1, 1, 1, 2))
    while left:
        tree = ast.fix_missing_locations(_Edit(draw, tree).visit(tree))
        left -= ast.unparse(tree) != before
        before = ast.unparse(tree)
    source = before
    if draw.random() < 0.3:
        source = draw.choice(_ODD).replace("{name}", _NAMES[name]).replace("{}", source)
    return name, f"import numpy as np\n{source}\n"


# ------------------------------------------------------------------------------ what is right


def is_right(name: str, source: str, function: str) -> bool:
    """Whether the function (or the method's class) that was judged does what its base does."""
    space: dict[str, Any] = {}
    try:
        _define(source, space)
        found = space[function.split(".")[0]]
        return all(_TRUTHS[name](found, np.random.default_rng(i)) for i in range(3))
    except Exception:
        return False


def _define(source: str, space: dict[str, Any]) -> None:
    """Execute our own program; a statement that fails is left out, which the checker notes."""
    for statement in ast.parse(source).body:
        with contextlib.suppress(Exception):
            exec(compile(ast.Module([statement], []), "program", "exec"), space)


def _sizes(rng: np.random.Generator) -> tuple[int, int, int]:
    n, d, k = (rng.integers(2, 7, size=3) + np.array([3, 1, 0])).tolist()
    return n, d, k


def _loss(z: Any, y: Any) -> float:
    return float(np.mean([np.log(np.exp(a - a[t]).sum()) for a, t in zip(z, y, strict=True)]))


def _usual(y: Any, factor: float) -> Callable[[Any], float]:
    return lambda z: factor * _loss(z, y)


def _slope(loss: Callable[[Any], float], at: Any, way: Any) -> float:
    return (loss(at + _STEP * way) - loss(at - _STEP * way)) / (2 * _STEP)


def _is_slope(gradient: Any, loss: Callable[[Any], float], at: Any) -> bool:
    """Whether a gradient is that of a loss, along two ways."""
    gradient = np.asarray(gradient)
    if gradient.shape != at.shape:
        return False
    ways = (np.random.default_rng(i).normal(size=at.shape) for i in (9, 10))
    return all(
        bool(np.isclose(np.sum(gradient * way), _slope(loss, at, way), rtol=1e-4, atol=1e-7))
        for way in ways
    )


def _agrees(function: Callable[[Any], Any], at: Any, usual: Callable[[Any], float]) -> bool:
    """Whether a loss is the usual one, and any gradient beside it, in either order, its slope."""
    returned = function(at.copy())
    if isinstance(returned, tuple) and np.shape(returned[0]) == np.shape(at)[:1]:
        returned = (np.mean(returned[0]), *returned[1:])  # a loss each, beside the mean's gradient
    loss, gradient = returned if isinstance(returned, tuple) else (returned, None)
    if np.size(loss) > 1:
        loss, gradient = gradient, loss
    if np.shape(loss) not in ((), (1,)) or not np.isclose(loss, usual(at)):
        return False
    if gradient is None:
        return not isinstance(returned, tuple)
    return _is_slope(gradient, usual, at)


def _softmax(function: Any, rng: np.random.Generator) -> bool:
    n, _, k = _sizes(rng)
    z = rng.normal(size=(n, k))
    ratio = np.exp(z[:, :, None] - z[:, None, :]).sum(axis=1)  # Σ_j e^(z_j − z_k) is 1 / p_k
    return any(
        _is_inverse(function, a, r) for a, r in ((z, ratio), (z.T, ratio.T), (z[0], ratio[0]))
    )


def _is_inverse(function: Any, z: Any, ratio: Any) -> bool:
    try:
        found = np.asarray(function(z.copy()))
    except Exception:
        return False
    return found.shape == z.shape and np.allclose(found * ratio, 1)


def _scores(function: Any, rng: np.random.Generator) -> bool:
    n, _, k = _sizes(rng)
    z, y = rng.normal(size=(n, k)), rng.integers(0, k, size=n)
    return any(_agrees(lambda v: function(v, y), z, _usual(y, s)) for s in (1, n))


def _linear(function: Any, rng: np.random.Generator) -> bool:
    n, d, k = _sizes(rng)
    X, W, reg = rng.normal(size=(n, d)), rng.normal(size=(d, k)), 0.3
    y = rng.integers(0, k, size=n)

    def usual(samples: float, half: float) -> Callable[[Any], float]:
        return lambda V: samples * _loss(X @ V, y) + half * reg * float((V**2).sum())

    return any(
        _agrees(lambda V: function(V, X.copy(), y, reg), W, usual(s, h))
        for s in (1, n)
        for h in (1, 0.5)
    )


def _probabilities(function: Any, rng: np.random.Generator) -> bool:
    n, _, k = _sizes(rng)
    p, y = rng.dirichlet(np.ones(k), size=n), rng.integers(0, k, size=n)
    right = -sum(np.log(row[t]) for row, t in zip(p, y, strict=True))
    found = [_or_none(function, rows, y) for rows in (p.copy(), p.T.copy())]
    numbers = [value for value in found if value is not None and np.size(value) == 1]
    return any(bool(np.isclose(value, right / s).all()) for value in numbers for s in (1, n))


def _or_none(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Exception:
        return None


def _layer(cls: Any, rng: np.random.Generator) -> bool:
    n, _, k = _sizes(rng)
    z, g = rng.normal(size=(n, k)), rng.normal(size=(n, k))
    layer = cls()
    if not _softmax(layer.forward, rng):
        return False

    def along(v: Any) -> float:
        e = np.exp(v)
        return float(np.sum(g * e / e.sum(axis=1, keepdims=True)))

    layer.forward(z.copy())
    return _is_slope(layer.backward(g.copy()), along, z)


def _criterion(cls: Any, rng: np.random.Generator) -> bool:
    n, _, k = _sizes(rng)
    z, y = rng.normal(size=(n, k)), rng.integers(0, k, size=n)

    def both(v: Any) -> Any:
        criterion = cls()
        loss = criterion.forward(v, y)
        return loss, criterion.backward()

    return any(_agrees(both, z, _usual(y, s)) for s in (1, n))


def _epoch(function: Any, rng: np.random.Generator) -> bool:
    n, d, k = _sizes(rng)
    X, theta, y = rng.normal(size=(n, d)), rng.normal(size=(d, k)), rng.integers(0, k, size=n)
    seen = theta.copy()
    returned = function(X.copy(), y, seen, 0.3, 2)
    right = theta.copy()
    for i in range(0, n, 2):
        right -= 0.3 * _numerical(_of_rows(X[i : i + 2], y[i : i + 2]), right)
    return returned is None and np.allclose(seen, right, atol=1e-6)


def _of_rows(X: Any, y: Any) -> Callable[[Any], float]:
    return lambda W: _loss(X @ W, y)


def _numerical(loss: Callable[[Any], float], at: Any) -> Any:
    """A gradient, entry by entry."""
    units = (np.eye(at.size)[i].reshape(at.shape) for i in range(at.size))
    return np.array([_slope(loss, at, unit) for unit in units]).reshape(at.shape)


def _network(cls: Any, rng: np.random.Generator) -> bool:
    n, d, k = _sizes(rng)
    X, y, hidden = rng.normal(size=(n, d)), rng.integers(0, k, size=n), 4
    shapes = {"W1": (d, hidden), "b1": (hidden,), "W2": (hidden, k), "b2": (k,)}
    at = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    net = cls(d, hidden, k)
    net.params.update({name: value.copy() for name, value in at.items()})
    loss, gradients = net.loss(X.copy(), y, 0.3)

    def with_one(name: str, half: float) -> Callable[[Any], float]:
        return lambda value: _of_network({**at, name: value}, X, y, half)

    return any(
        bool(np.isclose(loss, _of_network(at, X, y, h)))
        and (
            not isinstance(gradients, dict)  # a loss beside its cache
            or all(_is_slope(gradients[name], with_one(name, h), at[name]) for name in at)
        )
        for h in (1, 0.5)
    )


def _of_network(at: Any, X: Any, y: Any, half: float) -> float:
    z = np.maximum(X @ at["W1"] + at["b1"], 0) @ at["W2"] + at["b2"]
    return _loss(z, y) + half * 0.3 * float((at["W1"] ** 2).sum() + (at["W2"] ** 2).sum())


_TRUTHS: dict[str, Callable[[Any, np.random.Generator], bool]] = {
    "softmax": _softmax, "scores": _scores, "linear": _linear, "probabilities": _probabilities,
    "layer": _layer, "criterion": _criterion, "epoch": _epoch, "network": _network,
}  # fmt: skip
