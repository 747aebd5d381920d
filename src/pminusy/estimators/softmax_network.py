"""A network in front of the head, with the interface of scikit-learn's `MLPClassifier`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from os import PathLike
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from pminusy import ops
from pminusy.errors import InputError
from pminusy.estimators.network.fitting import begin, fit_network, network_logits
from pminusy.estimators.network.inputs import input_parts
from pminusy.estimators.network.rows import CheckedRows, checked_rows, held_out
from pminusy.estimators.network.shape import checked_network, hidden_units
from pminusy.estimators.network.streamed import RowsOfBlocks, training_rows
from pminusy.estimators.parameters.checked import CheckedParameters
from pminusy.estimators.parameters.constraints import SOFTMAX_NETWORK
from pminusy.estimators.rows import MEMORY
from pminusy.estimators.streams.blocks import Blocks, in_memory, refuse_beside
from pminusy.estimators.streams.scoring import accuracy_of_blocks
from pminusy.extras import needing_extra
from pminusy.training.checkpoints import SECONDS
from pminusy.training.network.hidden import LevelNorm
from pminusy.training.network.record import Epoch

__all__ = ["SoftmaxNetwork"]

Array = NDArray[Any]


def _takes_batches(self: SoftmaxNetwork) -> bool:
    """Whether the solver is one of mini-batches."""
    if self.solver == "lbfgs":
        raise AttributeError("partial_fit needs mini-batches, and solver='lbfgs' has none")
    return True


class SoftmaxNetwork(CheckedParameters, ClassifierMixin, BaseEstimator):
    """Linear layers with activations, then softmax cross-entropy: scikit-learn's `MLPClassifier`.

    Minimises mean_i ω_i L_i + α/(2 Σ ω) Σ ‖W‖² by mini-batches (Adam or SGD) or L-BFGS. All
    parameters of `MLPClassifier` are here, and from one `random_state` come the same initial
    weights, the same batches and, but for rounding, the same network. float32 X is trained in
    float32. A seed gives the same bits on any number of threads.

    Parameters
    ----------
    hidden_layer_sizes
        Units of each hidden layer; a number for one layer, () for none.
    activation
        "relu", "tanh", "logistic", "identity" or "gelu".
    solver
        "adam", "sgd" or "lbfgs".
    alpha
        Ridge penalty on the weights (not on biases), divided by the rows of a batch.
    batch_size
        Rows a step; "auto" is the smaller of 200 and all.
    learning_rate, power_t
        For SGD: "constant", "invscaling" (learning_rate_init / t^power_t), or "adaptive" (a fifth
        whenever training stops improving).
    learning_rate_init
        Learning rate to begin with.
    max_iter
        Largest number of epochs, or of iterations of L-BFGS.
    shuffle
        Whether rows come in a new order in each epoch.
    random_state
        Seed of the initial weights, the order of rows, the rows held out and dropout.
    tol, n_iter_no_change
        Training stops when the loss (the validation score with early stopping) has not improved by
        tol for more than so many epochs.
    verbose
        Whether to print the loss of each epoch.
    warm_start
        Begin at the weights of the last `fit`.
    momentum, nesterovs_momentum
        Of SGD.
    early_stopping, validation_fraction
        Hold out this share of the rows (or use `eval_set` of `fit`), stop when the score on them
        no longer improves, and keep the best weights. The score is the accuracy; "loss" goes by
        the log loss instead.
    beta_1, beta_2, epsilon
        Of Adam.
    max_fun
        Largest number of visits to the data by L-BFGS.
    dropout
        Share of the hidden units dropped in each step, the others divided by 1 − dropout.
    batch_norm
        True for batch norm between each hidden layer and its activation; "inputs" for the inputs
        too.
    class_weight
        None, "balanced", or a weight for each label.
    label_smoothing
        ε in [0, 1]: this share of each row's mass is spread evenly over the classes.
    average_weights
        Above 0, the network is the average of its weights over the steps, of which the last
        1 / (1 − average_weights) count most.
    clip_norm
        Gradients of a larger norm are scaled down to it; None for no limit.
    average_gradients
        Number of batches whose gradients make one step.
    progress
        Called after each epoch with a named tuple: number, loss, validation_score,
        validation_loss, seconds, coefs, intercepts, norms. It may raise
        `KeyboardInterrupt`, which ends training there with the best so far.
    checkpoint, checkpoint_seconds
        A file to which training is written after an epoch, at most every so many seconds, and from
        which it goes on where there is one, to the same bits. Needs a `random_state` that is a
        whole number; other data or options are refused.
    restart
        Whether a checkpoint that is there is replaced, and not gone on from.
    memory
        Bytes that the rows may take, with all that is made of them, where X is not an array in
        memory: `Blocks`, np.memmap, zarr … What it does not hold is read anew in each epoch.
        Parameters with their moments, and activations, come on top.

    Attributes
    ----------
    classes_
        Labels (K,), sorted; 0 … K − 1 for soft targets.
    coefs_, intercepts_
        Weights (in, out) and bias (out,) of each layer. Two classes have one output.
    norms_
        Batch norm of each normalised level: γ, β, running mean and variance.
    loss_, best_loss_, loss_curve_
        Last and best loss, and the loss of each epoch, penalty included.
    validation_scores_, best_validation_score_
        Accuracy on the rows held out, each epoch and best; None without such rows.
    validation_losses_
        Log loss on them, each epoch. After "lbfgs", which has no epochs, this and the four of
        losses and scores by epoch are absent, as in scikit-learn.
    n_iter_, t_
        Epochs (or iterations) of the last fit; rows seen by the steps.
    n_layers_, n_outputs_, out_activation_
        Levels of units, outputs, and "softmax" ("logistic" for two classes).
    end_
        Why training ended: "tolerance", "epochs", "interrupt" or "explosion".
    warnings_
        What the fit has to say, a sentence each.

    Examples
    --------
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["same", "not", "not", "same"]
    >>> net = SoftmaxNetwork((8,), activation="tanh", solver="lbfgs", random_state=0).fit(X, y)
    >>> net.predict(X)
    array(['same', 'not', 'not', 'same'], dtype='<U4')

    References
    ----------
    Kingma & Ba 2015 (Adam); Sutskever et al. 2013 (Nesterov's momentum); Srivastava et al. 2014
    (dropout); Ioffe & Szegedy 2015 (batch norm); Glorot & Bengio 2010 (initial weights).
    """

    classes_: Array
    coefs_: list[Array]
    intercepts_: list[Array]
    norms_: tuple[LevelNorm, ...]
    warnings_: tuple[str, ...]
    _optimizer: Any  # `network.fitting.Optimizer`, once there were steps
    _parameter_constraints = SOFTMAX_NETWORK

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool | str = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        batch_norm: bool | str = False,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        average_weights: float = 0.0,
        clip_norm: float | None = None,
        average_gradients: int = 1,
        progress: Callable[[Epoch], Any] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_seconds: float = SECONDS,
        restart: bool = False,
        memory: int = MEMORY,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.average_weights = average_weights
        self.clip_norm = clip_norm
        self.average_gradients = average_gradients
        self.progress = progress
        self.checkpoint = checkpoint
        self.checkpoint_seconds = checkpoint_seconds
        self.restart = restart
        self.memory = memory

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: ArrayLike | Blocks,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        eval_set: Any = None,
    ) -> Self:
        """Train on inputs X (N, D) and labels y (N,) or soft targets y (N, K), rows that sum to 1.

        `eval_set`, a pair (X, y) or a triple with weights, is scored after every epoch, and
        decides when to stop with `early_stopping=True`.

        X may also be `Blocks`, which have y and the weights in them, or an array that is read by
        slices: np.memmap, zarr, h5py and their like. What `memory` does not hold is read once to
        learn the labels, and anew in each epoch: slices of an array in an order drawn for it,
        blocks in their own. A quarter of `memory` has the rows of many of them, of which steps
        take a random half before more are read. Early stopping then holds rows out by a hash of
        their number, as many as an eighth of `memory` has room for at most.
        """
        return self._train(X, y, sample_weight, eval_set=eval_set)

    @available_if(_takes_batches)  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """One epoch over the rows given; the first call needs all `classes`."""
        if self.early_stopping:
            raise InputError(
                "early_stopping",
                "False in partial_fit",
                "True: partial_fit does not support early_stopping=True",
                "use fit",
            )
        if self.class_weight == "balanced":
            raise InputError(
                "class_weight",
                "None or a weight for each label in partial_fit",
                "'balanced', which would be another in each call",
                "sklearn.utils.class_weight.compute_class_weight('balanced', ...) of all labels",
            )
        return self._train(X, y, sample_weight, known=self._named_classes(classes))

    def predict(self, X: ArrayLike | Blocks) -> Any:
        """Most probable class (N,) of each row."""
        best = self._asked(X, lambda z: _two_columns(z).argmax(axis=1))
        return self.classes_[best]

    def predict_proba(self, X: ArrayLike | Blocks) -> Array:
        """Probabilities (N, K) of the classes."""
        return self._asked(X, lambda z: ops.softmax(_two_columns(z)))

    def predict_log_proba(self, X: ArrayLike | Blocks) -> Array:
        """Logarithms of the probabilities (N, K)."""
        return self._asked(X, lambda z: ops.log_softmax(_two_columns(z)))

    def logits(self, X: ArrayLike | Blocks) -> Array:
        """Logits (N, K); for two classes the logit (N, 1) of the second against the first."""
        return self._asked(X, lambda z: z)

    def score(
        self,
        X: ArrayLike | Blocks,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Share of the rows, or of their weight, that is predicted right.

        `Blocks` have y, and the weights, in them.
        """
        if isinstance(X, Blocks):
            refuse_beside(X, y=y, sample_weight=sample_weight)
            return accuracy_of_blocks(self.predict, X)
        return float(super().score(X, y, sample_weight))

    def to_onnx(
        self,
        path: str | PathLike[str],
        *,
        dtype: Literal["float64", "float32"] = "float64",
        opset: int | None = None,
    ) -> None:
        """Write the network as ONNX: input `X` (N, D), outputs `label` and `probabilities`.

        Dropout is not in it, as in prediction; batch norm is, with its running statistics.

        Parameters
        ----------
        path
            The file, .onnx.
        dtype
            Type of the numbers that go in and come out; arithmetic is in float64.
        opset
            Version of ONNX's operators, 13 or later; 17 where not given.

        Raises
        ------
        InputError
            Another suffix, an unknown type or version; classes that are no text, numbers or truth
            values; more than 2 GB; a place that cannot be written; onnx is not installed.

        Examples
        --------
        >>> import numpy as np, pminusy as pmy
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> clf = pmy.SoftmaxNetwork(8, random_state=0, max_iter=500).fit(X, X[:, 0] > 0)
        >>> clf.to_onnx("network.onnx")  # doctest: +SKIP

        References
        ----------
        onnx.ai.
        """
        check_is_fitted(self, "coefs_")
        with needing_extra():
            from pminusy.exchange.network import Layers, write_network
        scaled = {norm.level: norm.factor_and_summand() for norm in self.norms_}
        layers = Layers(self.coefs_, self.intercepts_, self.activation, scaled)
        write_network(path, layers, self.classes_, dtype, opset)

    def _named_classes(self, classes: ArrayLike | None) -> Array:
        """The classes of `partial_fit`: named in the first call, and the same later."""
        known: Any = getattr(self, "classes_", None)
        named: Any = None if classes is None else np.unique(np.asarray(classes))
        if known is None:
            if named is None:
                raise InputError("classes", "all labels in the first call of partial_fit", "None")
            return np.asarray(named)
        if named is not None and not np.array_equal(named, known):
            raise InputError("classes", f"those of the first call, {known}", f"{named}")
        return np.asarray(known)

    def _train(
        self,
        X: ArrayLike | Blocks,
        y: ArrayLike | None,
        sample_weight: ArrayLike | None,
        *,
        eval_set: Any = None,
        known: Array | None = None,
    ) -> Self:
        """Train; `known` are the classes of `partial_fit`, which visits the rows once."""
        hidden_units(self.hidden_layer_sizes)
        incremental = known is not None
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        checked: CheckedRows | RowsOfBlocks
        if incremental:
            checked = checked_rows(self, _one_batch(X), y, sample_weight, known, reset=first)
        else:
            checked = training_rows(self, X, y, sample_weight, first=first)
        held = None if eval_set is None else held_out(self, eval_set, checked.classes)
        network = checked_network(self, checked, goes_on=not first)
        self.classes_ = checked.classes
        random = check_random_state(self.random_state)
        if first:
            begin(self, network, random, checked.dtype)
        fit_network(self, checked, network, held, random, incremental=incremental)
        for message in self.warnings_:
            warnings.warn(message, ConvergenceWarning, stacklevel=4)
        return self

    def _check_parameters(self) -> None:
        """Every check is one of `_parameter_constraints`, or needs the data."""

    def _asked(self, X: ArrayLike | Blocks, what: Callable[[Array], Any]) -> Array:
        """`what` of the logits, some rows after others where they are read."""
        check_is_fitted(self, "coefs_")
        found = [np.asarray(what(network_logits(self, part))) for part in input_parts(self, X)]
        return found[0] if len(found) == 1 else np.concatenate(found)


def _one_batch(X: Any) -> Any:
    """X of `partial_fit`, which sees its rows once."""
    if isinstance(X, Blocks):
        raise InputError("X", "rows of one batch", "Blocks", "use fit, or loop over the blocks")
    return in_memory(X)


def _two_columns(z: Array) -> Array:
    return z if z.shape[1] > 1 else np.concatenate([np.zeros_like(z), z], axis=1)
