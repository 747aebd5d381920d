"""The formulas in the docstrings of `core`, and of the specifications of training, are proved ones.

Each is read from the docstring and evaluated with the letters of a derivation: change a sign or an
index there, and this fails. A formula that is in no list here fails too.
"""

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pminusy.core
from pminusy.derivation.build import derive
from tests.core.formulas import Letters, sides
from tests.derivation.cases import CASES, derivation

CORE = Path(pminusy.core.__file__).parent
SOFTMAX = "p_k = e^{z_k} / Σ_j e^{z_j}"
FORMULAS = [
    # where, formula, letters, the step of the derivation that proves it
    ("cross_entropy", "L(p, q) = −Σ_k q_k ln p_k", "loss", "cross_entropy"),
    ("cross_entropy", "∂L/∂p_k = −q_k / p_k", "loss", "dL_dp"),
    ("cross_entropy.loss", "L (N,) = −Σ_k q_k ln p_k", "loss", "cross_entropy"),
    ("cross_entropy.loss_gradient", "dL_dp (N, K) = −q / p", "loss", "dL_dp"),
    ("cross_entropy.gradient_from_jacobian", "dL_dz_k = Σ_j dL_dp_j · ∂p_j/∂z_k", "loss", "chain"),
    ("head", "S = Σ_k q_k", "row", "total_mass"),
    ("head", "L     = Σ_k q_k (lse − z_k) + ζ S lse²", "row", "z_loss_logits"),
    ("head", "dL_dz = S p − q + 2 ζ S lse p", "row", "dL_dz_total"),
    ("head", "dL_du = t ⊙ dL_dz", "row", "dL_du"),
    ("head", "Σ_k q_k (lse − z_k) = Σ_k q_k below_k + S log1p(rest)", "row", "stable_log1p"),
    ("head", "S p_k − q_k         = (q_{≠k} e_k − q_k others_k) / s", "row", "stable_gradient"),
    ("head", "q_{≠k} = S − q_k", "row", "others_sum"),
    ("head.cross_entropy_hvp", "H_u v = t ⊙ [S (1 + 2 ζ lse) J a + 2 ζ S p (p·a)"
     " + dL_dz ⊙ (t′ / t) ⊙ v]", "row", "hvp_u"),
    ("head.cross_entropy_hvp", "a = t ⊙ v", "row", "hvp_u"),
    ("linear", "z = X Wᵀ + b", "batch", "batch_logits"),
    ("linear", "z     = X Wᵀ + b", "batch", "batch_logits"),
    ("linear", "dL_dW = dL_dzᵀ X", "batch", "batch_dL_dW"),
    ("linear", "dL_db = Σ_i dL_dz_i", "batch", "batch_dL_db"),
    ("linear", "dL_dX = dL_dz W", "batch", "batch_dL_dX"),
    ("linear.weight_gradient", "dL_dW (K, D) = dL_dzᵀ X", "batch", "batch_dL_dW"),
    ("linear.bias_gradient", "dL_db (K,) = Σ_i dL_dz_i", "batch", "batch_dL_db"),
    ("linear.input_gradient", "dL_dX (N, D) = dL_dz W", "batch", "batch_dL_dX"),
    ("target_mass", "S = Σ_k q_k", "row", "total_mass"),
    ("target_mass", "q_k = ω w_c ((1 − ε) [k = c]) + ω w_k ε / K", "row", "target_mass"),
    ("target_mass", "q_k = ω w_k ((1 − ε) Y_k + ε / K)", "soft", "target_mass"),
    ("passes", "z = W x + b", "plain", "linear_vector"),
    ("passes", "S = Σ_k q_k", "row", "total_mass"),
    ("passes", "R = S p − q", "plain", "dL_dz"),
    ("passes", "R = S (p ∘ a − p (p·a))", "curved", "hvp"),
    ("passes", "R = S p (1 − p)", "diagonal", "hessian"),
    ("softmax", SOFTMAX, "row", "softmax"),
    ("softmax", "m = max_j z_j", "row", "shifted_lse"),
    ("softmax", "below_k  = m − z_k", "row", "stable_loss"),
    ("softmax", "e_k      = e^{−below_k}", "row", "shift"),
    ("softmax", "others_k = Σ_{j ≠ k} e_j", "row", "stable_log1p"),
    ("softmax", "s = Σ_j e_j", "row", "shift"),
    ("softmax", "p_k = e_k / s", "row", "shift"),
    ("softmax", "1 − p_k = others_k / s", "row", "stable_gradient"),
    ("softmax", "lse − z_k = below_k + log1p(rest)", "row", "stable_log1p"),
    ("softmax", "log_s = log1p(rest)", "row", "stable_log1p"),
    ("softmax.jacobian", "J_ij = ∂p_i/∂z_j = p_i (δ_ij − p_j)", "row", "jacobian"),
    ("softmax.jacobian", "1 − p_i formed as others_i / s", "row", "stable_gradient"),
    ("softmax.jacobian_vector_product", "J v = p ⊙ v − p (p·v)", "row", "hvp"),
    ("softmax.jacobian_vector_product", "J 1 = 0", "row", "jacobian_ones"),
    ("transform", "z = κ tanh(u / κ) / T", "row", "transform"),
    ("transform", "t = dz/du = sech²(u / κ) / T", "row", "slope"),
    ("transform", "t′ = d²z/du² = −(2 / κ) tanh(u / κ) t", "row", "bend"),
    ("transform.logits", "z = κ tanh(u / κ) / T", "row", "transform"),
    ("transform.backward", "dL_du = dL_dz ⊙ t", "row", "dL_du"),
    ("transform.relative_curvature", "t′ / t = −(2 / κ) tanh(u / κ)", "row", "bend"),
]  # fmt: skip
MODULES = {path.stem: f"pminusy.core.{path.stem}" for path in CORE.glob("[a-z]*.py")} | {
    "passes": "pminusy.training.passes.specification",
    "non_negligible": "pminusy.training.passes.non_negligible",
    "dual": "pminusy.training.dual.specification",
}
ELSEWHERE = {
    "dual": "the dual of training, held against the gradient by the tests of its compiled twin",
    "layers": "the derivation of a network has its own",
    "activations": "the derivation of a network has its own",
    "twofold": "arithmetic, no formula of the head",
    "trace": "an example that runs",
    "options.Options": "shapes and ranges",
    "target_mass.target_mass": "what an ignored row is, in words",
    "passes.RowTargets": "parts of q, formed by the tests of passes",
    "target_mass.ClassFactors": "parts of q, compared in each kind of number by test_target_mass",
    "passes.curvature": "the sum over rows of the line above",
}


