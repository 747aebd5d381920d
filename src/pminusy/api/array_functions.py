"""The array functions, for NumPy arrays as `ops` has them and for torch tensors alike.

One name serves both: given tensors, a loss goes to `pminusy.torch` with its arguments in torch's
order and classes moved from the last axis to torch's; results are tensors. Torch is never imported
here: a tensor can only come from a program that has done so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from pminusy import ops
from pminusy.arguments import wanted
from pminusy.core.options import ARRAYS
from pminusy.errors import InputError

__all__ = [
    "cross_entropy",
    "cross_entropy_grad",
    "cross_entropy_hvp",
    "cross_entropy_outputs",
    "linear_cross_entropy",
    "linear_cross_entropy_grad",
    "linear_cross_entropy_hvp",
    "linear_cross_entropy_outputs",
    "log_softmax",
    "logsumexp",
    "softmax",
    "softmax_jacobian",
]

_NAMES = {"input": "z", "target": "y"}  # torch's, and ours
_LINEAR_NAMES = {"input": "X", "target": "y", "linear_weight": "W", "linear_bias": "b"}

P = ParamSpec("P")
R = TypeVar("R")


def _for_tensors_too(function: Callable[P, R], by_torch: Callable[..., Any]) -> Callable[P, R]:
    """`function` for arrays; `by_torch` where an argument is a tensor."""

    @wraps(function)
    def call(*arguments: P.args, **named: P.kwargs) -> R:
        torch = sys.modules.get("torch")
        tensor = getattr(torch, "Tensor", ())
        if torch is None or not any(isinstance(a, tensor) for a in (*arguments, *named.values())):
            return function(*arguments, **named)
        try:
            return by_torch(torch, *arguments, **named)  # type: ignore[no-any-return]  # of tensors
        except InputError as error:
            raise _in_our_names(error, linear="linear" in function.__name__) from None

    return call


def _in_our_names(error: InputError, linear: bool) -> InputError:
    """The same error, about the arguments by the names that they have here."""
    names = _LINEAR_NAMES if linear else _NAMES
    torchs, bracket, entry = error.what.partition("[")
    what = names.get(torchs, torchs) + bracket + entry
    return InputError(what, error.expected, error.got, error.remedy)


def _cross_entropy(torch: Any, z: Any, y: Any, **options: Any) -> Any:
    from pminusy.torch import cross_entropy

    return cross_entropy(*_in_torchs_order(torch, z, y, options), **options)


def _cross_entropy_outputs(torch: Any, z: Any, y: Any, **options: Any) -> Any:
    from pminusy.torch import cross_entropy_outputs

    return cross_entropy_outputs(*_in_torchs_order(torch, z, y, options), **options)


def _in_torchs_order(torch: Any, z: Any, y: Any, options: dict[str, Any]) -> tuple[Any, Any]:
    """Logits and targets, classes second; `options` become those that torch's form takes."""
    axis, where = options.pop("axis", -1), options.pop("where", None)
    _tensor(torch, "z", z)
    y, tensors = _beside(torch, z, y, options)
    if axis != -1 or where is not None:
        from pminusy.torch.along import along

        z, y, tensors = along(z, y, axis, where, tensors)
    options.clear()
    options.update(tensors)
    soft = y.shape == z.shape and z.dim() > 2
    return _classes_second(z), _classes_second(y) if soft else y


def _cross_entropy_grad(
    torch: Any, z: Any, y: Any, *, grad_output: Any = None, out: Any = None, **options: Any
) -> Any:
    _nowhere(out)
    _tensor(torch, "z", z)
    with torch.enable_grad():
        leaf = z.detach().requires_grad_()
        loss = _cross_entropy(torch, leaf, y, **options)
        (dL_dz,) = torch.autograd.grad(loss, leaf, _upstream(torch, loss, grad_output))
    return ops.LossAndGradient(loss.detach(), dL_dz)


def _cross_entropy_hvp(
    torch: Any, z: Any, y: Any, v: Any, *, grad_output: Any = None, out: Any = None, **options: Any
) -> Any:
    _nowhere(out)
    _tensor(torch, "z", z)
    _tensor(torch, "v", v)
    with torch.enable_grad():
        leaf = z.detach().requires_grad_()
        loss = _cross_entropy(torch, leaf, y, **options)
        upstream = _upstream(torch, loss, grad_output)
        (dL_dz,) = torch.autograd.grad(loss, leaf, upstream, create_graph=True)
        return torch.autograd.grad(dL_dz, leaf, v)[0]


def _linear_cross_entropy(torch: Any, X: Any, W: Any, b: Any, y: Any, **options: Any) -> Any:
    from pminusy.torch import linear_cross_entropy

    return _of_layer(linear_cross_entropy, torch, (X, W, b, y), options)


def _linear_cross_entropy_outputs(
    torch: Any, X: Any, W: Any, b: Any, y: Any, **options: Any
) -> Any:
    from pminusy.torch import linear_cross_entropy_outputs

    return _of_layer(linear_cross_entropy_outputs, torch, (X, W, b, y), options)


