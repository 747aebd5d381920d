"""From checked rows to a trained network, and from a trained network to logits."""

from __future__ import annotations

import math
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy import ops
from pminusy.errors import InputError
from pminusy.estimators.network import messages
from pminusy.estimators.network.checkpoint import TrainingFile, training_file
from pminusy.estimators.network.rows import CheckedRows, HeldOut
from pminusy.estimators.network.shape import batch_rows, method_of
from pminusy.estimators.network.weights import (
    initial,
    initial_running,
    level_norms,
    packed,
    packed_running,
)
from pminusy.estimators.rows import row_chunks
from pminusy.kernels.runtime.blas import one_thread_each
from pminusy.training.network.caller import Trainer
from pminusy.training.network.data import NO_ROWS, Rows, Settings, buffers_for
from pminusy.training.network.hidden import NORM_EPSILON
from pminusy.training.network.layout import Network, layout_of
from pminusy.training.network.quasi_newton import minimise
from pminusy.training.network.record import Epoch, Record, Score
from pminusy.training.network.schedule import LearningRate
from pminusy.training.network.specification import logits
from pminusy.training.network.stochastic import Rules, parameters, train

if TYPE_CHECKING:
    from pminusy.estimators.network.streamed import RowsOfBlocks
    from pminusy.estimators.softmax_network import SoftmaxNetwork

__all__ = ["begin", "fit_network", "network_logits"]

Array = NDArray[Any]

_NORM_MOMENTUM = 0.1  # of batch norm: torch's
_WORKSPACE = 64 << 20  # bytes of activations in prediction


class Optimizer(NamedTuple):
    """What steps remember, from one `partial_fit` to the next."""

    rate: LearningRate
    seed: int  # of dropout
    theta: Array  # parameters, where the network has their average
    first: Array
    second: Array
    average: Array


def begin(
    estimator: SoftmaxNetwork, network: Network, random: np.random.RandomState, dtype: Any
) -> None:
    """Weights to begin with; nothing known of a training."""
    estimator.n_iter_, estimator.t_ = 0, 0
    estimator._record, estimator._optimizer = Record(), None
    theta = initial(network, random, dtype)
    _set_parameters(estimator, network, theta, initial_running(network, dtype))


def fit_network(
    estimator: SoftmaxNetwork,
    checked: CheckedRows | RowsOfBlocks,
    network: Network,
    held: HeldOut | None,
    random: np.random.RandomState,
    *,
    incremental: bool,
) -> None:
    """Train from the parameters as they are, and set all attributes."""
    with one_thread_each:
        if estimator.solver == "lbfgs" and isinstance(checked, CheckedRows):
            _by_lbfgs(estimator, checked, network)
        else:
            _by_batches(estimator, checked, network, held, random, incremental=incremental)
    estimator.n_layers_ = network.layers + 1
    estimator.n_outputs_ = network.units[-1]
    estimator.out_activation_ = "logistic" if network.units[-1] == 1 else "softmax"


def network_logits(estimator: SoftmaxNetwork, X: Any) -> Array:
    """Logits of checked rows, some rows at a time."""
    norms = getattr(estimator, "norms_", ())
    units = (X.shape[1], *(W.shape[1] for W in estimator.coefs_))
    network = Network(units, estimator.activation, tuple(norm.level for norm in norms))
    theta = packed(network, estimator.coefs_, estimator.intercepts_, norms)
    return _logits(network, theta, packed_running(norms, theta.dtype), X)


def _logits(network: Network, theta: Array, running: Array, X: Any) -> Array:
    out = np.empty((X.shape[0], network.units[-1]), np.result_type(theta.dtype, X.dtype))
    for rows in row_chunks(X.shape[0], 4 * theta.itemsize * sum(network.units), _WORKSPACE):
        out[rows] = logits(network, theta, running, X[rows], NORM_EPSILON)
    return out


def _trainer(
    estimator: SoftmaxNetwork, network: Network, rows: Rows, number: int, epochs: float, dtype: Any
) -> Trainer:
    """A trainer at the parameters as they are."""
    layout = layout_of(network, batch_rows(estimator, number))
    buffers = buffers_for(
        network, layout, dtype, method=method_of(estimator),
        average=estimator.average_weights > 0, dropout=estimator.dropout,
    )  # fmt: skip
    norms = getattr(estimator, "norms_", ())
    buffers.theta[:] = packed(network, estimator.coefs_, estimator.intercepts_, norms)
    buffers.running[:] = packed_running(norms, dtype)
    clip = math.inf if estimator.clip_norm is None else float(estimator.clip_norm)
    settings = Settings(
        method_of(estimator), float(estimator.alpha), float(estimator.beta_1),
        float(estimator.beta_2), float(estimator.epsilon), float(estimator.momentum),
        bool(estimator.nesterovs_momentum), float(estimator.dropout), clip,
        _NORM_MOMENTUM, NORM_EPSILON,
    )  # fmt: skip
    work = float(number) * network.decayed * epochs
    return Trainer(network, layout, rows, buffers, settings, work)


