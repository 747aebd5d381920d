"""Random inputs for layers, other than the checker's, and what a pair of functions gives there."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["FAMILIES", "cases", "result"]

FAMILIES = ("affine", "relu", "dropout", "dropout drop", "batchnorm", "fragile", "pool", "conv")
_MANY = 40_000  # entries of a dropout's input: shares are within 0.01


def cases(family: str, rng: np.random.Generator) -> list[list[Any]]:
    """Arguments of the forward pass, then the upstream gradient."""
    return [_case(family, rng, number) for number in range(5)]


def _case(family: str, rng: np.random.Generator, number: int) -> list[Any]:
    N, D, K = int(rng.integers(2, 6)), int(rng.integers(2, 6)), int(rng.integers(2, 6))
    D, K = (D, K) if D != K else (D + 1, K)
    X = rng.normal(size=(N, D))
    if family == "affine":
        return [X, rng.normal(size=(D, K)), rng.normal(size=K), rng.normal(size=(N, K))]
    if family == "relu":
        return [X, rng.normal(size=(N, D))]
    if family.startswith("dropout"):
        param = {"p": (0.25, 0.4, 0.6, 0.7, 0.85)[number], "mode": "train"}
        return [1 + rng.random(_MANY), param, 1 + rng.random(_MANY)]
    if family in ("batchnorm", "fragile"):
        param = {
            "mode": "train", "eps": 0.1, "momentum": 0.7, "running_mean": rng.normal(size=D),
            "running_var": 0.5 + rng.random(D),
        }  # fmt: skip
        return [2 * X + 1, rng.normal(size=D), rng.normal(size=D), param, rng.normal(size=(N, D))]
    size, stride = ((2, 2), (3, 2), (2, 1), (3, 1), (3, 3))[number]
    sides = [size + stride * int(rng.integers(1, 4)) for _ in range(2)]
    images = rng.normal(size=(2, 3, *sides))
    if family == "pool":
        out = [(side - size) // stride + 1 for side in sides]
        settings = {"pool_height": size, "pool_width": size, "stride": stride}
        return [images, settings, rng.normal(size=(2, 3, *out))]
    pad = number % 2
    out = [(side + 2 * pad - size) // stride + 1 for side in sides]
    W, b = rng.normal(size=(4, 3, size, size)), rng.normal(size=4)
    return [images, W, b, {"stride": stride, "pad": pad}, rng.normal(size=(2, 4, *out))]


def result(namespace: dict[str, Any], name: str, family: str, case: list[Any]) -> Any:
    """Output and gradients; of dropout, which is random, what its mask does on average."""
    copies: list[Any] = [dict(a) if isinstance(a, dict) else a for a in case]
    *arguments, g = copies
    np.random.seed(3)  # noqa: NPY002  # what learners' dropout draws from
    out, cache = namespace[name](*arguments)[:2]
    gradients = namespace[name.replace("forward", "backward")](np.copy(g), cache)
    settings = arguments[-1]
    if family.startswith("dropout"):
        x = arguments[0]
        tested = namespace[name](x, {**settings, "mode": "test"})[0]
        kept = out != 0
        same = np.allclose(gradients, g * out / x)
        scale = float(np.median((out / x)[kept])) if kept.any() else 0.0
        return [round(float(kept.mean()) * 20), scale, float(same), np.allclose(tested, x)]
    if family in ("batchnorm", "fragile"):
        running = [settings["running_mean"], settings["running_var"]]
        test = dict(case[-2], mode="test")
        return [out, *gradients, *running, namespace[name](*arguments[:-1], test)[0]]
    return [out, *(gradients if isinstance(gradients, tuple) else [gradients])]