@cache
def letters(which: str) -> Letters:
    """Letters with the values that the derivation gives them, steps where it has one."""
    if which == "batch":
        return _of_batch()
    case = {"soft": "batch of soft targets", "plain": "layer", "curved": "layer",
            "diagonal": "layer"}.get(which, "everything")  # fmt: skip
    asked: dict[str, Any] = dict(CASES[case])
    if which == "soft":
        asked = {"z": [2.0, 1.0, 0.1], "y": [0.5, 0.3, 0.4], "weight": [1.0, 2.0, 0.5],
                 "label_smoothing": 0.1, "sample_weight": 2.0}  # fmt: skip
    d = derive(**asked)
    at = d.chapters[0].context.numbers

    def read(name: str) -> Any:
        return np.array(at.array(name), dtype=float)

    def step(name: str) -> Any:
        shown = d[name].value
        return np.array([float(v) for v in shown.entries.values()]).reshape(shown.shape)

    z, p, y, v = (read(name) for name in ("z", "p", "y", "v"))
    below = z.max() - z
    e = np.exp(-below)
    q = read("q") if which not in ("plain", "curved", "diagonal") else y
    found = {
        "z": z, "p": p, "q": q, "S": q.sum(), "Y": y, "v": v, "c": int(y.argmax()), "w": read("w"),
        "ω": read("omega"), "ε": read("epsilon"), "K": len(z), "lse": read("lse"), "m": z.max(),
        "below": below, "e": e, "s": e.sum(), "others": e.sum() - e, "δ": np.eye(len(z)),
        "rest": e.sum() - 1, "log_s": np.log(e.sum()), "J": step("jacobian"), "k": None,
        "q_{≠k}": q.sum() - q,
    }  # fmt: skip
    if which in ("plain", "curved", "diagonal"):
        R = {"plain": step("dL_dz"), "curved": step("hvp"), "diagonal": np.diag(step("hessian"))}
        found |= {"x": read("x"), "W": read("W"), "b": read("b"), "a": v, "R": R[which]}
    if which == "row":
        found |= {
            "L": read("L"), "ζ": read("zeta"), "dL_dz": step("dL_dz_total"), "u": read("u"),
            "dL_du": step("dL_du"), "t": read("t"), "a": read("t") * v, "κ": read("kappa"),
            "T": read("T"), "t′": read("curve"), "Hv": step("hvp_u"),
        }  # fmt: skip
    if which == "loss":
        found |= {"L": read("CE"), "dL_dp": step("dL_dp"), "dL_dz": step("dL_dz_long")}
    return Letters(found, dict.fromkeys("ijk", len(z)))