_OF_EPOCHS = (
    "loss_curve_", "best_loss_", "validation_scores_", "validation_losses_",
    "best_validation_score_",
)  # fmt: skip


def _by_lbfgs(estimator: SoftmaxNetwork, checked: CheckedRows, network: Network) -> None:
    rows = checked.X.shape[0]
    trainer = _trainer(estimator, network, checked.rows, rows, estimator.max_iter, checked.dtype)
    found = minimise(
        trainer, checked.counted, tol=estimator.tol, max_iter=estimator.max_iter,
        max_fun=estimator.max_fun,
    )  # fmt: skip
    _set_parameters(estimator, network, trainer.buffers.theta, trainer.buffers.running)
    estimator.n_iter_, estimator.loss_ = found.iterations, found.loss
    estimator.t_ = 0
    for name in _OF_EPOCHS:  # which an earlier fit may have had
        estimator.__dict__.pop(name, None)
    said: tuple[str, ...] = ()
    estimator.end_ = "tolerance" if found.converged else "epochs"
    if found.interrupted:
        estimator.end_, said = "interrupt", (messages.interrupted(found.iterations),)
    elif not np.isfinite(found.loss):
        raise messages.not_finite(found.loss)
    elif not found.converged:
        said = (messages.out_of_iterations(found.message),)
    estimator.warnings_ = said


def _by_batches(
    estimator: SoftmaxNetwork,
    checked: CheckedRows | RowsOfBlocks,
    network: Network,
    held: HeldOut | None,
    random: np.random.RandomState,
    *,
    incremental: bool,
) -> None:
    visits, apart = checked.visits(
        estimator, random, apart=bool(estimator.early_stopping) and held is None
    )
    held = apart if held is None else held
    size = estimator.batch_size
    if not isinstance(size, str) and size > visits.rows:
        message = "Got `batch_size` larger than the number of rows. It is going to be clipped"
        warnings.warn(message, stacklevel=6)
    if incremental and estimator.checkpoint is not None:
        raise InputError("checkpoint", "None in partial_fit", repr(estimator.checkpoint), "use fit")
    epochs = 1 if incremental else estimator.max_iter
    trainer = _trainer(estimator, network, NO_ROWS, visits.rows, epochs, checked.dtype)
    record: Record = getattr(estimator, "_record", None) or Record()
    optimizer = _optimizer(estimator, trainer, random, goes_on=incremental)
    file = training_file(estimator, checked, held, trainer, record, optimizer.rate, random)
    resumed = file is not None and file.go_on(visits)
    train(
        trainer, visits, record, optimizer.rate,
        _rules(estimator, optimizer.seed, incremental=incremental), random, resumed=resumed,
        score=None if held is None else _scorer(network, held),
        say=_say if estimator.verbose else None,
        after_epoch=_after_epoch(estimator, network, trainer, record, file),
    )  # fmt: skip
    estimator._record, estimator._optimizer = record, optimizer
    if record.explosion is not None and record.best_theta is None:
        raise messages.nothing_kept(record.explosion, estimator.learning_rate_init)
    _set_parameters(estimator, network, parameters(trainer), trainer.buffers.running)
    _set_record(estimator, record)


def _optimizer(
    estimator: SoftmaxNetwork, trainer: Trainer, random: np.random.RandomState, *, goes_on: bool
) -> Optimizer:
    """The rate and the moments: of the last `partial_fit`, or new."""
    buffers, method = trainer.buffers, trainer.settings.method
    before: Any = getattr(estimator, "_optimizer", None)
    initial_rate = float(estimator.learning_rate_init)
    if goes_on and before is not None and before.rate.method == method:
        before.rate.begin_at(initial_rate)
        for name in ("first", "second", "average"):
            if getattr(before, name).size == getattr(buffers, name).size:
                getattr(buffers, name)[:] = getattr(before, name)
        if buffers.average.size and before.average.size:
            buffers.theta[:] = before.theta
        return Optimizer(
            before.rate, before.seed, buffers.theta, buffers.first, buffers.second, buffers.average
        )
    if buffers.average.size:
        buffers.average[:] = buffers.theta
    rate = LearningRate(
        initial_rate, estimator.learning_rate, float(estimator.power_t), method, initial_rate
    )
    seed = int(random.randint(2**31)) if estimator.dropout > 0 else 0
    return Optimizer(rate, seed, buffers.theta, buffers.first, buffers.second, buffers.average)


