"""Windows along the axes of sequences and images: their sizes, and entries that tie in one."""

from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.derivation.layers.description import LayerSpec
from pminusy.derivation.layers.form import Axis
from pminusy.errors import InputError

__all__ = ["as_images", "axes_of", "pairs_of", "tied"]

Place = tuple[int, ...]


def axes_of(spec: LayerSpec, at: Any, size: Place) -> tuple[Axis, ...]:
    """Windows along each axis; one number stands for all of them."""
    lengths = at.shape[2:]
    settings = {"size": size, "stride": spec.stride, "padding": spec.padding}
    for name, numbers in settings.items():
        if len(numbers) > len(lengths):
            raise InputError(
                "network", f"one {name} for the one axis of a sequence", repr(spec.text),
                "take the rows as images first: image:HEIGHTxWIDTH",
            )  # fmt: skip
    otherwise = size if spec.kind == "maxpool" else (1,)
    sizes, strides, paddings = (
        numbers if len(numbers) == len(lengths) else numbers * len(lengths)
        for numbers in (size, spec.stride or otherwise, spec.padding or (0,))
    )
    axes = tuple(map(Axis, sizes, strides, paddings))
    for axis, length in zip(axes, lengths, strict=True):
        if axis.windows(length) < 1:
            raise InputError(
                "network", f"at least {axis.kernel - 2 * axis.padding} entries before {spec.text}",
                str(length), "a smaller window, or more padding" if spec.kind == "conv"
                else "a smaller window",
            )  # fmt: skip
    return axes


def pairs_of(axes: tuple[Axis, ...]) -> dict[str, tuple[int, int]]:
    """Windows as `core` takes them: a sequence is an image of height 1."""
    down, across = axes if len(axes) == 2 else (Axis(1), axes[0])
    return {
        name: (getattr(down, name), getattr(across, name))
        for name in ("kernel", "stride", "padding")
    }


def as_images(array: Any) -> Any:
    """Sequences (N, C, T) as images of height 1; images as they are."""
    return array[:, :, None, :] if array.ndim == 3 else array


def tied(images: Any, out: Any, places: Any, pairs: dict[str, tuple[int, int]]) -> list[int]:
    """Flat places of entries that equal their window's maximum but are not the first to do so."""
    flat = np.arange(images.size).reshape(images.shape)
    (height, width), (down, across) = pairs["kernel"], pairs["stride"]
    windows = np.lib.stride_tricks.sliding_window_view(flat, (height, width), axis=(2, 3))
    windows = windows[:, :, ::down, ::across]
    equal = images.ravel()[windows] == out[..., None, None]
    equal &= windows != places[..., None, None]
    return sorted({int(place) for place in windows[equal]})
