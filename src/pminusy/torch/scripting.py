"""The losses as operators that TorchScript calls: it cannot compile the functions themselves.

A scripted module so has the same checks, options and digits. Its file needs `import pminusy.torch`
before `torch.jit.load`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pminusy.core.options import options_of
from pminusy.torch.linear import linear_cross_entropy
from pminusy.torch.loss import cross_entropy
from pminusy.torch.schema import schema_of

_BESIDE_WEIGHT = [option for option in options_of(explain=False) if option.name != "weight"]
_ORDERED = sorted(_BESIDE_WEIGHT, key=lambda option: not option.in_torch)  # torch's own come first
_NAMES = (*(option.name for option in _ORDERED), "workspace")


def _cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None, *options: Any) -> Tensor:  # noqa: A002  # torch's name
    return cross_entropy(input, target, weight, **dict(zip(_NAMES, options, strict=False)))


def _linear_cross_entropy(
    input: Tensor,  # noqa: A002  # torch's name
    linear_weight: Tensor,
    target: Tensor,
    linear_bias: Tensor | None,
    weight: Tensor | None,
    *options: Any,
) -> Tensor:
    named = dict(zip(_NAMES, options, strict=True))
    return linear_cross_entropy(
        input, linear_weight, target, linear_bias=linear_bias, weight=weight, **named
    )


def _register(name: str, function: Callable[..., Tensor], schema: str) -> None:
    """Make an operator of a loss; its gradient is that of the function, evaluated again."""
    operator = torch.library.custom_op(f"pminusy::{name}", mutates_args=(), schema=schema)(function)

    def keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*(t for t in inputs if isinstance(t, Tensor)))
        ctx.others = [None if isinstance(t, Tensor) else (t,) for t in inputs]

    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        again = torch.is_grad_enabled()
        saved = iter(ctx.saved_tensors)
        with torch.enable_grad():
            inputs = [next(saved) if other is None else other[0] for other in ctx.others]
            if not again:
                inputs = [t.detach() if isinstance(t, Tensor) else t for t in inputs]
            needed = ctx.needs_input_grad
            wanted = [t for t, needs in zip(inputs, needed, strict=True) if needs]
            for tensor in wanted:
                tensor.requires_grad_()
            loss = function(*inputs)
            found = iter(torch.autograd.grad(loss, wanted, grad_output, create_graph=again))
        return tuple(next(found) if needs else None for needs in needed)

    operator.register_autograd(backward, setup_context=keep)


_register(
    "cross_entropy_loss",
    _cross_entropy,
    f"(Tensor input, Tensor target, Tensor? weight, {schema_of(_ORDERED)}) -> Tensor",
)
_register(
    "linear_cross_entropy_loss",
    _linear_cross_entropy,
    "(Tensor input, Tensor linear_weight, Tensor target, Tensor? linear_bias, Tensor? weight,"
    f" {schema_of(_ORDERED, none_too=('ignore_index',))}, int? workspace) -> Tensor",
)
for _function, _module in (
    (cross_entropy, "CrossEntropyLoss"),
    (linear_cross_entropy, "LinearCrossEntropyLoss"),
):
    # torch.jit.script reads this attribute, and refuses with its text
    vars(_function)["__script_unsupported"] = (
        f"pminusy.torch.{_function.__name__} cannot be scripted;"
        f" script pminusy.torch.{_module}, or use torch.compile or torch.export"
    )
