"""One run of the head as an ordered record of named quantities, with formulas and meanings.

The derivation shows these numbers, diagnosis compares other people's code with them. A quantity is
computed when it is first asked for: the Jacobians (N, K, K) of a large batch cost nothing unread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core import cross_entropy, head, linear, softmax, transform
from pminusy.core.options import Options
from pminusy.core.target_mass import TargetMass, target_mass

__all__ = ["Quantity", "Trace"]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """A named array of a run, with the formula that made it and what it means."""

    name: str
    value: Array
    formula: str
    meaning: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self.value.shape


class Trace(Mapping[str, Quantity]):
    """Record of one run, from X, W, b or from logits alone, in the order of computation.

    Parameters
    ----------
    y
        Class indices (N,) or soft targets (N, K).
    u
        Logits (N, K); left out when X and W are given.
    X, W, b
        Inputs (N, D), weights (K, D) and, optionally, bias (K,) of the linear layer.
    options
        Options of the loss. Row entries of `q` already carry the 1/N of a mean.

    Examples
    --------
    >>> import numpy as np
    >>> run = Trace(np.array([0]), u=np.log([[0.2, 0.6, 0.2]]))
    >>> list(run)
    ['z', 'm', 's', 'p', 'q', 'L_i', 'L', 'dL_dp', 'J', 'dL_dz']
    >>> run["dL_dz"].value.round(4), run["dL_dz"].formula
    (array([[-0.8,  0.6,  0.2]]), 'S p − q')
    """

    def __init__(
        self,
        y: Array,
        *,
        u: Array | None = None,
        X: Array | None = None,
        W: Array | None = None,
        b: Array | None = None,
        options: Options | None = None,
    ) -> None:
        self._y, self._X, self._W, self._b = y, X, W, b
        self._options = options or Options()
        if u is None:
            assert X is not None
            assert W is not None
            u = linear.forward(X, W, b)
        self._u = u
        self._made: dict[str, Quantity] = {}
        self._steps = self._plan()

    def __getitem__(self, name: str) -> Quantity:
        if name not in self._made:
            compute, formula, meaning = self._steps[name]
            with np.errstate(all="ignore"):
                self._made[name] = Quantity(name, compute(), formula, meaning)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._steps)

    def __len__(self) -> int:
        return len(self._steps)

    def _plan(self) -> dict[str, tuple[Callable[[], Array], str, str]]:
        return {**self._inputs(), **self._forward(), **self._backward(), **self._parameters()}

    def _inputs(self) -> dict[str, tuple[Callable[[], Array], str, str]]:
        given = {"X": (self._X, "inputs"), "W": (self._W, "weights"), "b": (self._b, "bias")}
        return {
            name: ((lambda value=value: value), name, meaning)  # type: ignore[misc]  # bound now, by default
            for name, (value, meaning) in given.items()
            if value is not None
        }

    def _forward(self) -> dict[str, tuple[Callable[[], Array], str, str]]:
        layer = ("X Wᵀ + b" if self._b is not None else "X Wᵀ") if self._X is not None else "given"
        steps: dict[str, tuple[Callable[[], Array], str, str]] = {}
        if self._options.transforms_logits:
            steps["u"] = (lambda: self._u, layer, "logits before cap and temperature")
            capped = "u" if self._options.softcap is None else "κ tanh(u / κ)"
            layer = capped if self._options.temperature == 1.0 else f"{capped} / T"
        z_loss = " + ζ S lse²" if self._options.z_loss else ""
        return steps | {
            "z": (lambda: self._z, layer, "logits"),
            "m": (
                lambda: self._cast(self._parts.m[:, 0]),
                "max_j z_j",
                "largest logit of each row",
            ),
            "s": (self._s, "Σ_j e^(z_j − m)", "denominator of the softmax, after the shift"),
            "p": (lambda: softmax.softmax(self._z), "e^(z_k − m) / s", "probabilities"),
            "q": (lambda: self._cast(self._q), "targets and options", "target mass"),
            "L_i": (self._row_losses, f"−Σ_k q_k ln p_k{z_loss}", "what each row adds to the loss"),
            "L": (self._loss, "Σ_i L_i", "loss"),
        }

    def _backward(self) -> dict[str, tuple[Callable[[], Array], str, str]]:
        formula = "S (1 + 2 ζ lse) p − q" if self._options.z_loss else "S p − q"
        steps: dict[str, tuple[Callable[[], Array], str, str]] = {
            "dL_dp": (self._dL_dp, "−q / p", "gradient of the cross-entropy alone"),
            "J": (lambda: softmax.jacobian(self._z), "diag(p) − p pᵀ", "Jacobian of the softmax"),
            "dL_dz": (
                lambda: self._gradient(self._z, self._plain),
                formula,
                "gradient at the logits",
            ),
        }
        if self._options.transforms_logits:
            slope = "1 / T" if self._options.softcap is None else "sech²(u / κ) / T"
            steps["dL_du"] = (
                lambda: self._gradient(self._u, self._options),
                f"dL_dz · {slope}",
                "gradient at the logits before cap and temperature",
            )
        return steps

    def _parameters(self) -> dict[str, tuple[Callable[[], Array], str, str]]:
        if self._X is None or self._W is None:
            return {}
        X, W = self._X, self._W
        g = "dL_du" if self._options.transforms_logits else "dL_dz"
        steps: dict[str, tuple[Callable[[], Array], str, str]] = {
            "dL_dW": (
                lambda: linear.weight_gradient(self[g].value, X),
                f"{g}ᵀ X",
                "gradient of the weights",
            )
        }
        if self._b is not None:
            steps["dL_db"] = (
                lambda: linear.bias_gradient(self[g].value),
                f"Σ_i {g}_i",
                "gradient of the bias",
            )
        steps["dL_dX"] = (
            lambda: linear.input_gradient(self[g].value, W),
            f"{g} W",
            "gradient of the inputs",
        )
        return steps

    @cached_property
    def _z(self) -> Array:
        return (
            transform.logits(self._u, self._options) if self._options.transforms_logits else self._u
        )

    @cached_property
    def _plain(self) -> Options:
        return replace(self._options, softcap=None, temperature=1.0)

    @cached_property
    def _mass(self) -> TargetMass:
        N, K = self._u.shape
        return target_mass(self._y, N, K, self._options)

    @cached_property
    def _parts(self) -> softmax.SoftmaxParts:
        return softmax.parts(self._z)

    @cached_property
    def _q(self) -> NDArray[np.float64]:
        q, _ = self._mass.q_and_S(slice(0, self._u.shape[0]))
        return q.ldexp(self._mass.exponent).rounded()

    def _cast(self, value: Array) -> Array:
        return value.astype(self._u.dtype)

    def _s(self) -> Array:
        return self._cast(self._parts.s.rounded()[:, 0])

    def _row_losses(self) -> Array:
        rows = replace(self._plain, reduction="none")
        return head.cross_entropy(self._z, self._mass, rows)

    def _loss(self) -> Array:
        return head.cross_entropy(self._z, self._mass, self._plain)

    def _dL_dp(self) -> Array:
        p = softmax.softmax(self._z.astype(np.float64))
        return self._cast(cross_entropy.loss_gradient(p, self._q))

    def _gradient(self, u: Array, options: Options) -> Array:
        return head.cross_entropy_grad(u, self._mass, options)[1]
