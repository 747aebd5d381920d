"""Which extra brings which package, for the one line that says how to install what is missing."""

from __future__ import annotations

from pminusy.errors import InputError

__all__ = ["missing_extra"]

_EXTRA_OF = {
    "polars": "fit",
    "sklearn": "fit",
    "safetensors": "fit",
    "jinja2": "fit",
}


def missing_extra(error: ModuleNotFoundError) -> InputError | None:
    """Turn a failed import of an optional package into advice; None if it is none of ours."""
    package = (error.name or "").partition(".")[0]
    extra = _EXTRA_OF.get(package)
    if extra is None:
        return None
    remedy = f'install it with: pip install "pminusy[{extra}]"'
    return InputError("this needs", f"the package {package}", "none installed", remedy)