def _of_layer(function: Any, torch: Any, layer: tuple[Any, ...], options: dict[str, Any]) -> Any:
    X, W, b, y = layer
    for name, value in (("X", X), ("W", W), ("b", b)):
        if value is not None:
            _tensor(torch, name, value)
    y, options = _beside(torch, X, y, options)
    return function(X, W, y, linear_bias=b, **options)


def _linear_cross_entropy_grad(
    torch: Any,
    X: Any,
    W: Any,
    b: Any,
    y: Any,
    *,
    wrt: tuple[str, ...] = ("X", "W", "b"),
    grad_output: Any = None,
    **options: Any,
) -> Any:
    wanted(wrt)
    with torch.enable_grad():
        parts = {
            name: value if value is None else value.detach().requires_grad_(name in wrt)
            for name, value in (("X", X), ("W", W), ("b", b))
            if value is None or _tensor(torch, name, value)
        }
        loss = _linear_cross_entropy(torch, parts["X"], parts["W"], parts["b"], y, **options)
        leaves = {name: t for name, t in parts.items() if t is not None and name in wrt}
        upstream = _upstream(torch, loss, grad_output)
        found = torch.autograd.grad(loss, list(leaves.values()), upstream) if leaves else ()
    gradients = dict(zip(leaves, found, strict=True))
    return ops.LinearGradient(loss.detach(), *(gradients.get(name) for name in ("X", "W", "b")))


def _refused(name: str, remedy: str) -> Callable[..., Any]:
    def refuse(torch: Any, *arguments: Any, **named: Any) -> Any:
        raise InputError(name, "NumPy arrays", "a torch tensor", remedy)

    return refuse


def _tensor(torch: Any, name: str, value: Any) -> bool:
    if not isinstance(value, torch.Tensor):
        remedy = "convert it with torch.as_tensor, or all others to NumPy"
        raise InputError(name, "a torch tensor, as others are", type(value).__name__, remedy)
    if not value.is_floating_point():
        raise InputError(name, "a floating type", str(value.dtype), "convert it with .to")
    return True


def _beside(torch: Any, z: Any, y: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Targets and weights as tensors: lists and arrays go where z is."""
    tensors = dict(options)
    for option in ARRAYS:
        value = tensors.get(option.name)
        if value is not None and not isinstance(value, torch.Tensor):
            tensors[option.name] = torch.as_tensor(np.asarray(value), device=z.device)
    if not isinstance(y, torch.Tensor):
        y = torch.as_tensor(np.asarray(y), device=z.device)
    return y, tensors


def _classes_second(tensor: Any) -> Any:
    """(…, K) as torch has it: (N, K, d1, …)."""
    return tensor.movedim(-1, 1) if tensor.dim() > 2 else tensor


def _upstream(torch: Any, loss: Any, grad_output: Any) -> Any:
    """What the gradient of the losses is multiplied by."""
    if grad_output is None:
        return torch.ones_like(loss)
    if loss.dim() == 0:
        remedy = 'pass reduction="none", or multiply the gradient yourself'
        raise InputError("grad_output", 'nothing unless reduction="none"', "an array", remedy)
    return torch.as_tensor(grad_output, dtype=loss.dtype, device=loss.device)


def _nowhere(out: Any) -> None:
    if out is not None:
        raise InputError("out", "None where there are tensors", type(out).__name__)


cross_entropy = _for_tensors_too(ops.cross_entropy, _cross_entropy)
cross_entropy_grad = _for_tensors_too(ops.cross_entropy_grad, _cross_entropy_grad)
cross_entropy_hvp = _for_tensors_too(ops.cross_entropy_hvp, _cross_entropy_hvp)
cross_entropy_outputs = _for_tensors_too(ops.cross_entropy_outputs, _cross_entropy_outputs)
linear_cross_entropy_outputs = _for_tensors_too(
    ops.linear_cross_entropy_outputs, _linear_cross_entropy_outputs
)
linear_cross_entropy = _for_tensors_too(ops.linear_cross_entropy, _linear_cross_entropy)
linear_cross_entropy_grad = _for_tensors_too(
    ops.linear_cross_entropy_grad, _linear_cross_entropy_grad
)
linear_cross_entropy_hvp = _for_tensors_too(
    ops.linear_cross_entropy_hvp,
    _refused("linear_cross_entropy_hvp", "pass .numpy(force=True), or use torch.func.jvp"),
)
softmax = _for_tensors_too(ops.softmax, _refused("z", "use torch.softmax, or pass z.numpy()"))
log_softmax = _for_tensors_too(
    ops.log_softmax, _refused("z", "use torch.log_softmax, or pass z.numpy()")
)
logsumexp = _for_tensors_too(ops.logsumexp, _refused("z", "use torch.logsumexp, or pass z.numpy()"))
softmax_jacobian = _for_tensors_too(
    ops.softmax_jacobian, _refused("z", "use torch.func.jacrev of torch.softmax, or pass z.numpy()")
)
