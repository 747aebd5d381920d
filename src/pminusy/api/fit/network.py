"""A network as the classifier of a table: its fit, and the record of that."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.estimators.rows import is_sparse
from pminusy.estimators.split import split_in_time, split_rows
from pminusy.tables.wording import count
from pminusy.training.solvers.solution import Progress, ProgressCallback, StopFit

if TYPE_CHECKING:
    from pminusy.api.fit.network_options import NetworkOptions
    from pminusy.estimators.softmax_network import SoftmaxNetwork
    from pminusy.training.network.hidden import HiddenLayers
    from pminusy.training.network.record import Epoch

__all__ = ["EPOCHS", "NetworkFit", "NetworkRecord"]

EPOCHS = 200
VALIDATION = 0.1  # of the training rows, with early stopping
_WATCHED = 1_000  # training rows of which gradients and dead units are told
_SLICES = 20  # in which they are read
_DEAD = 1e-6  # a slope below this in every row: no row moves the unit

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class NetworkRecord:
    """How a network was trained, an entry an epoch, and what became of its units.

    Attributes
    ----------
    units
        Of each level, inputs first and logits last.
    sizes
        Number of parameters of each layer, γ and β included.
    losses
        Mean training loss (epochs,) of the batches, penalty included.
    validation_losses, validation_scores
        Log loss and accuracy (epochs,) on the rows that early stopping holds out; empty without.
    gradient_norms
        Norm (epochs, layers) of the gradient of each layer's weights and bias, of the mean loss
        over `watched` training rows; NaN for epochs before a checkpoint that it went on from.
    dead
        For each hidden layer how many units have a slope of 0 in all of these rows.
    best
        The epoch that was kept, from 1.
    end
        Why training ended: "tolerance", "epochs", "interrupt", "time" or "explosion".
    """

    units: tuple[int, ...]
    activation: str
    sizes: tuple[int, ...]
    losses: Array
    validation_losses: Array
    validation_scores: Array
    gradient_norms: Array
    dead: tuple[int, ...]
    watched: int
    best: int
    end: str

    @property
    def parameters(self) -> int:
        """Number of all parameters."""
        return sum(self.sizes)

    @property
    def epochs(self) -> int:
        """Number of epochs."""
        return int(self.losses.size)

    def sentence(self) -> str:
        """The network and its training in one line."""
        shape = " × ".join(map(str, self.units))
        kept = "" if self.best == self.epochs else f", kept after {self.best:,}"
        how = {
            "tolerance": "no longer improving",
            "epochs": "as many as were asked for",
            "interrupt": "interrupted",
            "time": "out of time",
            "explosion": "the loss was not finite",
        }[self.end]
        return (
            f"{shape} ({self.activation}), {self.parameters:,} parameters; "
            f"{count(self.epochs, 'epoch')}{kept}: {how}"
        )


class NetworkFit:
    """A fit of a network, with the attributes of `PlainRegression` that `fit_table` asks for."""

    converged_: bool  # whether training ended by its own rules; a network has no certificate
    warnings_: tuple[str, ...]
    hidden_: HiddenLayers
    parameters_: tuple[Array, Array]
    network: NetworkRecord
    regression: SoftmaxNetwork

    history_: tuple[Progress, ...] = ()
    optimality_ = objective_ = gap_ = n_passes_ = math.nan
    solver_ = "adam"

    def __init__(
        self,
        options: NetworkOptions,
        *,
        class_weight: Any,
        seed: int,
        time_limit: float | None,
        keep_interrupted: bool,
        progress: ProgressCallback | None,
        groups: Array | None,
        times: Array | None,
        checkpoint: str | None = None,
        restart: bool = False,
    ) -> None:
        self.options, self.class_weight, self.seed = options, class_weight, seed
        self.time_limit, self.progress = time_limit, progress
        self.keep_interrupted = keep_interrupted
        self.groups, self.times = groups, times
        self.checkpoint, self.restart = checkpoint, restart
        self.memory: int | None = None  # bytes for rows that are read by slices; None: in memory
        self._norms: list[list[float]] = []
        self._out_of_time = False

    def fit(self, X: Any, y: Array, sample_weight: Any) -> Self:
        """Train on inputs X (N, D), an array or CSR, and labels y (N,).

        With `memory`, X and labels, and weights or None, are read by slices.
        """
        self._began = time.perf_counter()
        if self.memory is None:
            return self._fit_whole(X, y, sample_weight)
        self._watch(X, y, _spread(X.shape[0]))
        net = self._estimator(X.shape[0])
        return self._run(net, self.memory, X, y, sample_weight)

    def _fit_whole(self, X: Any, y: Array, sample_weight: Array) -> Self:
        train, apart = self._apart(y)
        self._watch(X, y, [train[:: max(1, train.size // _WATCHED)][:_WATCHED]])
        held = None if not apart.size else (X[apart], y[apart], sample_weight[apart])
        part = X if train.size == y.size else X[train]
        net = self._estimator(train.size)
        return self._run(net, None, part, y[train], sample_weight[train], held)

    def _watch(self, X: Any, y: Any, places: Sequence[Any]) -> None:
        """Keep the rows of which gradients and dead units are told."""
        parts = [X[rows] for rows in places]
        if is_sparse(parts[0]):
            import scipy.sparse as sp  # whoever gives such rows has imported it

            self._watched = sp.vstack(parts, format="csr")
        else:
            self._watched = np.vstack(parts)
        self._watched_labels = np.concatenate([y[rows] for rows in places]).astype(np.intp)

    def _run(
        self, net: SoftmaxNetwork, memory: int | None, X: Any, y: Any, weight: Any, held: Any = None
    ) -> Self:
        from sklearn.exceptions import ConvergenceWarning

        if memory is not None:
            net.memory = memory
        try:
            with warnings.catch_warnings():
                # said in our words, with the names of `fit_table`
                warnings.filterwarnings("ignore", category=ConvergenceWarning)
                net.fit(X, y, sample_weight=weight, eval_set=held)
        except InputError as error:
            raise InputError(*(_renamed(str(part)) for part in error.args)) from None
        if net.end_ == "interrupt" and not (self._out_of_time or self.keep_interrupted):
            raise KeyboardInterrupt
        self._conclude(net)
        return self

    def _estimator(self, rows: int) -> SoftmaxNetwork:
        from pminusy.estimators.softmax_network import SoftmaxNetwork

        asked = self.options
        given: dict[str, Any] = {
            "batch_size": asked.batch_size or min(max(rows // 32, 16), 200),
            "learning_rate_init": asked.learning_rate,
            "alpha": asked.alpha, "checkpoint": self.checkpoint,
        }  # fmt: skip
        return SoftmaxNetwork(
            asked.hidden, asked.activation, dropout=asked.dropout, batch_norm=asked.batch_norm,
            max_iter=asked.epochs or EPOCHS,
            early_stopping="loss" if asked.early_stopping else False,
            class_weight=self.class_weight, random_state=self.seed, progress=self._after_epoch,
            restart=self.restart,
            **{name: value for name, value in given.items() if value is not None},
        )  # fmt: skip

    def _apart(self, y: Array) -> tuple[Array, Array]:
        """Rows to train on, and those that early stopping holds out: of other groups, or later."""
        none = np.empty(0, np.intp)
        if not self.options.early_stopping:
            return np.arange(y.size), none
        if self.times is not None:
            train, apart = split_in_time(self.times, VALIDATION)
        else:
            train, apart = split_rows(y, VALIDATION, self.seed, self.groups)
        if not apart.size or np.unique(y[train]).size < np.unique(y).size:
            expected = "training rows enough to hold some out of every class"
            raise InputError("early-stopping", expected, f"{y.size:,}", "leave it out")
        return train, apart

    def _after_epoch(self, epoch: Epoch) -> None:
        layers = self._layers(epoch)
        self._norms.append(_gradient_norms(layers, self._watched, self._watched_labels))
        if self.progress is not None:
            self.progress(
                Progress(epoch.number, epoch.loss, math.nan, float(epoch.number), epoch.seconds)
            )
        spent = time.perf_counter() - self._began
        if self.time_limit is not None and spent >= self.time_limit:
            self._out_of_time = True
            raise StopFit

    def _layers(self, of: Any) -> tuple[HiddenLayers, Array, Array]:
        """Hidden layers and the head's weights (out, in) and bias of an epoch."""
        return layers_of(of.coefs, of.intercepts, self.options.activation, of.norms)

    def _conclude(self, net: SoftmaxNetwork) -> None:
        self.regression = net
        net.progress = None
        hidden, W, b = layers_of(net.coefs_, net.intercepts_, self.options.activation, net.norms_)
        self.hidden_, self.parameters_ = hidden, (W, b)
        self.end_ = "time" if self._out_of_time else net.end_
        self.converged_ = self.end_ in ("tolerance", "epochs")
        self.network = _record(self, net)
        self.n_iter_ = self.network.epochs
        self.warnings_ = self._said(net)

    def _said(self, net: SoftmaxNetwork) -> tuple[str, ...]:
        if self.end_ == "time":
            epochs = count(self.network.epochs, "epoch")
            return (
                f"time_limit={self.time_limit:g} s is over after {epochs}: the best parameters so "
                "far are kept",
            )
        if self.end_ == "epochs":
            if self.options.epochs is not None:
                return ()
            return (
                f"the loss was still falling after {EPOCHS} epochs: give epochs, or early-stopping",
            )
        return tuple(_renamed(sentence) for sentence in net.warnings_)


