"""Standard errors, tests and information criteria of a fitted softmax regression.

The observed information of the unpenalised log-likelihood, against a base class: with class 0's row
of weights fixed at 0, H = Σ S (diag(p) − p pᵀ) ⊗ x xᵀ over the others, and the covariance is H⁻¹.
With a ridge penalty of strength λ the estimate is biased and the sandwich H_λ⁻¹ H H_λ⁻¹ is its
variance about its own mean; `Summary.penalised` says so.

Sources: McCullagh & Nelder 1989, "Generalized linear models"; McFadden 1974 (pseudo-R²).
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import scipy  # `scipy.linalg` and `scipy.stats` are loaded when they are first used
from numpy.typing import NDArray

from pminusy import ops
from pminusy.core.softmax import plain_softmax
from pminusy.errors import InputError
from pminusy.present.sanitise import replaced
from pminusy.training.hessian import coupled_hessian
from pminusy.training.sources.protocol import Source

__all__ = ["Summary", "infer"]

Array = NDArray[Any]

_LARGEST = 20_000  # parameters: a matrix of 3.2 GB
_SEEN, _SETTLING = 1e-10, 20  # nats; steps


@dataclass(frozen=True)
class Summary:
    """Coefficients against the base class, and how sure they are.

    Arrays are (K − 1, D) or, with an intercept, (K − 1, D + 1): the intercept comes last.
    """

    classes: Array  # (K,), the first is the base
    features: tuple[str, ...]
    coefficients: Array
    standard_errors: Array
    z: Array
    p_values: Array
    lower: Array
    upper: Array
    confidence: float
    log_likelihood: float
    null_log_likelihood: float
    pseudo_r2: float
    aic: float
    bic: float
    observations: float
    parameters: int
    penalised: bool
    notes: tuple[str, ...] = ()  # what the fit had to say: errors are about an optimum

    def to_frame(self) -> Any:
        """The table as a Polars DataFrame, a row for each class and feature."""
        import polars

        classes, features = np.meshgrid(self.classes[1:], self.features, indexing="ij")
        return polars.DataFrame(
            {
                "class": [str(c) for c in classes.ravel()],
                "feature": [str(f) for f in features.ravel()],
                "coefficient": self.coefficients.ravel(),
                "standard error": self.standard_errors.ravel(),
                "z": self.z.ravel(),
                "p": self.p_values.ravel(),
                "lower": self.lower.ravel(),
                "upper": self.upper.ravel(),
            }
        )

    def to_rich(self) -> Any:
        """The table as a Rich table; names are shown as they are, never as markup."""
        from rich.table import Table
        from rich.text import Text

        title = f"Softmax regression against {replaced(str(self.classes[0]))}"
        table = Table(title=Text(title), caption=Text(self._caption()), box=None)
        table.add_column("class, feature", overflow="fold")
        share = f"{100 * self.confidence:g} % from"
        for name in ("coefficient", "error", "z", "p", share, "to"):
            table.add_column(name, justify="right", no_wrap=True)
        for k, label in enumerate(self.classes[1:]):
            table.add_row(Text(replaced(str(label)), style="bold"))
            for j, feature in enumerate(self.features):
                before = [self.coefficients, self.standard_errors, self.z]
                cells = [f"{array[k, j]:.3g}" for array in (*before, self.lower, self.upper)]
                p = float(self.p_values[k, j])
                cells.insert(len(before), "< 1e-300" if p < 1e-300 else f"{p:.3g}")
                table.add_row(Text(f"  {replaced(feature)}"), *cells)
        return table

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=110, file=io.StringIO(), color_system=None)
        with console.capture() as shown:
            console.print(self.to_rich())
        return shown.get()

    def _caption(self) -> str:
        caption = (
            f"log-likelihood {self.log_likelihood:.6g} (null {self.null_log_likelihood:.6g}) · "
            f"pseudo-R² {self.pseudo_r2:.4f} · AIC {self.aic:.6g} · BIC {self.bic:.6g} · "
            f"{self.observations:g} observations"
        )
        if self.penalised:
            caption += "\npenalised: estimates are drawn towards 0; errors are about their own mean"
        return "\n".join([caption, *map(replaced, self.notes)])


def infer(
    source: Source,
    W: Array,
    b: Array | None,
    *,
    ridge: float,
    classes: Array,
    features: tuple[str, ...],
    confidence: float = 0.95,
    notes: tuple[str, ...] = (),
) -> Summary:
    """Inference at weights W (K, D) and bias b (K,), None without.

    Beside a bias, columns are centred and scaled for the arithmetic: a column of unix times, whose
    mean is 10⁵ spreads from 0, would otherwise be the intercept's twin but for rounding.

    Parameters
    ----------
    source
        The rows the model was fitted to.
    W, b
        One row a class.
    ridge
        Strength of ½ ‖W‖² beside the summed loss, 0 for none.
    classes, features
        Names.
    confidence
        Of the intervals.
    notes
        Sentences to show beside the table.
    """
    K, D = W.shape
    size = (K - 1) * (D + (b is not None))
    if size > _LARGEST:
        raise InputError(
            "summary", f"at most {_LARGEST} parameters", str(size), "fit fewer features"
        )
    columns = _Columns.of(source, centred=b is not None)
    u, shift = W * columns.scale, None if b is None else _bias_at_centre(W, b, columns.centre)
    if shift is not None and _rounded(W, columns):
        shift = _settled(source, u, shift, columns)
    sums = _Sums(source, u, shift, columns)
    theta = W if b is None else np.concatenate([W, b[:, None]], axis=1)
    coefficients = theta[1:] - theta[:1]
    E = D + (b is not None)
    H = sums.H.reshape(K, E, K, E)[1:, :, 1:, :].reshape(size, size)
    covariance = _covariance(H, _penalty_curvature(K, columns.scale, E, ridge))
    errors = columns.errors(covariance.reshape(K - 1, E, K - 1, E))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = coefficients / errors
    reach = float(scipy.stats.norm.ppf(0.5 + confidence / 2)) * errors
    share = sums.mass_of_class / sums.mass
    null = float(sums.mass_of_class @ np.log(np.where(share > 0, share, 1.0)))
    names = (*features, "(intercept)") if b is not None else features
    return Summary(
        classes, names, coefficients, errors, z, 2 * scipy.stats.norm.sf(np.abs(z)),
        coefficients - reach, coefficients + reach, confidence, sums.log_likelihood, null,
        1 - sums.log_likelihood / null if null else np.nan,
        2 * size - 2 * sums.log_likelihood, size * np.log(sums.mass) - 2 * sums.log_likelihood,
        sums.mass, size, ridge > 0, notes,
    )  # fmt: skip


class _Sums:
    """Information matrix and log-likelihood, rows at a time."""

    def __init__(self, source: Source, u: Array, b: Array | None, columns: _Columns) -> None:
        K = u.shape[0]
        E = u.shape[1] + (b is not None)
        self.H = np.zeros((K * E, K * E))
        self.log_likelihood, self.mass = 0.0, 0.0
        self.mass_of_class = np.zeros(K)
        for given, q, S, _ in source.portions():
            X = columns.scaled(given)
            z = X @ u.T + (0.0 if b is None else b)
            lse, p = plain_softmax(z)
            self.log_likelihood += float(np.sum(q * (z - lse), where=q > 0))
            self.mass += float(S.sum())
            self.mass_of_class += q.sum(axis=0)
            if b is not None:
                X = np.concatenate([X, np.ones((X.shape[0], 1))], axis=1)
            x, p = X.T, p.T
            self.H += coupled_hessian(
                [(lambda i, j, x=x, p=p, S=S: (x[:, i:j], p[:, i:j], S[i:j]), S.size)],
                p.shape[0],
                x.shape[0],
            )


class _Columns(NamedTuple):
    """Columns about their centre, at most one from it: x′ = (x − μ) / s."""

    centre: Array  # (D,)
    scale: Array  # (D,)

    @classmethod
    def of(cls, source: Source, *, centred: bool) -> _Columns:
        """The mean of every column, and how far a row is from it."""
        centre, scale, mass = np.zeros(source.features), np.zeros(source.features), 0.0
        for X, _, S, _ in source.portions() if centred else ():
            mass += float(S.sum())
            if mass > 0:
                centre += (S / mass) @ (X.astype(np.float64) - centre)
        for X, _, S, _ in source.portions():
            away = np.abs(X[S > 0].astype(np.float64) - centre)
            np.maximum(scale, away.max(axis=0, initial=0.0), out=scale)
        return cls(centre, np.where(scale > 0, scale, 1.0))

    def scaled(self, X: Array) -> Array:
        """Rows X (n, D), centred and scaled."""
        return np.asarray((X.astype(np.float64) - self.centre) / self.scale)

    def errors(self, covariance: Array) -> Array:
        """Standard errors of W and b from the covariance (K − 1, E, K − 1, E) of the centred model.

        With b′ = b + W μ: var b = aᵀ cov a, a = (−μ / s, 1).
        """
        classes, D = covariance.shape[0], self.scale.size
        errors = np.empty(covariance.shape[:2])
        back = np.concatenate([-self.centre / self.scale, np.ones(covariance.shape[1] - D)])
        for k in range(classes):
            own = covariance[k, :, k, :]
            errors[k, :D] = np.sqrt(np.maximum(own.diagonal()[:D], 0.0)) / self.scale
            errors[k, D:] = math.sqrt(max(float(back @ own @ back), 0.0))
        return errors


def _bias_at_centre(W: Array, b: Array, centre: Array) -> Array:
    """b + W μ, in which large numbers cancel: of exact products, exactly summed."""
    means = [Fraction(mean) for mean in centre.tolist()]
    out = np.empty(b.size)
    for k, (row, bias) in enumerate(zip(W.tolist(), b.tolist(), strict=True)):
        products = (Fraction(w) * mean for w, mean in zip(row, means, strict=True))
        out[k] = float(sum(products, Fraction(bias)))
    return out


def _rounded(W: Array, columns: _Columns) -> bool:
    """Whether rounding of W and b alone moves logits by what can be seen."""
    moved = np.finfo(float).eps * float((np.abs(W) @ np.abs(columns.centre)).max(initial=0.0))
    return bool(moved > _SEEN)


def _settled(source: Source, u: Array, b: Array, columns: _Columns) -> Array:
    """The bias at which its gradient is 0, as at the optimum: Newton's method in it alone."""
    for _ in range(_SETTLING):
        g, H = np.zeros(b.size), np.zeros((b.size, b.size))
        for X, q, S, _ in source.portions():
            p = ops.softmax(columns.scaled(X) @ u.T + b)
            g += S @ p - q.sum(axis=0)
            H += np.diag(S @ p) - (p.T * S) @ p
        step = np.linalg.lstsq(H, g, rcond=1e-12)[0]
        if not np.isfinite(step).all() or np.abs(step).max() > 1.0:  # no bias to be found here
            return b
        b = b - step
        if np.abs(step).max() <= _SEEN:
            break
    return b


