"""Networks to be trained in tests: every option alone and beside others."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from pminusy.training.network.caller import Trainer
from pminusy.training.network.data import ADAM, SGD, Settings, buffers_for, rows_of
from pminusy.training.network.layout import Network, layout_of
from pminusy.training.network.schedule import LearningRate, part_of, schedule_for
from pminusy.training.sources.arrays import make_targets


class Case(NamedTuple):
    """A network and how it is trained."""

    units: tuple[int, ...] = (12, 20, 15, 4)
    activation: str = "relu"
    normalised: tuple[int, ...] = ()
    method: int = ADAM
    batch: int = 50
    rows: int = 170
    sparse: bool = False
    soft: bool = False
    weighted: bool = False
    smoothing: float = 0.0
    nesterov: bool = True
    dropout: float = 0.0
    clip: float = np.inf
    together: int = 1
    averaging: float = 0.0
    alpha: float = 0.01
    rate: float = 0.01
    dtype: Any = np.float64


CASES = {
    "identity": Case(activation="identity"),
    "logistic": Case(activation="logistic"),
    "tanh": Case(activation="tanh"),
    "relu": Case(),
    "gelu": Case(activation="gelu"),
    "no hidden layer": Case(units=(12, 4)),
    "two classes": Case(units=(12, 20, 1), weighted=True),
    "two classes, soft": Case(units=(12, 20, 1), soft=True, smoothing=0.1),
    "soft": Case(soft=True, weighted=True),
    "weighted, smoothed": Case(weighted=True, smoothing=0.2),
    "sparse": Case(sparse=True, activation="tanh"),
    "momentum": Case(method=SGD, nesterov=False),
    "nesterov": Case(method=SGD),
    "clipped": Case(clip=0.05),
    "dropout": Case(dropout=0.3, activation="tanh"),
    "two batches a step": Case(together=2),
    "averaged": Case(averaging=0.9),
    "batch norm": Case(normalised=(1, 2), method=SGD),
    "batch norm of inputs": Case(normalised=(0, 1), method=SGD, activation="gelu"),
    "everything": Case(
        normalised=(0, 1, 2), method=SGD, activation="gelu", dropout=0.2, clip=0.1, together=2,
        averaging=0.9, weighted=True, soft=True, smoothing=0.1,
    ),
    "many tasks": Case(units=(90, 150, 120, 30), rows=900, batch=300, dropout=0.1, clip=1.0),
}  # fmt: skip


def made(case: Case, seed: int = 0) -> tuple[Trainer, np.ndarray]:
    """A trainer at random parameters, and what each row counts."""
    random = np.random.default_rng(seed)
    network = Network(case.units, case.activation, case.normalised)
    layout = layout_of(network, case.batch)
    K = max(case.units[-1], 2)
    X = random.normal(size=(case.rows, case.units[0]))
    if case.sparse:
        X *= random.random(X.shape) < 0.3
    soft, labels = random.dirichlet(np.ones(K), case.rows), random.integers(0, K, case.rows)
    y = soft if case.soft else labels
    omega = random.random(case.rows) if case.weighted else np.ones(case.rows)
    targets = make_targets(y, K, sample_weight=omega, label_smoothing=case.smoothing)
    X = X.astype(case.dtype)
    rows = rows_of(sp.csr_array(X) if case.sparse else X, targets, case.dtype)
    settings = Settings(
        case.method, case.alpha, 0.9, 0.999, 1e-8, 0.9, case.nesterov, case.dropout, case.clip,
        0.1, 1e-5,
    )  # fmt: skip
    buffers = buffers_for(
        network, layout, case.dtype, method=case.method, average=case.averaging > 0,
        dropout=case.dropout,
    )  # fmt: skip
    buffers.theta[:] = random.normal(size=network.size) * 0.3
    for gamma in network.gammas:
        buffers.theta[gamma] += 1
    if buffers.average.size:
        buffers.average[:] = buffers.theta
    return Trainer(network, layout, rows, buffers, settings, 1e12), omega


def epochs(trainer: Trainer, counted: np.ndarray, case: Case, count: int = 1, **options: Any):
    """Train for some epochs in shuffled order; the schedules."""
    rate = LearningRate(case.rate, "constant", 0.5, case.method, case.rate)
    done, batches = [], 0
    for epoch in range(count):
        order = np.random.default_rng(epoch).permutation(case.rows)
        schedule = schedule_for(
            order, counted, trainer.layout, trainer.settings, rate, together=case.together,
            averaging=case.averaging, seed=7, batches=batches, **options,
        )  # fmt: skip
        for steps in trainer.stretches(schedule):
            trainer.run(part_of(schedule, steps))
        rate.taken(int(schedule.update.sum()), trainer.settings)
        batches += schedule.update.size
        done.append(schedule)
    return done
