"""What the statements about a layer depend on: its kind, the axes of its input, its windows."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Axis", "Form"]


@dataclass(frozen=True)
class Axis:
    """One axis that windows slide along."""

    kernel: int
    stride: int = 1
    padding: int = 0

    def windows(self, length: int) -> int:
        """How many whole windows an axis of some length has (below 1: the first does not fit)."""
        return (length + 2 * self.padding - self.kernel) // self.stride + 1

    def length(self, windows: int) -> int:
        """The shortest axis that has so many windows."""
        return self.stride * (windows - 1) + self.kernel - 2 * self.padding


@dataclass(frozen=True)
class Form:
    """Kind of layer, number of axes of its input (rows 2, sequences 3, images 4), and windows.

    `kind` is linear, embedding, relu, tanh, sigmoid, gelu, gelu_tanh, dropout, dropout_test,
    batchnorm, batchnorm_test, maxpool, conv, or reshape. `plain` layers have no bias, or neither γ
    nor β.
    """

    kind: str
    rank: int = 2
    axes: tuple[Axis, ...] = ()
    plain: bool = False

    @property
    def name(self) -> str:
        """Name in the names of steps: windows say along how many axes they slide."""
        if self.axes:
            return f"{self.kind}{len(self.axes)}d"
        channels = self.kind == "batchnorm" and self.rank > 2
        return f"{self.kind}_channels" if channels else self.kind

    @property
    def kinked(self) -> bool:
        """Whether the layer is linear in pieces, with kinks between them."""
        return self.kind in ("relu", "maxpool")
