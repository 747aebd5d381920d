"""The losses as modules, with torch's constructors and this package's options."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from pminusy.torch.linear import linear_cross_entropy
from pminusy.torch.loss import cross_entropy

__all__ = ["CrossEntropyLoss", "LinearCrossEntropyLoss"]


class CrossEntropyLoss(nn.Module):
    """`cross_entropy` as a module, in the place of `torch.nn.CrossEntropyLoss`.

    Parameters
    ----------
    weight, ignore_index, reduction, label_smoothing, temperature, z_loss, softcap
        As `cross_entropy`.

    Examples
    --------
    >>> CrossEntropyLoss()(torch.zeros(1, 2), torch.tensor([0])).item()
    0.6931471824645996
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        *,
        temperature: float = 1.0,
        z_loss: float = 0.0,
        softcap: float | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.options: dict[str, Any] = {
            "ignore_index": ignore_index,
            "reduction": reduction,
            "label_smoothing": label_smoothing,
            "temperature": temperature,
            "z_loss": z_loss,
            "softcap": softcap,
        }

    def forward(
        self,
        input: Tensor,  # noqa: A002  # torch's name
        target: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Loss of logits and targets."""
        return cross_entropy(
            input, target, self.weight, sample_weight=sample_weight, **self.options
        )

    def extra_repr(self) -> str:
        """Options, in the module's representation."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())


class LinearCrossEntropyLoss(nn.Module):
    """A linear layer and its loss, in the place of `torch.nn.LinearCrossEntropyLoss`.

    Parameters
    ----------
    in_features, num_classes, bias, device, dtype
        As `torch.nn.Linear`, whose initialisation it has.
    weight, reduction, ignore_index, label_smoothing, temperature, z_loss, softcap, workspace
        As `linear_cross_entropy`.

    Examples
    --------
    >>> LinearCrossEntropyLoss(3, 2)(torch.zeros(1, 3), torch.tensor([0])).item()
    0.6931471824645996
    """

    weight: Tensor | None

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        temperature: float = 1.0,
        z_loss: float = 0.0,
        softcap: float | None = None,
        workspace: int | None = None,
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, num_classes, bias=bias, device=device, dtype=dtype)
        self.register_buffer("weight", weight)
        self.options: dict[str, Any] = {
            "reduction": reduction,
            "ignore_index": ignore_index,
            "label_smoothing": label_smoothing,
            "temperature": temperature,
            "z_loss": z_loss,
            "softcap": softcap,
            "workspace": workspace,
        }

    def forward(
        self,
        input: Tensor,  # noqa: A002  # torch's name
        target: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Loss of inputs and targets."""
        return linear_cross_entropy(
            input,
            self.linear.weight,
            target,
            linear_bias=self.linear.bias,
            weight=self.weight,
            sample_weight=sample_weight,
            **self.options,
        )

    def extra_repr(self) -> str:
        """Options, in the module's representation."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())