def _penalty_curvature(K: int, scale: Array, E: int, ridge: float) -> Array | None:
    """Curvature of the penalty in the scaled weights against the base class.

    ½ λ Σ_k ‖W_k‖² with its class mean at 0 is ½ λ Δᵀ ((I − 1 1ᵀ/K) ⊗ I) Δ.
    """
    if ridge == 0:
        return None
    across = ridge * (np.eye(K - 1) - 1.0 / K)
    return np.kron(across, np.diag(np.concatenate([scale**-2.0, np.zeros(E - scale.size)])))


def _covariance(H: Array, penalty: Array | None) -> Array:
    whole = H if penalty is None else H + penalty
    scale = 1.0 / np.sqrt(np.maximum(np.diag(whole), 1e-300))
    try:
        factor = scipy.linalg.cho_factor(whole * scale[:, None] * scale, lower=True)
    except scipy.linalg.LinAlgError:
        factor = None
    if factor is None or np.diag(factor[0]).min() < 1e-7:
        raise InputError(
            "summary",
            "features that are not linear combinations of each other, and classes that overlap",
            "a singular information matrix",
            "drop a feature (a constant column beside the intercept?) or set C to a finite number",
        )
    inverse = scipy.linalg.cho_solve(factor, np.diag(scale)) * scale[:, None]
    return np.asarray(inverse if penalty is None else inverse @ H @ inverse)
