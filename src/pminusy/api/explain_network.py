"""Networks with weights of their own: read, derived, and compared with torch's autograd."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pminusy.derivation.build.batch import upstream_of
from pminusy.derivation.build.network import ComparedWith, checked_options, derive_layers
from pminusy.derivation.input.request import Request
from pminusy.derivation.input.targets import batch_targets
from pminusy.derivation.layers.own import layers_of_arrays, with_masks
from pminusy.derivation.steps.derivation import Derivation
from pminusy.errors import InputError

if TYPE_CHECKING:
    from pminusy.torch.networks.modules import Network

__all__ = ["compared", "explain_file", "explain_module", "is_file"]

_SUFFIXES = (".safetensors", ".npz")
_LOGITS = "logits (N, K) of at least 2 classes after the last layer"


def is_file(network: str | None) -> bool:
    """Whether a network is that of a file."""
    return network is not None and network.lower().endswith(_SUFFIXES)


def explain_module(module: Any, request: Request) -> Derivation:
    """Derivation of a Sequential, which is left as it was."""
    from pminusy.torch.networks.modules import network_of

    if request.network is not None:
        raise InputError("module", "a module or a network", "both", "leave one of them out")
    if request.network_layers is not None:
        raise InputError("network-layers", "none beside a module", "some", "leave them out")
    request = _one_batch(request)
    network = network_of(module, request.x)
    return compared(network, request)


def explain_file(request: Request) -> Derivation:
    """Derivation of layers whose weights are in a file; compared where torch is installed."""
    if request.network_layers is None:
        raise InputError(
            "network-layers", "the layers in order, such as linear,relu,linear", "nothing",
            "a file has arrays, and not what is done with them",
        )  # fmt: skip
    words, file = request.network_layers, Path(str(request.network))
    request = _one_batch(request)
    x = np.asarray(request.x)
    specs = with_masks(layers_of_arrays(words, _arrays(file), x.shape[1:]), x, request.seed)
    if find_spec("torch") is None:
        return derive_layers(request, specs)
    from pminusy.torch.networks.words import network_in_torch

    return compared(network_in_torch(specs), request)


def compared(network: Network, request: Request, *, each_alone: bool = False) -> Derivation:
    """Derived, and every gradient held against autograd's."""
    from pminusy.torch.networks.autograd import gradients, logits_of
    from pminusy.torch.networks.loss import loss_of

    logits = logits_of(network, request.x)
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise InputError("network", _LOGITS, f"shape {logits.shape}")
    N, K = logits.shape
    targets = batch_targets(request, N, K)
    checked_options(request.options, N, K)
    loss = loss_of(targets.Y, targets.labels, request.options, upstream_of(request, N))
    reference = ComparedWith("torch's autograd", gradients(network, request.x, loss))
    return derive_layers(
        request, network.specs, reference=reference, targets=targets, each_alone=each_alone
    )


def _one_batch(request: Request) -> Request:
    """Input and targets as arrays of a batch: one sample of one class becomes a batch of one."""
    if request.x is None:
        raise InputError("x", "the input of the network, one row a sample", "nothing")
    x, y = _of_tensor(request.x), _of_tensor(request.y)
    if np.ndim(y) == 0:
        y = [y.item() if isinstance(y, np.ndarray) else y]
        x = x if np.ndim(x) > 1 and len(x) == 1 else np.asarray(x)[None]
    try:
        x = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("x", "numbers", repr(request.x)[:60]) from None
    if not np.isfinite(x).all():
        place = ", ".join(map(str, np.argwhere(~np.isfinite(x))[0]))
        raise InputError(f"x[{place}]", "a finite number", str(x[~np.isfinite(x)][0]))
    return replace(request, x=x, y=y)


def _of_tensor(value: Any) -> Any:
    """A tensor as an array, anything else as it is."""
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _arrays(path: Path) -> dict[str, Any]:
    """Arrays of a file by name; reading it runs no code."""
    what, wanted = f"network file {str(path)!r}", "a file of arrays that can be read"
    try:
        if path.suffix.lower() == ".npz":
            with np.load(path, allow_pickle=False) as file:
                return dict(file)
        from safetensors.numpy import load_file

        return dict(load_file(path))
    except OSError as error:
        raise InputError(what, wanted, error.strerror or str(error)) from None
    except Exception as error:  # what a broken file raises differs from library to library
        raise InputError(what, wanted, str(error).splitlines()[0][:100]) from None
