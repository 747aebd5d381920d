"""Tensors as the kernels see them, and whether the kernels may see them."""

from __future__ import annotations

from functools import cache
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch._C import DispatchKey, DispatchKeySet
from torch._C import _get_tracing_state as _tracing_state
from torch._C import _len_torch_dispatch_stack as _modes
from torch._ops import _len_torch_dispatch_stack_pre_dispatch as _modes_before_dispatch
from torch.autograd import forward_ad
from torch.compiler import is_compiling

from pminusy import arguments
from pminusy.core.options import Options
from pminusy.errors import InputError
from pminusy.torch.plain import TensorOptions

__all__ = [
    "FLOATS",
    "HALF",
    "array",
    "by_kernels",
    "dense_and_local",
    "in_plain_memory",
    "leave_the_compiler",
    "named_arrays",
    "options_of",
    "refuse",
    "same_device",
    "traced",
    "transformed",
]

HALF = (torch.float16, torch.bfloat16)
FLOATS = (*HALF, torch.float32, torch.float64)


def refuse(what: str, expected: str, got: str, remedy: str = "") -> NoReturn:
    """Raise InputError, which a compiler does not know how to trace."""
    leave_the_compiler(f"{what}: expected {expected}")
    raise InputError(what, expected, got, remedy)


def leave_the_compiler(reason: str) -> None:
    """Have what follows run as it stands; where that is forbidden, the compiler says the reason."""
    if is_compiling():
        torch._dynamo.graph_break(msg=reason)


def traced(*tensors: Tensor | None) -> bool:
    """Whether torch must see every operation.

    It must where code is compiled, traced or transformed, where a mode watches operations, where
    tensors are of a class that handles them itself (fake, distributed), and where they have no data
    (meta). There are no public ways to ask for most of this.
    """
    if is_compiling():
        return True
    if not _undisturbed():
        if _modes() > 0 or _modes_before_dispatch() > 0 or _tracing_state() is not None:  # type: ignore[no-untyped-call]  # torch leaves it so
            return True
        if transformed(*tensors):
            return True
    return any([_is_wrapped(t) for t in tensors if t is not None])  # noqa: C419  # quicker


def _undisturbed() -> bool:
    """Whether the dispatcher of operations is as it is outside every mode, trace and transform.

    One look where `traced` needs many: all of them are dispatch keys of this thread, except
    forward mode, which has a level.
    """
    keys: int = torch._C._dispatch_tls_local_include_set().raw_repr()
    return keys in _USUAL_KEYS and forward_ad._current_level < 0


def in_plain_memory(*tensors: Tensor) -> bool:
    """Whether nobody has to see operations, and tensors are of torch's own class and on CPU."""
    if is_compiling() or not _undisturbed():
        return False
    for t in tensors:
        if not isinstance(t, Tensor) or torch._C._dispatch_keys(t).raw_repr() not in _KEYS_ON_CPU:
            return False
    return True


def transformed(*tensors: Tensor | None) -> bool:
    """Whether a call is under `torch.func` or forward-mode differentiation.

    What an `autograd.Function` would need to be transformed (`jvp` beside `setup_context`) keeps it
    from being compiled.
    """
    top: object = torch._C._functorch.peek_interpreter_stack()
    if isinstance(top, torch._C._functorch.CInterpreter):  # a compiler knows no `is None` here
        return True
    if forward_ad._current_level < 0:
        return False
    tangent_of = forward_ad.unpack_dual
    return any(t is not None and tangent_of(t).tangent is not None for t in tensors)  # type: ignore[no-untyped-call]  # torch leaves it so


def _is_wrapped(tensor: Tensor) -> bool:
    """Whether a tensor is more than memory: batched, fake, functional, without data."""
    keys: int = torch._C._dispatch_keys(tensor).raw_repr()
    if keys in _KEYS_ON_CPU:  # nearly always
        return False
    device = tensor.device.type
    return device == "meta" or bool(keys & ~_keys_of_plain_tensors(device))


@cache
def _keys_of_plain_tensors(device: str) -> int:
    plain = torch._C._dispatch_keys(torch.empty(0, device=device))
    return (plain | DispatchKeySet(DispatchKey.Negative)).raw_repr()


_IN_INFERENCE_MODE = DispatchKeySet(DispatchKey.BackendSelect)
_USUAL_KEYS = {
    (_IN_INFERENCE_MODE | DispatchKeySet(DispatchKey.ADInplaceOrView)).raw_repr(),
    _IN_INFERENCE_MODE.raw_repr(),
}
_KEYS_ON_CPU = {torch._C._dispatch_keys(torch.empty(0, device="cpu")).raw_repr()}


def by_kernels(tensor: Tensor) -> bool:
    """Whether the compiled kernels can reach a tensor's memory."""
    return tensor.device.type == "cpu"


def same_device(**named: Tensor | None) -> None:
    """Refuse what is not a tensor, and tensors on several devices."""
    for name, t in named.items():
        if not isinstance(t, Tensor) and (t is not None or name in ("input", "target")):
            refuse(name, "a tensor", type(t).__name__, "convert it with torch.as_tensor")
    found = {
        name: t.device
        for name, t in named.items()
        if t is not None and not (name == "num_items" and t.device.type == "cpu")
    }
    first, *others = found.items()
    for name, device in others:
        if device != first[1]:
            remedy = f"move it with .to({str(first[1])!r})"
            refuse(name, f"a tensor on {first[1]}, as {first[0]} is", f"one on {device}", remedy)


def dense_and_local(**named: Tensor | None) -> None:
    """Refuse sparse and nested tensors, and those whose entries are spread over processes.

    Neither has the operations that the loss is made of. For where torch sees every operation:
    tensors of these kinds are found there, and calls on plain ones stay cheap.
    """
    if is_compiling():
        return
    for name, t in named.items():
        if t is None:
            continue
        if t.layout != torch.strided:
            refuse(name, "a dense tensor", f"one of layout {t.layout}", "use .to_dense()")
        if (
            type(t).__name__ == "DTensor"
        ):  # not imported: programs without them need not wait for it
            remedy = "pass t.full_tensor(), or t.to_local() and reduce the losses yourself"
            refuse(name, "a tensor of one process", "a DTensor", remedy)


def array(tensor: Tensor) -> NDArray[Any]:
    """Tensor's memory as an array; half types are widened to float32."""
    tensor = tensor.detach()
    wide = tensor.float() if tensor.dtype in HALF else tensor
    return np.asarray(wide.resolve_conj().resolve_neg().numpy())


def options_of(settings: TensorOptions, N: int, K: int) -> Options:
    """The same options as NumPy has them, checked."""
    return arguments.loss_options(named_arrays(settings), (N,), K)


def named_arrays(settings: TensorOptions) -> dict[str, Any]:
    """The options by name, tensors as arrays."""
    return {
        name: array(value) if isinstance(value, Tensor) else value
        for name, value in settings._asdict().items()
    }