def _rules(estimator: SoftmaxNetwork, seed: int, *, incremental: bool) -> Rules:
    return Rules(
        max_epochs=estimator.max_iter,
        tol=float(estimator.tol),
        patience=float(estimator.n_iter_no_change),
        shuffle=bool(estimator.shuffle),
        early_stopping=bool(estimator.early_stopping),
        together=int(estimator.average_gradients),
        averaging=float(estimator.average_weights),
        seed=seed,
        one_epoch=incremental,
        by_loss=estimator.early_stopping == "loss",
    )


def _scorer(network: Network, held: HeldOut) -> Any:
    """A function that scores parameters on the rows held out."""

    def score(theta: Array, running: Array) -> Score:
        N, K = held.X.shape[0], max(network.units[-1], 2)
        right, losses = np.empty(N, bool), np.empty(N)
        for rows in row_chunks(N, 8 * (network.units[0] + 4 * K), _WORKSPACE):
            z = _logits(network, theta, running, held.X[rows])
            z = z if z.shape[1] > 1 else np.concatenate([np.zeros_like(z), z], axis=1)
            if not np.isfinite(z).all():
                return Score(math.nan, math.nan)
            target = held.indices[rows]
            right[rows] = z.argmax(axis=1) == _labels(target)
            if target.ndim == 2:
                target = target.astype(z.dtype, copy=False)  # q of float64 beside X of float32
            losses[rows] = ops.cross_entropy(z, target, reduction="none")
        return Score(
            float(np.average(right, weights=held.weight)),
            float(np.average(losses, weights=held.weight)),
        )

    return score


def _after_epoch(
    estimator: SoftmaxNetwork,
    network: Network,
    trainer: Trainer,
    record: Record,
    file: TrainingFile | None,
) -> Any:
    """What tells `progress` of each epoch and writes checkpoints; None where neither is there."""
    tell, began = estimator.progress, time.perf_counter()
    if tell is None and file is None:
        return None

    def told(order: Array) -> None:
        done = record.end == "tolerance" or record.epochs >= estimator.max_iter
        if file is not None:
            file.keep(order, now=done)
        if tell is None:
            return
        try:
            tell(_epoch(network, trainer, record, time.perf_counter() - began))
        except KeyboardInterrupt:
            if file is not None:
                file.keep(order, now=True)
            raise

    return told


def _epoch(network: Network, trainer: Trainer, record: Record, seconds: float) -> Epoch:
    theta, running = parameters(trainer), trainer.buffers.running
    held = bool(record.scores)
    return Epoch(
        record.epochs,
        record.losses[-1],
        record.scores[-1] if held else math.nan,
        record.validation_losses[-1] if held else math.nan,
        seconds,
        network.matrices(theta),
        network.vectors(theta),
        level_norms(network, theta, running),
    )


def _labels(indices: Array) -> Array:
    return indices.argmax(axis=1) if indices.ndim == 2 else indices


def _set_parameters(
    estimator: SoftmaxNetwork, network: Network, theta: Array, running: Array
) -> None:
    estimator.coefs_ = []  # the former ones go before the new ones take their memory
    estimator.coefs_ = [W.copy() for W in network.matrices(theta)]
    estimator.intercepts_ = [b.copy() for b in network.vectors(theta)]
    estimator.norms_ = level_norms(network, theta, running)


def _set_record(estimator: SoftmaxNetwork, record: Record) -> None:
    early = estimator.early_stopping
    estimator.n_iter_, estimator.t_ = record.epochs, record.rows_seen
    estimator.loss_curve_ = record.losses
    estimator.loss_ = record.losses[-1] if record.losses else math.nan
    estimator.best_loss_ = None if early else record.best_loss
    estimator.validation_scores_ = record.scores or None
    estimator.validation_losses_ = record.validation_losses or None
    estimator.best_validation_score_ = max(record.scores, default=None)
    if early == "loss" and record.scores:
        kept = int(np.argmin(record.validation_losses))
        estimator.best_validation_score_ = record.scores[kept]
    estimator.end_ = record.end
    said: tuple[str, ...] = ()
    if record.explosion is not None:
        said = (messages.exploded(record.explosion, estimator.learning_rate_init),)
    elif record.end == "interrupt":
        said = (messages.interrupted(record.epochs),)
    elif record.end == "epochs":
        said = (messages.out_of_epochs(estimator.max_iter),)
    estimator.warnings_ = said + _rise(estimator, record)


def _rise(estimator: SoftmaxNetwork, record: Record) -> tuple[str, ...]:
    """What there is to say of a loss that rose, above that of weights of 0."""
    if record.end not in ("epochs", "tolerance") or not record.epochs:
        return ()
    first, last = record.losses[-record.epochs], record.losses[-1]
    equal = math.log(len(estimator.classes_))
    if last <= max(first, equal):
        return ()
    return (messages.worse_than_equal(last, first, equal, estimator.learning_rate_init),)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
