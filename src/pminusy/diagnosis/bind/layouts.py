"""How a letter may lie in a learner's arrays: W as (D, K) or (K, D), labels one-hot or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAYOUTS", "Layout"]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to lay an array out: `encode` makes it from ours, `decode` undoes that."""

    words: str
    encode: Callable[[Any, int], Any]
    decode: Callable[[Array, tuple[int, ...]], Array] = lambda a, shape: a


def _one_hot(y: Any, K: int) -> Array:
    one_hot: Array = (np.asarray(y)[:, None] == np.arange(K)).astype(np.float64)
    return one_hot


def _transposed(words: str) -> Layout:
    return Layout(words, lambda a, _: a.T.copy(), lambda a, _: a.T)


def _as_is(words: str) -> Layout:
    return Layout(words, lambda a, _: a)


_W = {
    "D×K": _transposed("of shape (D, K)"),
    "K×D": _as_is("of shape (K, D)"),
    "flat D×K": Layout(
        "a flat vector, (D, K) unrolled",
        lambda a, _: a.T.ravel(),
        lambda a, shape: a.reshape(shape[::-1]).T,
    ),
    "flat K×D": Layout(
        "a flat vector, (K, D) unrolled", lambda a, _: a.ravel(), lambda a, shape: a.reshape(shape)
    ),
}
_ROWS = {
    "N×K": _as_is("samples in rows"),
    "K×N": _transposed("samples in columns"),
    "K": Layout("one sample", lambda a, _: a[0], lambda a, shape: a.reshape(shape)),
}
_B = {
    "K": _as_is("of shape (K,)"),
    "1×K": Layout("of shape (1, K)", lambda a, _: a[None, :], lambda a, shape: a.reshape(shape)),
    "K×1": Layout("of shape (K, 1)", lambda a, _: a[:, None], lambda a, shape: a.reshape(shape)),
}
LAYOUTS: Mapping[str, Mapping[str, Layout]] = {
    **dict.fromkeys(("X", "X0", "z", "p", "g"), _ROWS), "W": _W, "W1": _W, "b": _B, "b1": _B,
    "cw": {"K": _as_is("of shape (K,)")}, "sw": {"N": _as_is("of shape (N,)")},
    "y": {
        "index": Layout("class indices (N,)", lambda a, _: a),
        "one-hot": Layout("one-hot (N, K)", _one_hot),
        "column": Layout("class indices (N, 1)", lambda a, _: a[:, None]),
        "one-hot K×N": Layout("one-hot (K, N)", lambda a, K: _one_hot(a, K).T.copy()),
        "scalar": Layout("one class index", lambda a, _: int(a[0])),
        "one-hot K": Layout("one one-hot vector", lambda a, K: _one_hot(a, K)[0]),
    },
}  # fmt: skip
