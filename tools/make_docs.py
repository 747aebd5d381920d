"""Write the derivation, the equations and the README's figures; --check says what is stale."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from tools.equations import EQUATIONS
from tools.site.figures import readme_with_figures

from pminusy.derivation.build import derive
from pminusy.derivation.render.latex_math import LatexPrinter
from pminusy.derivation.steps.derivation import Derivation
from pminusy.derivation.tree.notation import notation

DOCS = Path(__file__).parent.parent / "docs"
TAMPERING = DOCS.parent / "tests" / "derivation" / "tampering.json"
W = [[0.5, 0.1], [0.3, 0.2], [-0.4, 0.6]]
B, NAMES = [0.1, 0.2, 0.3], ("ash", "birch", "cedar")
X = [[1.0, -2.0], [0.5, 1.0], [2.0, 0.0]]


def page() -> str:
    """The derivation of a batch of three samples through a linear layer, line by line."""
    text = derive(
        x=X,
        W=W,
        b=B,
        y=[0, 1, 2],
        classes=NAMES,
        route="all",
    ).to_markdown()
    _, _, lines = text.partition("\n")  # its own title
    chapters = re.findall(r"^## (.*)$", lines, re.MULTILINE)
    return "\n".join([*_opening(chapters), lines.lstrip("\n")])


def _opening(chapters: list[str]) -> list[str]:
    rows = (
        f"| {k} | {W[k]} | {bias} | {name} |"
        for k, (bias, name) in enumerate(zip(B, NAMES, strict=True))
    )
    return [
        "# The derivation, line by line",
        "",
        "This is everything that `pminusy explain` can derive of a softmax classifier, by every "
        "route. Three trees are described by two features each, and a linear layer gives the "
        "logits of three classes:",
        "",
        "| class | row of W | entry of b | name |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        f"The rows of X are {', '.join(map(str, X[:-1]))} and {X[-1]}, and their true classes are "
        "0, 1 and 2. The head is derived with the numbers of row 0; the chapter on the batch has "
        "all three rows, and the gradients of W and b that training uses.",
        "",
        f"It has {len(chapters)} chapters. The shortest way to p − y is "
        "*The direct route*; the usual one is *Jacobian of the softmax* and then *The long route*. "
        "Each line stands with letters and then with numbers, below it the reason and the proof "
        "([what “proved” means](explain.md#what-proved-means)).",
        "",
        *(f"- {chapter}" for chapter in chapters),
        "",
        "## The numbers",
        "",
    ]


def examples() -> dict[str, tuple[str, Derivation]]:
    """Derivations that together have every step: by a short name, how to get them."""
    one: dict[str, Any] = {"z": [2.0, 1.0, 0.1], "y": 0}
    soft: dict[str, Any] = {"z": [2.0, 1.0, 0.1], "y": [0.5, 0.3, 0.4]}
    layer: dict[str, Any] = {"x": X[0], "W": W, "y": 0}
    batch: dict[str, Any] = {"x": X, "W": W, "y": [0, 1, 2]}
    weights = {"weight": [1.0, 2.0, 0.5], "sample_weight": [1.0, 2.0, 3.0]}
    everything = {
        "label_smoothing": 0.1, "weight": [1.0, 2.0, 0.5], "sample_weight": 2.0,
        "temperature": 2.0, "softcap": 3.0, "z_loss": 0.01, "log_base": 2.0,
    }  # fmt: skip
    masked = {"z": [2.0, -math.inf, 0.1], "y": 0}
    made: dict[str, tuple[str, dict[str, Any]]] = {
        "batch": ("a batch through a layer", batch),
        "base": ("`--base`", batch | {"log_base": 2.0}),
        "mass": ("`--label-smoothing`, `--weight`, `--sample-weight`",
                 one | {k: everything[k] for k in ("label_smoothing", "weight", "sample_weight")}),
        "smoothing": ("`--label-smoothing`", one | {"label_smoothing": 0.1}),
        "weights": ("`--weight`, `--sample-weight`", batch | weights),
        "sample": ("`--sample-weight`", one | {"sample_weight": 2.0}),
        "soft": ("soft targets", soft),
        "soft_weights": ("soft targets, `--weight`, `--label-smoothing`",
                         soft | {"weight": [1.0, 2.0, 0.5], "label_smoothing": 0.1}),
        "soft_batch": ("a batch of soft targets, `--weight`, `--sample-weight`",
                       batch | weights | {"y": [[0.5, 0.3, 0.4]] * 3}),
        "cap": ("`--temperature`, `--softcap`", one | {"temperature": 2.0, "softcap": 3.0}),
        "temperature": ("`--temperature`", one | {"temperature": 2.0}),
        "z_loss": ("`--z-loss`", one | {"z_loss": 0.01}),
        "everything": ("every option", layer | everything),
        "ignored": ("`--target -100`", one | {"y": -100}),
        "ignored_all": ("`--target -100` and every option", layer | everything | {"y": -100}),
        "ignored_rows": ("a batch with ignored rows", batch | {"y": [0, -100, 2]}),
        "empty": ("a batch of ignored rows", batch | {"y": [-100] * 3}),
        "sum": ("`--reduction sum`", batch | {"reduction": "sum"}),
        "none": ("`--reduction none`", batch | {"reduction": "none"}),
        "masked": ("a logit of −∞", masked),
        "infinite": ("a target on a logit of −∞", masked | {"y": 1}),
        "two": ("two classes", batch | {"W": W[:2], "y": [0, 1, 1]}),
        "rows": ("`--network` of rows",
                 {"x": X, "y": [0, 1, 2], "network": "linear:3,batchnorm,relu,dropout:0.5"}),
        "smooth": ("`--network` of smooth activations",
                   {"x": X, "y": [0, 1, 2], "network": "linear:2,tanh,sigmoid,gelu,gelu:tanh"}),
        "test": ("`--network` in test mode",
                 {"x": X, "y": [0, 1, 2], "network": "linear:3,batchnorm:test,relu,dropout:test"}),
        "sequence": ("`--network` of a sequence",
                     {"x": [[0.1, 0.9, -0.4, 0.3, 0.7, -0.2]], "y": [1],
                      "network": "conv:2x2/2,maxpool:2/1"}),
        "image": ("`--network` of an image",
                  {"x": [np.linspace(-1, 1, 20) ** 3], "y": [1],
                   "network": "image:4x5,conv:2x3/2+1,batchnorm,maxpool:2/1"}),
    }  # fmt: skip
    return {key: (words, derive(**asked)) for key, (words, asked) in made.items()}


def table() -> str:
    """Equation or fact, the step that states and proves it, and the line itself."""
    made = examples()
    printer = LatexPrinter(notation())
    rows, proved = [], 0
    for equation in EQUATIONS:
        for spec in equation.steps:
            step, _, example = spec.partition("@")
            where, derivation, name = _shown(step, example, made)
            statement = derivation[name].statement
            general = derivation[name].holds_for_any_K
            proved += general
            line = printer.relation(statement).replace("|", r"\vert ")
            rows.append(
                f"| {equation.section} | {equation.fact} | `{step}` | $`{line}`$ "
                f"| {'✓' if general else ''} | {where} |"
            )
    return "\n".join([*_preface(len(rows), proved), *rows]) + "\n"


def _preface(count: int, proved: int) -> list[str]:
    record = json.loads(TAMPERING.read_text(encoding="utf-8"))
    tried, survived = (sum(row[place] for row in record) for place in (1, 2))
    return [
        "# Equations and the steps that prove them",
        "",
        "Every equation and fact that this package computes or claims, with the step of "
        "`pminusy explain` that states and proves it. `pminusy explain` prints a step where it "
        'belongs; in Python `d["dL_dz"]` is the step of that name.',
        "",
        "[What “proved” means](explain.md#what-proved-means) is said once for all of them. The "
        "column *any K* is about a second proof beside that one: SymPy, which knows nothing of "
        "this package, was given the line with the number of classes left open, and a ✓ says that "
        f"it proved it. It did so for {proved} of {count}. The others hold matrices, inequalities, "
        "products of sums, or letters of more than one row, which it cannot decide.",
        "",
        "Does a proof notice a mistake? One symbol was changed in each of "
        f"{tried:,} copies of these lines: a sign, an index, a letter, a missing δ, a dropped "
        f"factor or term, a wrong base. {tried - survived:,} of the copies failed their proof. The "
        f"other {survived:,} are true as well: most of them change a factor of something that is "
        "0 there, as in a row that is ignored, and each was confirmed at three more sets of "
        "numbers.",
        "",
        "| about | equation or fact | step | the line | any K | shown with |",
        "| --- | --- | --- | --- | --- | --- |",
    ]


def _shown(
    step: str, example: str, made: dict[str, tuple[str, Derivation]]
) -> tuple[str, Derivation, str]:
    """Where a step is shown: in the example named, or in the first that has it."""
    for key in [example] if example else made:
        where, derivation = made[key]
        name = _named(derivation, step)
        if name is not None:
            return where, derivation, name
    raise LookupError(f"no example shows {step} {example}")


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
    readme = DOCS.parent / "README.md"
    figures = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    return {
        DOCS / "derivation.md": page(),
        DOCS / "equations.md": table(),
        readme: readme_with_figures(readme.read_text(encoding="utf-8"), figures),
    }


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check only compare."""
    stale = [
        path for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]  # fmt: skip
    if "--check" in arguments:
        for path in stale:
            print(f"stale: {path.name}; run python -m tools.make_docs")
        return int(bool(stale))
    DOCS.mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
