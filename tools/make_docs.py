"""Write docs/derivation.md and docs/equations.md; with --check, only say whether they are stale."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from pminusy.derivation.build import derive
from pminusy.derivation.derivation import Derivation
from pminusy.derivation.equations import EQUATIONS
from pminusy.derivation.notation import notation
from pminusy.derivation.render.latex_math import LatexPrinter

DOCS = Path(__file__).parent.parent / "docs"
W = [[0.5, 0.1], [0.3, 0.2], [-0.4, 0.6]]
X = [[1.0, -2.0], [0.5, 1.0], [2.0, 0.0]]


def page() -> str:
    """The derivation of a batch of three samples through a linear layer, line by line."""
    return derive(
        x=X, W=W, b=[0.1, 0.2, 0.3], y=[0, 1, 2], classes=("ash", "birch", "cedar")
    ).to_markdown()


def examples() -> dict[str, Derivation]:
    """Derivations that together have every step, by the options that they need."""
    one: dict[str, Any] = {"z": [2.0, 1.0, 0.1], "y": 0}
    return {
        "a batch through a layer": derive(x=X, W=W, y=[0, 1, 2]),
        "`--base`": derive(**one, log_base=2.0),
        "`--label-smoothing`, `--weight`, `--sample-weight`": derive(
            **one, label_smoothing=0.1, weight=[1.0, 2.0, 0.5], sample_weight=2.0
        ),
        "soft targets": derive(z=[2.0, 1.0, 0.1], y=[0.5, 0.3, 0.4]),
        "`--temperature`, `--softcap`": derive(**one, temperature=2.0, softcap=3.0),
        "`--z-loss`": derive(**one, z_loss=0.01),
        "two classes": derive(x=X, W=W[:2], y=[0, 1, 1]),
        "`--network` of rows": derive(
            x=X, y=[0, 1, 2], network="linear:3,batchnorm,relu,dropout:0.5"
        ),
        "`--network` in test mode": derive(
            x=X, y=[0, 1, 2], network="linear:3,batchnorm:test,relu,dropout:test"
        ),
        "`--network` of a sequence": derive(
            x=[[0.1, 0.9, -0.4, 0.3, 0.7, -0.2]], y=[1], network="conv:2x2/2,maxpool:2/1"
        ),
        "`--network` of an image": derive(
            x=[np.linspace(-1, 1, 20) ** 3],
            y=[1],
            network="image:4x5,conv:2x3/2+1,batchnorm,maxpool:2/1",
        ),
    }


def table() -> str:
    """Equation or fact, the step that states and proves it, and the line itself."""
    made = examples()
    rows = [
        "# Equations and the steps that prove them",
        "",
        "Every equation and fact that this package computes or claims, and the step of "
        "`pminusy explain` that states and proves it. Written by `tools/make_docs.py`.",
        "",
        "| about | equation or fact | step | the line | shown with |",
        "| --- | --- | --- | --- | --- |",
    ]
    printer = LatexPrinter(notation())
    for equation in EQUATIONS:
        for step in equation.steps:
            where, derivation = next(
                (where, d) for where, d in made.items() if _named(d, step) is not None
            )
            name = _named(derivation, step)
            assert name is not None
            line = printer.relation(derivation[name].statement).replace("|", r"\vert ")
            rows.append(
                f"| {equation.section} | {equation.fact} | `{step}` | $`{line}`$ | {where} |"
            )
    return "\n".join(rows) + "\n"


def _named(derivation: Derivation, step: str) -> str | None:
    """Name of a step; layers are numbered, so `relu_da` is `layer3_relu_da` there."""
    own = (name for name in derivation._places if name == step)
    numbered = (
        name
        for name in derivation._places
        if name.startswith("layer") and name.partition("_")[2] == step
    )
    return next(own, None) or next(numbered, None)


def pages() -> dict[Path, str]:
    """Every generated page."""
    return {DOCS / "derivation.md": page(), DOCS / "equations.md": table()}


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check only compare."""
    stale = [
        path for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]  # fmt: skip
    if "--check" in arguments:
        for path in stale:
            print(f"stale: {path.name}; run python tools/make_docs.py")
        return int(bool(stale))
    DOCS.mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
