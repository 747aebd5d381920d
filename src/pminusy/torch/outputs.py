"""Beside a loss of tensors, by demand: lse that is differentiable, token accuracy, entropy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pminusy.core.options import Options
from pminusy.core.transform import transformed
from pminusy.errors import InputError
from pminusy.kernels.dispatch import of_all_logits
from pminusy.ops.outputs import OUTPUTS, LossOutputs, asked
from pminusy.ops.probabilities import log_sums
from pminusy.torch import plain
from pminusy.torch.arrays import array, by_kernels, traced
from pminusy.torch.linear import autocast_type, device_workspace, linear_cross_entropy
from pminusy.torch.loss import FEWEST_CLASSES, as_rows, class_axis, cross_entropy

__all__ = ["cross_entropy_outputs", "linear_cross_entropy_outputs"]

_EACH = Options(reduction="none")


def cross_entropy_outputs(
    input: Tensor,  # noqa: A002  # torch's name
    target: Tensor,
    weight: Tensor | None = None,
    *,
    outputs: Iterable[str] = OUTPUTS,
    **options: Any,
) -> LossOutputs:
    """Loss of logits, and lse, token accuracy and entropy beside it.

    Gradients flow through the loss and through lse; token accuracy and entropy are detached. Rows
    that are ignored, or whose sample weight is 0, do not count. Sample weights weigh both means;
    class weights, smoothing and `num_items` are for the loss alone.

    Parameters
    ----------
    input, target, weight, **options
        As `cross_entropy`.
    outputs
        What to compute, of "lse", "token_accuracy" and "entropy".

    Returns
    -------
    LossOutputs
        The loss; lse, of its shape with `reduction="none"`, in float32 for half types; token
        accuracy and entropy, means or, with `reduction="none"`, one a target. None for what was not
        asked for.

    Raises
    ------
    InputError
        As `cross_entropy`; a name in `outputs` that there is not.

    Examples
    --------
    >>> found = cross_entropy_outputs(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0]))
    >>> found.token_accuracy.item()
    0.5

    References
    ----------
    As `pminusy.cross_entropy_outputs`.
    """
    names = asked(outputs)
    loss = cross_entropy(input, target, weight, **options)
    axis = class_axis(input)
    K, shape = input.shape[axis], input.shape[:axis] + input.shape[axis + 1 :]
    rows = _Rows.of(target, shape, input.shape, axis, options)
    z = as_rows(input, axis, K)
    found = _of_logits(z, rows.counts, options, names, traced(input, target))
    return rows.put_together(loss, found, names)


def linear_cross_entropy_outputs(
    input: Tensor,  # noqa: A002  # torch's name
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    outputs: Iterable[str] = OUTPUTS,
    workspace: int | None = None,
    **options: Any,
) -> LossOutputs:
    """Loss of a linear layer, and lse, token accuracy and entropy beside it.

    What is beside the loss takes one more product of inputs and weights, and lse two more where a
    gradient comes back into it; logits of all rows are not held, but for code that torch compiles
    or transforms and for second derivatives.

    Parameters
    ----------
    input, linear_weight, target, linear_bias, workspace, **options
        As `linear_cross_entropy`, with weights (K, D).
    outputs
        As `cross_entropy_outputs`.

    Returns
    -------
    LossOutputs
        As `cross_entropy_outputs`.

    Raises
    ------
    InputError
        As `linear_cross_entropy`; weights of a layer at each position.

    Examples
    --------
    >>> x, W = torch.ones(1, 1), torch.tensor([[2.0], [0.0]])
    >>> linear_cross_entropy_outputs(x, W, torch.tensor([0])).lse
    tensor([2.1269])

    References
    ----------
    As `pminusy.cross_entropy_outputs`.
    """
    names = asked(outputs)
    if isinstance(linear_weight, Tensor) and linear_weight.dim() > 2:
        remedy = "take the outputs of each position by a call of its own"
        got = f"shape {tuple(linear_weight.shape)}"
        raise InputError("linear_weight", "shape (K, D) with outputs", got, remedy)
    loss = linear_cross_entropy(
        input, linear_weight, target, linear_bias=linear_bias, workspace=workspace, **options
    )
    if options.get("ignore_index", 0) is None:
        options = {**options, "ignore_index": -100}
    shape = input.shape[:-1]
    K, D = linear_weight.shape
    rows = _Rows.of(target, shape, torch.Size((*shape, K)), -1, options)
    X = input.reshape(-1 if D else shape.numel(), D)
    parts = (X, linear_weight, linear_bias)
    if traced(input, linear_weight, target) or K < FEWEST_CLASSES or D == 0:
        z = torch.nn.functional.linear(*parts)
        found = _of_logits(z, rows.counts, options, names, by_torch=True)
        return rows.put_together(loss, found, names)
    room = device_workspace(workspace, X.device.type)
    call = _LayerCall(rows.counts, options, names, room, autocast_type(X))
    lse, top, entropy = _OfLayer.apply(*parts, call)  # type: ignore[no-untyped-call]  # untyped
    return rows.put_together(loss, _OfRows(lse, top, entropy), names)


class _OfRows(NamedTuple):
    """What logits (N, K) alone say, empty where it was not asked for; twin: `ops.outputs`."""

    lse: Tensor
    top: Tensor
    entropy: Tensor


class _Rows(NamedTuple):
    """Labels (N,), which rows count (N,), what they weigh, and the shape they have."""

    labels: Tensor
    counts: Tensor
    weights: Tensor
    shape: torch.Size
    each: bool

    @classmethod
    def of(
        cls, target: Tensor, shape: torch.Size, logits: torch.Size, axis: int, options: Any
    ) -> _Rows:
        """Of targets that the loss has checked."""
        soft = target.shape == logits
        labels = target.argmax(axis) if soft else target.long()
        labels = labels.reshape(-1)
        weights = options.get("sample_weight")
        weights = torch.ones_like(labels) if weights is None else weights.reshape(-1)
        counts = weights > 0
        if not soft:
            counts = counts & (labels != options.get("ignore_index", -100))
        each = options.get("reduction", "mean") == "none"
        return cls(labels, counts, weights, shape, each)

    def put_together(self, loss: Tensor, found: _OfRows, names: tuple[str, ...]) -> LossOutputs:
        """The outputs, in the shape of the losses or as means."""
        right = (found.top == self.labels) if "token_accuracy" in names else found.top
        return LossOutputs(
            loss,
            found.lse.reshape(self.shape) if "lse" in names else None,
            self._mean(right.to(found.lse.dtype)) if "token_accuracy" in names else None,
            self._mean(found.entropy) if "entropy" in names else None,
        )

    def _mean(self, values: Tensor) -> Tensor:
        values = torch.where(self.counts, values.detach(), 0.0)
        if self.each:
            return values.reshape(self.shape)
        weights = torch.where(self.counts, self.weights.double(), 0.0)
        total = weights.sum()
        mean = (values.double() * weights).sum() / torch.where(total > 0, total, 1.0)
        return mean.to(values.dtype)


def _of_logits(
    u: Tensor, counts: Tensor, options: Any, names: tuple[str, ...], by_torch: bool
) -> _OfRows:
    wide = u.float() if u.dtype in (torch.float16, torch.bfloat16) else u
    settings = plain.TensorOptions(
        temperature=options.get("temperature", 1.0), softcap=options.get("softcap")
    )
    z = transformed(wide, settings, torch.tanh)
    by_torch = by_torch or not by_kernels(z) or z.shape[-1] < FEWEST_CLASSES
    nothing = z.new_empty(0)
    lse, top, entropy = nothing, nothing, nothing
    if "lse" in names:
        lse = _log_sums(z, counts) if by_torch else _LogSums.apply(z, counts)  # type: ignore[no-untyped-call]  # untyped
    with torch.no_grad():
        if "token_accuracy" in names:
            largest, top = z.max(-1)
            top = torch.where(largest.isnan(), -1, top)
        if "entropy" in names:
            entropy = _entropy_by_torch(z, counts) if by_torch else _entropy(z)
    return _OfRows(lse, top, entropy)


def _log_sums(z: Tensor, counts: Tensor) -> Tensor:
    """Lse (N,), 0 in rows that do not count, which may hold anything, as torch operations."""
    kept = torch.where(counts[:, None], z, 0.0)
    return torch.where(counts, torch.logsumexp(kept, -1), 0.0)


def _entropy_by_torch(z: Tensor, counts: Tensor) -> Tensor:
    p = torch.softmax(torch.where(counts[:, None], z, 0.0), -1)
    return plain.row_losses(z, p, p.sum(-1), 0.0)


@np.errstate(all="ignore")  # ∞ and numbers that vanish are results here
def _entropy(z: Tensor) -> Tensor:
    logits = array(z)
    head = of_all_logits(logits.shape[0], logits.shape[1], _EACH)
    return torch.from_numpy(head.cross_entropy(logits, head.softmax(logits), _EACH))


class _LogSums(torch.autograd.Function):
    """Lse of rows by kernels; its gradient is p."""

    @staticmethod
    @np.errstate(all="ignore")
    def forward(ctx: Any, z: Tensor, counts: Tensor) -> Tensor:
        ctx.save_for_backward(z, counts)
        return torch.where(counts, torch.from_numpy(log_sums(array(z))), 0.0)

    @staticmethod
    @np.errstate(all="ignore")
    def backward(ctx: Any, *grad_outputs: Any) -> tuple[Any, ...]:
        (grad_output,) = grad_outputs
        z, counts = ctx.saved_tensors
        if torch.is_grad_enabled() or traced(grad_output):
            found = plain.gradients(lambda z: _log_sums(z, counts), (z,), (True,), grad_output)
            return (*found, None)
        logits = array(z)
        p = torch.from_numpy(of_all_logits(logits.shape[0], logits.shape[1], _EACH).softmax(logits))
        return torch.where(counts[:, None], p * grad_output[:, None], 0.0), None


class _LayerCall(NamedTuple):
    """What a call asks of a layer's rows."""

    counts: Tensor
    options: Any
    names: tuple[str, ...]
    workspace: int
    compute: torch.dtype | None

    def tiles(self, X: Tensor, W: Tensor) -> list[slice]:
        """Tiles of rows whose logits and probabilities fit into the workspace."""
        step = max(1, self.workspace // (W.shape[0] * max(4, X.itemsize) * 4))
        return [slice(start, start + step) for start in range(0, X.shape[0], step)]

    def logits(self, X: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
        """Logits of some rows, of the type in which the loss has them."""
        low = self.compute or X.dtype
        bias = None if b is None else b.to(low)
        return torch.nn.functional.linear(X.to(low), W.to(low), bias)


class _OfLayer(torch.autograd.Function):
    """Lse, arg-max and entropy of the rows of a layer, tile by tile; lse is differentiable."""

    @staticmethod
    def forward(
        ctx: Any, X: Tensor, W: Tensor, b: Tensor | None, call: _LayerCall
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(X, W, b)
        ctx.call = call
        found = []
        with torch.no_grad(), torch.autocast(X.device.type, enabled=False):
            for part in call.tiles(X, W) or [slice(0, 0)]:
                z = call.logits(X[part], W, b)
                rows = call.counts[part]
                found.append(_of_logits(z, rows, call.options, call.names, by_torch=False))
        lse, top, entropy = (torch.cat(each) for each in zip(*found, strict=True))
        ctx.mark_non_differentiable(top, entropy)
        return lse, top, entropy

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> tuple[Any, ...]:
        X, W, b = ctx.saved_tensors
        call, upstream, wanted = ctx.call, grad_outputs[0], ctx.needs_input_grad[:3]
        if "lse" not in call.names:
            return None, None, None, None
        if torch.is_grad_enabled() or traced(upstream):

            def whole(X: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
                z = call.logits(X, W, b)
                return _of_logits(z, call.counts, call.options, ("lse",), by_torch=True).lse

            return (*plain.gradients(whole, (X, W, b), wanted, upstream), None)
        with torch.autocast(X.device.type, enabled=False):
            return (*_layer_gradients(X, W, b, call, upstream, wanted), None)


def _layer_gradients(
    X: Tensor, W: Tensor, b: Tensor | None, call: _LayerCall, upstream: Tensor, wanted: Any
) -> tuple[Tensor | None, ...]:
    """Gradients of Σ_i upstream_i lse_i at X, W and b; sums over rows in float32 or float64."""
    wide = torch.float64 if X.dtype == torch.float64 else torch.float32
    dX = torch.empty_like(X) if wanted[0] else None
    dW = torch.zeros(W.shape, dtype=wide, device=W.device) if wanted[1] else None
    db = torch.zeros(W.shape[:1], dtype=wide, device=W.device) if wanted[2] else None
    for part in call.tiles(X, W):
        with torch.enable_grad():
            z = call.logits(X[part].detach(), W.detach(), None if b is None else b.detach())
            z = z.to(wide).requires_grad_()
            lse = _of_logits(z, call.counts[part], call.options, ("lse",), by_torch=False).lse
        (g,) = torch.autograd.grad(lse, z, upstream[part])
        if dX is not None:
            dX[part] = (g.to(W.dtype) @ W).to(dX.dtype)
        if dW is not None:
            dW += g.T @ X[part].to(wide)
        if db is not None:
            db += g.sum(0)
    found = zip((dX, dW, db), (X, W, b), strict=True)
    return tuple(None if g is None or t is None else g.to(t.dtype) for g, t in found)