def _spread(rows: int) -> list[slice]:
    """Slices of rows all over a table, of which some are watched."""
    each = _WATCHED // _SLICES
    if rows <= _WATCHED:
        return [slice(0, rows)]
    return [slice(i * rows // _SLICES, i * rows // _SLICES + each) for i in range(_SLICES)]


def layers_of(
    coefs: Any, intercepts: Any, activation: str, norms: Any
) -> tuple[HiddenLayers, Array, Array]:
    """Hidden layers, and the head's weights (K, units) and bias (K,): of two classes both."""
    from pminusy.training.network.hidden import HiddenLayers

    hidden = HiddenLayers(tuple(coefs[:-1]), tuple(intercepts[:-1]), activation, tuple(norms))
    W, b = coefs[-1].T, intercepts[-1]
    if b.size == 1:
        W, b = np.vstack([np.zeros_like(W), W]), np.concatenate([np.zeros_like(b), b])
    return hidden, np.ascontiguousarray(W), b


def _gradient_norms(layers: tuple[HiddenLayers, Array, Array], X: Any, y: Array) -> list[float]:
    """Norm of the gradient of each layer, the head's last, of the mean loss of some rows."""
    from pminusy.ops import cross_entropy_grad
    from pminusy.training.network.hidden import backward, forward

    hidden, W, b = layers
    with np.errstate(all="ignore"):
        levels = forward(hidden, X)
        a = levels[-1].output
        z = a @ W.T + b
        if not np.isfinite(z).all():
            return [math.nan] * (len(hidden.coefs) + 1)
        g = np.asarray(cross_entropy_grad(z, y).dL_dz)
        found, _ = backward(hidden, levels, g @ W)
        parts = [(each.dL_dW, each.dL_db) for each in found] + [(g.T @ a, g.sum(axis=0))]
        if b.size == 2:  # the first class has no weights of its own
            parts[-1] = (parts[-1][0][1:], parts[-1][1][1:])
    return [math.sqrt(sum(float((part**2).sum()) for part in layer)) for layer in parts]


def _record(fit: NetworkFit, net: SoftmaxNetwork) -> NetworkRecord:
    from pminusy.training.network.hidden import forward

    levels = forward(fit.hidden_, fit._watched)
    slopes = [np.abs(level.slope).max(axis=0) for level in levels[1:] if level.slope is not None]
    scores = np.array(net.validation_scores_ or ())
    losses = np.array(net.loss_curve_)
    best = losses.size
    if scores.size:
        best = int(np.argmin(net.validation_losses_)) + 1
    elif fit.end_ not in ("tolerance", "epochs"):
        best = int(losses.argmin()) + 1
    return NetworkRecord(
        units=(*fit.hidden_.units, fit.parameters_[1].size),
        activation=fit.options.activation,
        sizes=tuple(
            W.size + b.size + 2 * W.shape[1] * (level in fit.hidden_.norm_of)
            for level, (W, b) in enumerate(zip(net.coefs_, net.intercepts_, strict=True), start=1)
        ),
        losses=losses,
        validation_losses=np.array(net.validation_losses_ or ()),
        validation_scores=scores,
        gradient_norms=_padded(fit._norms, losses.size, len(fit.hidden_.coefs) + 1),
        dead=tuple(int((slope < _DEAD).sum()) for slope in slopes),
        watched=fit._watched.shape[0],
        best=best,
        end=fit.end_,
    )


def _padded(norms: list[list[float]], epochs: int, layers: int) -> Array:
    """Norms (epochs, layers); NaN for epochs before training went on from a checkpoint."""
    found = np.full((epochs, layers), np.nan)
    if norms:
        found[epochs - len(norms) :] = norms
    return found


def _renamed(text: str) -> str:
    """Names of the estimator's parameters as `fit_table` has them."""
    for theirs, ours in (
        ("hidden_layer_sizes", "hidden"), ("max_iter", "epochs"), (" or set clip_norm", ""),
        ("learning_rate_init", "learning_rate"), ("batch_norm", "batch-norm"),
    ):  # fmt: skip
        text = text.replace(theirs, ours)
    return text
