"""`pminusy warm-up`: compile the kernels beforehand."""

from __future__ import annotations

import typer

__all__ = ["warm_up"]


def warm_up() -> None:
    """Compile the kernels for this processor now, and keep them; for container images."""
    from pminusy.api.warm_up import warm_up as compile_all

    done = compile_all()
    what = "training and array functions" if done.training else "array functions"
    where = f"in {done.folder}" if done.folder else "kept nowhere: no folder can be written to"
    typer.echo(f"kernels of {what} compiled in {done.seconds:.1f} s, {where}")
    if not done.training:
        typer.echo('training not compiled: pip install "pminusy[fit]" first')
