"""Which extra brings which package, for the one line that says how to install what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pminusy.errors import InputError

__all__ = ["missing_extra", "needing_extra"]

_EXTRA_OF = {
    "torch": "torch",
    "sympy": "explain",
    "mpmath": "explain",
    "polars": "fit",
    "sklearn": "fit",
    "safetensors": "fit",
    "jinja2": "fit",
    "fastexcel": "excel",
    "dask": "dask",
    "distributed": "dask",
    "onnx": "onnx",
    "skl2onnx": "onnx",
}


def missing_extra(error: ModuleNotFoundError) -> InputError | None:
    """Turn a failed import of an optional package into advice; None if it is none of ours."""
    package = (error.name or "").partition(".")[0]
    extra = _EXTRA_OF.get(package)
    if extra is None:
        return None
    remedy = f'install it with: pip install "pminusy[{extra}]"'
    return InputError("this needs", f"the package {package}", "none installed", remedy)


@contextmanager
def needing_extra() -> Iterator[None]:
    """Around imports of optional packages: one that is absent is an `InputError` with advice."""
    try:
        yield
    except ModuleNotFoundError as error:
        advice = missing_extra(error)
        if advice is None:
            raise
        raise advice from None
