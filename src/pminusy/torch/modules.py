"""The losses as modules: torch's own classes, with this package's losses and options.

Options are attributes, read at every call, as in torch: `criterion.reduction = "none"` works.
TorchScript reads annotations and `forward` as they stand here, where a comment on types would stop
it, and calls operators instead.
"""

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.jit import is_scripting  # type: ignore[attr-defined]  # torch leaves it out of __all__

from pminusy.core.options import TENSORS, Options, options_of
from pminusy.errors import InputError
from pminusy.torch.legacy import reduction_of
from pminusy.torch.linear import linear_cross_entropy
from pminusy.torch.loss import cross_entropy

if TYPE_CHECKING or hasattr(nn, "LinearCrossEntropyLoss"):
    _Linear = nn.LinearCrossEntropyLoss
else:  # torch before 2.13
    _Linear = nn.Module

__all__ = ["CrossEntropyLoss", "LinearCrossEntropyLoss"]


class CrossEntropyLoss(nn.CrossEntropyLoss):
    """`cross_entropy` as a module, in the place of `torch.nn.CrossEntropyLoss`; a subclass of it.

    Parameters
    ----------
    weight, size_average, ignore_index, reduce, reduction, label_smoothing
        As `torch.nn.CrossEntropyLoss`; `weight` is a buffer.
    temperature, z_loss, softcap
        As `cross_entropy`.

    Notes
    -----
    `sample_weight` and `num_items`, which differ from batch to batch, are arguments of the call.
    Every other option is an attribute of its name and may be changed between calls.

    Examples
    --------
    >>> criterion = CrossEntropyLoss()
    >>> criterion(torch.zeros(1, 2), torch.tensor([0])).item()
    0.6931471824645996
    >>> criterion.reduction = "none"
    >>> criterion(torch.zeros(1, 2), torch.tensor([0])).shape
    torch.Size([1])
    """

    temperature: float
    z_loss: float
    softcap: float | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        *,
        temperature: float = 1.0,
        z_loss: float = 0.0,
        softcap: float | None = None,
    ) -> None:
        super().__init__(
            weight,
            ignore_index=ignore_index,
            reduction=reduction_of(reduction, size_average, reduce),
            label_smoothing=label_smoothing,
        )
        self.temperature, self.z_loss, self.softcap = temperature, z_loss, softcap

    def forward(
        self,
        input: Tensor,  # noqa: A002  # torch's name
        target: Tensor,
        sample_weight: Tensor | None = None,
        num_items: Tensor | None = None,
    ) -> Tensor:
        """Loss of logits and targets."""
        if is_scripting():
            scripted: Tensor = torch.ops.pminusy.cross_entropy_loss(
                input,
                target,
                self.weight,
                self.ignore_index,
                self.reduction,
                float(self.label_smoothing),
                sample_weight,
                float(self.temperature),
                float(self.z_loss),
                self.softcap,
                num_items,
            )
            return scripted
        return cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
            sample_weight=sample_weight,
            temperature=self.temperature,
            z_loss=self.z_loss,
            softcap=self.softcap,
            num_items=num_items,
        )

    def extra_repr(self) -> str:
        """Options, in the module's representation."""
        shown = _shown(self)
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())


class LinearCrossEntropyLoss(_Linear):
    """A linear layer and its loss, in the place of `torch.nn.LinearCrossEntropyLoss`.

    Where torch has that class (2.13), a subclass of it.

    Parameters
    ----------
    in_features, num_classes, bias, device, dtype
        As `torch.nn.Linear`, whose initialisation it has.
    out_features
        Positions (d1, …) that each have a linear layer and a target of their own. The parameters of
        `self.linear` are those of all positions, (num_classes · d1 · …, in_features).
    weight, reduction, ignore_index, label_smoothing, options
        As `torch.nn.LinearCrossEntropyLoss`; `weight` is a buffer.
    temperature, z_loss, softcap, workspace
        As `linear_cross_entropy`.

    Notes
    -----
    `sample_weight` and `num_items`, which differ from batch to batch, are arguments of the call.
    Every other option is an attribute of its name and may be changed between calls.

    Examples
    --------
    >>> LinearCrossEntropyLoss(3, 2)(torch.zeros(1, 3), torch.tensor([0])).item()
    0.6931471824645996
    """

    temperature: float
    z_loss: float
    softcap: float | None
    workspace: int | None

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: Any = None,
        temperature: float = 1.0,
        z_loss: float = 0.0,
        softcap: float | None = None,
        workspace: int | None = None,
    ) -> None:
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise InputError("weight", f"shape ({num_classes},)", f"shape {tuple(weight.shape)}")
        Options(label_smoothing=label_smoothing)  # refused here, as torch does
        nn.Module.__init__(self)  # torch's own would make a second linear layer for older versions
        self.register_buffer("weight", weight)
        self.num_classes, self.out_features = num_classes, tuple(out_features)
        rows = math.prod(self.out_features, start=num_classes)
        self.linear = nn.Linear(in_features, rows, bias=bias, device=device, dtype=dtype)
        self.reduction, self.ignore_index = reduction, ignore_index
        self.label_smoothing, self.options = label_smoothing, options
        self.temperature, self.z_loss, self.softcap = temperature, z_loss, softcap
        self.workspace = workspace

    def forward(
        self,
        input: Tensor,  # noqa: A002  # torch's name
        target: Tensor,
        sample_weight: Tensor | None = None,
        num_items: Tensor | None = None,
    ) -> Tensor:
        """Loss of inputs and targets."""
        W: Tensor = self.linear.weight
        bias: Tensor | None = self.linear.bias
        if len(self.out_features) > 0:
            shape = [self.num_classes]
            for positions in self.out_features:
                shape.append(positions)
            W = W.reshape(shape + [self.linear.in_features])  # noqa: RUF005  # not in TorchScript
            bias = None if bias is None else bias.reshape(shape)
        if is_scripting():
            scripted: Tensor = torch.ops.pminusy.linear_cross_entropy_loss(
                input,
                W,
                target,
                bias,
                self.weight,
                self.ignore_index,
                self.reduction,
                float(self.label_smoothing),
                sample_weight,
                float(self.temperature),
                float(self.z_loss),
                self.softcap,
                num_items,
                self.workspace,
            )
            return scripted
        return linear_cross_entropy(
            input,
            W,
            target,
            linear_bias=bias,
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
            sample_weight=sample_weight,
            workspace=self.workspace,
            temperature=self.temperature,
            z_loss=self.z_loss,
            softcap=self.softcap,
            num_items=num_items,
        )

    def extra_repr(self) -> str:
        """Sizes and options, in the module's representation."""
        sizes = {
            "in_features": self.linear.in_features,
            "num_classes": self.num_classes,
            "out_features": self.out_features,
            "bias": self.linear.bias is not None,
        }
        shown = sizes | _shown(self) | {"options": self.options, "workspace": self.workspace}
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())


def _shown(module: Any) -> dict[str, Any]:
    """The options that are no tensors."""
    names = [option.name for option in options_of(explain=False) if option not in TENSORS]
    return {name: getattr(module, name) for name in names}
