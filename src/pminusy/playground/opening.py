"""What the page opens with: one sample and the options of its loss, checked, as its state."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import numpy as np

from pminusy.core.options import OPTIONS
from pminusy.derivation.input.logit_source import LogitSource, logit_source
from pminusy.derivation.input.request import Request
from pminusy.derivation.input.targets import class_names, sample_target
from pminusy.errors import InputError
from pminusy.present.sanitise import cleaned, cut

__all__ = ["MOST_CLASSES", "MOST_FEATURES", "opening_of", "ways_to_play"]

MOST_CLASSES = 10
MOST_FEATURES = 8
_LARGEST = 1000.0
_LONGEST_NAME = 40
_OFF_BY = 1e-9
_REACH = {
    "temperature": ("temperature", 0.05, 20.0), "label_smoothing": ("smoothing", 0.0, 1.0),
    "z_loss": ("zLoss", 0.0, 10.0), "softcap": ("softcap", 0.1, 1000.0),
}  # fmt: skip
"""The page's names of the options it has, and how far its controls reach."""


def opening_of(request: Request) -> dict[str, Any]:
    """The state of the page for one sample, by the names of the fields in `static/page/state.js`.

    Raises
    ------
    InputError
        A batch or a network, more classes or larger numbers than the page has room for, or an
        option that it has no control for.
    """
    if request.network is not None:
        raise InputError("what to play with", "one sample of logits or a linear layer", "a network")
    source = logit_source(request)
    if source.batch:
        raise InputError("what to play with", "one sample", f"{len(source.rows)} rows", "take one")
    if source.K > MOST_CLASSES:
        raise InputError("classes", f"at most {MOST_CLASSES} on the page", str(source.K))
    state = {**_logits(source), **_target(request, source.K), **_options(request)}
    names = class_names(request, source.K)
    if names != tuple(map(str, range(source.K))):
        state["names"] = [cut(cleaned(name), _LONGEST_NAME) for name in names]
    return state


_KEYS = {
    "z": "z", "c": "y", "soft": "soft", "names": "names", "temperature": "T", "smoothing": "e",
    "zLoss": "zl", "softcap": "cap",
}  # fmt: skip
"""What a link calls the fields of the state; `static/page/state.js` reads it."""


def ways_to_play(request: Request) -> tuple[str, str] | None:
    """How the page opens with a sample's numbers: what a link has behind #, and a call of `play`.

    None if it has no room for them. Of a linear layer it has the logits: the page's own layer makes
    them, with another bias.
    """
    try:
        source = logit_source(request)
        if source.kind == "layer" and not source.batch:
            z = source.W @ source.x + source.b
            request = replace(request, z=z, x=None, W=None, b=None, features=None, steps=1)
        state = opening_of(request)
    except InputError:
        return None
    call = f"pmy.play({state['z']}, {state.get('soft', state.get('c'))})"
    state.setdefault("c", 0)
    named = {key: state[name] for name, key in _KEYS.items() if name in state}
    return "&".join(f"{key}={_in_link(value)}" for key, value in named.items()), call


def _in_link(value: Any) -> str:
    entries = value if isinstance(value, list) else [value]
    return ",".join(
        quote(each, safe="") if isinstance(each, str) else repr(each) for each in entries
    )


def _logits(source: LogitSource) -> dict[str, Any]:
    """The logits, and the layer they come from if there is one."""
    layer: dict[str, Any] = {}
    if source.kind == "layer":
        if source.D > MOST_FEATURES:
            raise InputError("features", f"at most {MOST_FEATURES} on the page", str(source.D))
        z = source.W @ source.x + source.b
        layer = {"x": source.x.tolist(), "W": source.W.tolist()}
    else:
        z = np.asarray(source.logits, dtype=np.float64)
    far = ~(np.abs(z) <= _LARGEST)
    if far.any():
        k = int(far.argmax())
        raise InputError(f"z[{k}]", "a number from −1000 to 1000 on the page", f"{z[k]:g}")
    return {"z": [float(value) for value in z], **layer}


def _target(request: Request, K: int) -> dict[str, Any]:
    y, c = sample_target(request, K)
    if c is not None:
        if c < 0:
            raise InputError("target", "a class", "an ignored row, which has no gradient")
        return {"c": c}
    weights = [float(value) for value in y]
    if abs(math.fsum(weights) - 1.0) > _OFF_BY:
        raise InputError("target", "numbers that sum to 1 on the page", f"{math.fsum(weights):g}")
    return {"soft": weights}


def _options(request: Request) -> dict[str, Any]:
    state = {}
    for option in OPTIONS:
        value = getattr(request.options, option.name)
        if value is None or (option.kind != "array" and value == option.default):
            continue
        if option.name not in _REACH:
            offered = ", ".join(_REACH)
            raise InputError(option.name, f"none on the page, which has {offered}", "one")
        name, least, most = _REACH[option.name]
        if not least <= value <= most:
            expected = f"a number from {least:g} to {most:g} on the page"
            raise InputError(option.name, expected, f"{value:g}")
        state[name] = float(value)
    return state