def _of_batch() -> Letters:
    d = derive(**CASES["batch"])
    shown = {
        name: d[f"batch_{name}"].value for name in ("logits", "dL_dZ", "dL_dW", "dL_db", "dL_dX")
    }
    found = {
        name: np.array([float(v) for _, v in sorted(value.entries.items())]).reshape(value.shape)
        for name, value in shown.items()
    }
    X, W = (np.array(CASES["batch"][name]) for name in "xW")
    found |= {"z": found["logits"], "dL_dz": found["dL_dZ"], "X": X, "W": W, "b": np.zeros(3)}
    return Letters(found, {"i": len(X), "k": 3})


def docstring(where: str) -> str:
    module, _, function = where.partition(".")
    room = importlib.import_module(MODULES[module])
    return str((getattr(room, function) if function else room).__doc__)


def readable(formula: str) -> str:
    """Without the shapes beside a letter, and with one letter for what is written as one."""
    for written, read in (
        (r" \((?:N|K)[^)]*\)(?= =)", ""), (r"L\(p, q\)", "L"), (r"∂L/∂p_k", "dL_dp_k"),
        (r"∂p_(\w)/∂z_(\w)", r"J_\1\2"), (r"d²z/du²", "t′"), (r"dz/du", "t"), (r"H_u v", "Hv"),
        (r"J 1 = 0", "Σ_j J_ij = 0"), (r" formed as ", " = "), (r"\s+=", " ="),
    ):  # fmt: skip
        formula = re.sub(written, read, formula)
    return formula


@pytest.mark.parametrize(("where", "formula", "which", "step"), FORMULAS)
def test_a_docstring_states_what_the_derivation_proves(where, formula, which, step):
    text = re.sub(r"\n\s+", " ", docstring(where)) if where.endswith("hvp") else docstring(where)
    assert formula in text
    first, *others = sides(readable(formula), letters(which))
    for other in others:
        one, two = np.broadcast_arrays(first, other)
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)
    assert any(step in derivation(case) for case in ("layer", "everything", "batch"))


def test_every_formula_of_core_is_listed():
    missing = []
    for stem, module in sorted(MODULES.items()):
        for node in ast.walk(ast.parse(inspect.getsource(importlib.import_module(module)))):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
                where = stem + ("" if isinstance(node, ast.Module) else f".{node.name}")
                if stem in ELSEWHERE or where in ELSEWHERE:
                    continue
                listed = [formula for place, formula, *_ in FORMULAS if place == where]
                doc = ast.get_docstring(node) or ""
                for formula in listed:
                    doc = doc.replace(formula, "")
                missing += [(where, line) for line in doc.splitlines() if _states(line)]
    assert not missing


def _states(line: str) -> bool:
    """Whether an equation is left in a line, apart from words about one."""
    said = ("0 · ln 0 = 0", "q = y one-hot", "G += ", "rest = Σ_j e_j without")
    return " = " in line and not any(words in line for words in said)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (SOFTMAX, "p_k = e^{z_j} / Σ_j e^{z_j}"),
        (SOFTMAX, "p_k = e^{z_k} / Σ_j e^{z_k}"),
        ("S = Σ_k q_k", "S = Σ_k p_k q_k"),
        ("dL_dz = S p − q + 2 ζ S lse p", "dL_dz = S p + q + 2 ζ S lse p"),
        ("J_ij = p_i (δ_ij − p_j)", "J_ij = p_i (δ_ij − p_i)"),
    ],
)
def test_a_slip_would_be_seen(right, wrong):
    of = letters("row")
    first, second = np.broadcast_arrays(*sides(right, of))
    assert np.allclose(first, second)
    one, other = np.broadcast_arrays(*sides(wrong, of))
    assert not np.allclose(one, other)
