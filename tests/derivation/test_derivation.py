"""Every line of every case is proved; steps are found by name, compared and counted."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tools.equations import EQUATIONS

from pminusy.derivation.build import derive
from pminusy.derivation.engine.decimals import decimals
from pminusy.derivation.engine.proof import ProofError, prove_by_numbers
from pminusy.derivation.statements.line import Line
from pminusy.derivation.statements.sentence import says
from pminusy.derivation.steps.step import prove
from pminusy.derivation.values.digits import as_text, rounded, sum_note
from pminusy.errors import InputError
from tests.derivation.articles import article_rows
from tests.derivation.cases import CASES, derivation


@pytest.mark.parametrize("case", CASES)
def test_every_step_is_proved(case):
    steps = list(derivation(case))
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    for step in steps:
        assert {check.kind for check in step.proof.checks} == {"algebra", "numbers"}
        assert all(check.comparisons > 0 for check in step.proof.checks)
        assert step.why.endswith(".")


def test_the_worked_example():
    d = derivation("probabilities")
    assert as_text(d["cross_entropy"].value.entries[()]) == "1.6094"
    assert [as_text(v) for v in d["dL_dz"].value.entries.values()] == ["−0.8", "0.6", "0.2"]


def test_every_equation_has_its_step():
    names = {name for case in CASES for name in derivation(case)._places}
    names |= {name.partition("_")[2] for name in names if name.startswith("layer")}
    listed = [step.partition("@")[0] for equation in EQUATIONS for step in equation.steps]
    missing = [step for step in listed if step not in names]
    assert not missing


def test_every_step_belongs_to_an_equation_or_says_why_not():
    listed = {step.partition("@")[0] for equation in EQUATIONS for step in equation.steps}
    listed |= {row.step for row in article_rows()}
    extra = {
        f"step_{name}" for name in ("logits", "probabilities", "loss", "loss_total", "transform")
    }
    for case in CASES:
        for name in derivation(case)._places:
            short = name.partition("_")[2] if name.startswith("layer") else name
            assert {name, short} & (listed | extra), name


def test_a_wrong_line_is_an_error_and_never_a_step():
    d = derivation("logits")
    _, chapter, line = d._places["dL_dz_long"]
    wrong = derivation("logits")._places["dL_dp"][2].statement
    bad = Line(
        line.name,
        line.title,
        type(wrong)((line.statement.sides[0], wrong.sides[1]), ("=",)),
        says("Because."),
    )
    with pytest.raises(ProofError, match="dL_dz_long"):
        prove(bad, chapter.key, 1, chapter.context)


def test_core_must_agree(monkeypatch):
    from pminusy.core import head

    original = head.cross_entropy_grad
    monkeypatch.setattr(
        head, "cross_entropy_grad", lambda *a: (original(*a)[0], original(*a)[1] * (1 + 2e-15))
    )
    with pytest.raises(ProofError, match="core gives"):
        derive(z=np.array([2.0, 1.0, 0.1]), y=0)["dL_dz"]


def test_steps_are_made_when_they_are_asked_for():
    d = derive(z=[2.0, 1.0, 0.1], y=0)
    assert not d._steps
    assert d["dL_dz"].name == "dL_dz"
    assert list(d._steps) == ["dL_dz"]
    with pytest.raises(KeyError, match="did you mean 'jacobian'"):
        d["jacobain"]


def test_compare_finds_what_an_option_changes():
    plain, smooth = derivation("logits"), derivation("label_smoothing")
    assert not plain.compare(derive(**CASES["logits"], route="all"))
    names = {difference.name for difference in plain.compare(smooth)}
    assert {"dL_dz", "target_mass", "sparse_own"} <= names
    assert "jacobian" not in names


def test_a_gradient_step_goes_where_the_signs_send_it():
    d = derivation("layer")
    before, after = (list(d[n].value.entries.values()) for n in ("softmax", "step_probabilities"))
    assert after[0] > before[0]
    W = np.array(CASES["layer"]["W"])
    x, b = np.array(CASES["layer"]["x"]), np.array(CASES["layer"]["b"])
    for _ in range(3):
        p = np.exp(W @ x + b) / np.exp(W @ x + b).sum()
        g = p - np.eye(3)[0]
        W, b = W - 0.1 * np.outer(g, x), b - 0.1 * g
    p = np.exp(W @ x + b) / np.exp(W @ x + b).sum()
    table = derive(**CASES["layer"], steps=3)["step_loss"].line.table
    assert table is not None
    last = table.rows[-1]
    assert float(last[1]) == pytest.approx(-math.log(p[0]), rel=1e-4)


@pytest.mark.parametrize("depth", ["result", "outline", "full"])
def test_depth(depth):
    d = derive(z=[2.0, 1.0, 0.1], y=0, depth=depth)
    assert "dL_dz" in d.names
    assert ("own_factored" in d.names) == (depth == "full")


@pytest.mark.parametrize("route", ["long", "sparse", "direct"])
def test_routes(route):
    d = derive(z=[2.0, 1.0, 0.1], y=0, route=route)
    own = {"long": "chain_by_case", "sparse": "sparse_own", "direct": "direct_lse"}
    assert {name for name in own.values() if name in d.names} == {own[route]}


def test_many_classes_stay_short():
    d = derive(z=np.random.default_rng(0).standard_normal(60), y=3)
    text = str(d)
    assert d.depth == "outline"
    assert len(text) < 30_000
    assert "more" in text


@pytest.mark.parametrize("z", [[40.0, 0.0], [-1e-9, 1e-9, 0.0], [1e6 + 1, 1e6], [-745.0, 0.0, 3.0]])
def test_extreme_logits(z):
    d = derive(z=z, y=0, depth="outline")
    for step in d:
        assert step.value is not None
    typed = [decimals.mpf(repr(v)) for v in z]
    exact = -decimals.ln(decimals.exp(typed[0]) / sum(decimals.exp(v) for v in typed))
    assert abs(d.summary.loss - exact) <= abs(exact) * decimals.mpf(10) ** -30


def test_a_long_network():
    asked = {"network": ",".join(["relu:2"] * 10), "x": [[0.3, -0.8]], "y": [1], "seed": 4}
    assert not derive(**asked).names  # an outline by layer
    d = derive(**asked, layer="all")
    assert len([name for name in d.names if name.endswith("_da")]) == 21
    assert d["layer1_linear_da"].proof


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a negative probability": ({"probabilities": [-0.1, 1.1], "y": 0}, "≥ 0, got -0.1"),
    "a sum that is off": ({"probabilities": [0.3, 0.6], "y": 0}, "off by -0.1; pass --normalise"),
    "a target out of range": ({"z": [1.0, 2.0], "y": 2}, "from 0 to 1, got 2"),
    "a misspelt class": (
        {"z": [1.0, 2.0], "y": "cta", "classes": ["cat", "dog"]},
        "did you mean 'cat'",
    ),
    "NaN": ({"z": [1.0, math.nan], "y": 0}, "NaN spreads"),
    "infinity": ({"z": [1.0, math.inf], "y": 0}, "a certain class"),
    "masks alone": ({"z": [-math.inf, -math.inf], "y": 0}, "a row of only −∞ is NaN"),
    "one class left": ({"z": [1.0, -math.inf], "y": 0}, "p is 1 and L is 0"),
    "a mask under a cap": ({"z": [1.0, -math.inf, 0.0], "y": 0, "softcap": 2.0}, "mask after"),
    "a mask in a mean of weight 0": (
        {"z": [1.0, -math.inf, 0.0], "y": 0, "label_smoothing": 0.1, "weight": [1.0, 0.0, 1.0]},
        "leave the class out",
    ),
    "a reduction": ({"z": [[1.0, 2.0]], "y": [0], "reduction": "max"}, '"mean", "sum" or "none"'),
    "a reduction of one": ({"z": [1.0, 2.0], "y": 0, "reduction": "sum"}, "a batch"),
    "upstream": ({"z": [[1.0, 2.0]], "y": [0], "grad_output": [1.0]}, 'reduction="none"'),
    "upstream's length": (
        {"z": [[1.0, 2.0]], "y": [0], "reduction": "none", "grad_output": [1.0, 2.0]},
        "1 finite",
    ),
    "a route of an ignored row": ({"z": [1.0, 2.0], "y": -100, "route": "direct"}, "that counts"),
    "digits": ({"z": [1.0, 2.0], "y": 0, "digits": 31}, "from 1 to 30"),
    "steps": ({"x": [1.0], "W": [[1.0], [2.0]], "y": 0, "steps": 0}, "from 1 to 1000"),
    "a rate": ({"x": [1.0], "W": [[1.0], [2.0]], "y": 0, "rate": -1.0}, "above 0"),
    "lengths": ({"x": [1.0], "W": [[1.0, 2.0], [3.0, 4.0]], "y": 0}, "2 features"),
    "names": ({"z": [1.0, 2.0], "y": 0, "classes": ["a"]}, "2 names"),
    "nothing": ({"y": 0}, "got nothing"),
    "both": ({"z": [1.0, 2.0], "probabilities": [0.5, 0.5], "y": 0}, "one of the three"),
    "a row beyond": ({"z": [[1.0, 2.0]], "y": [0], "row": 1}, "from 0 to 0"),
    "a route": ({"z": [1.0, 2.0], "y": 0, "route": "scenic"}, "scenic"),
    "a notation": ({"z": [1.0, 2.0], "y": 0, "notation": "x"}, "yhat"),
    "hints": ({"z": [1.0, 2.0], "y": 0, "hints": 4}, "0, 1, 2 or 3"),
    "sparse": ({"z": [1.0, 2.0], "y": [0.5, 0.5], "route": "sparse"}, "one-hot"),
    "a layer": ({"network": "relu:2,lstm", "x": [[1.0, 2.0]], "y": [0]}, "lstm"),
    "a temperature": ({"z": [1.0, 2.0], "y": 0, "temperature": 0.0}, "from 1e-30 to 1e30"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_said_in_one_line(what):
    arguments, message = BAD[what]
    with pytest.raises(InputError) as caught:
        list(derive(**arguments))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_normalise():
    d = derive(probabilities=[1.0, 3.0], y=0, normalise=True)
    assert [as_text(v) for v in d["softmax"].value.entries.values()] == ["0.25", "0.75"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.2, "0.2"), (-0.8, "−0.8"), (4.248354255291589e-18, "4.2484×10⁻¹⁸"), (0, "0"),
     (123456.7, "123460"), (0.00012345678, "0.00012346"), (12345678901.0, "1.2346×10¹⁰"),
     (0.999999, "1"), (1e-45, "1×10⁻⁴⁵"), (0.0, "0")],
)  # fmt: skip
def test_rounding(value, text):
    assert as_text(value) == text
    assert rounded(value, 30).plain.count("e") <= 1


def test_a_rounded_sum_is_not_passed_over():
    third = decimals.mpf(1) / 3
    assert "exactly they add up to 1" in sum_note([third, third, third])
    assert sum_note([decimals.mpf(1) / 4, decimals.mpf(3) / 4]) == ""


@pytest.mark.parametrize("y", [0, 1])
def test_logits_far_apart_are_proved_too(y):
    d = derive(z=[800.0, 0.0, 1.0], y=y, depth="outline")
    assert len(list(d)) == len(d)
    assert as_text(d["softmax"].value.entries[(1,)]) == "3.6679×10⁻³⁴⁸"
    gradient = d["dL_dz"].value.entries[(0,)]
    assert float(gradient) == (1.0 if y else 0.0)
    assert y or gradient < 0
    assert y == 0 or "0 · 0 +" not in str(d)


def test_the_digits_of_one_derivation_are_its_own():
    before = decimals.dps
    far, near = derive(z=[800.0, 0.0], y=0), derive(z=[1.0, 0.0], y=0)
    assert [d.chapters[0].context.numbers.environment.digits for d in (far, near)] == [806, 112]
    assert near["softmax"].value
    assert as_text(far["softmax"].value.entries[(1,)]) == "3.6679×10⁻³⁴⁸"
    assert decimals.dps == before


def test_an_ignored_row_counts_nothing():
    d = derivation("ignored, all options")
    assert [as_text(v) for v in d.summary.gradient] == ["0", "0", "0"]
    assert "an ignored row" in d.summary.heading
    batch = derivation("ignored rows")
    assert as_text(batch["batch_denominator"].value.entries[()]) == "2"
    kept = derive(**CASES["ignored rows"] | {"x": [[1.0, -2.0], [2.0, 0.0]], "y": [0, 2]})
    one, other = (x["batch_dL_dW"].value.entries for x in (batch, kept))
    assert [float(v) for v in one.values()] == pytest.approx([float(v) for v in other.values()])


def test_ignore_index_may_be_a_class():
    assert "ignored_loss" in derive(z=[1.0, 2.0], y=0, ignore_index=0).names


def test_a_mask_is_left_out_and_keeps_the_names_of_the_others():
    d = derivation("masked")
    exact = np.exp([2.0, -np.inf, 0.1, 1.0])
    assert [float(v) for v in d.summary.probabilities] == pytest.approx(exact / exact.sum())
    assert d.summary.true_class == 2
    assert "K = 4, of which 1 masked" in d.summary.heading
    assert [row.indices["k"] for row in d["softmax"].rows] == [0, 2, 3]
    assert "p_3 = " in str(d)
    assert all(v == 0 for v in d["mask_gradient"].value.entries.values())


def test_a_target_on_a_mask_is_an_infinite_loss():
    d = derivation("infinite")
    assert math.isinf(float(d.summary.loss))
    assert float(d.summary.gradient[1]) == pytest.approx(-0.1 / 3)
    assert "loss ∞" in str(d)
    assert derive(probabilities=[0.5, 0.5, 0.0], y=2, depth="result").summary.loss == decimals.inf


def test_rows_of_a_batch_are_called_by_their_number():
    d = derive(z=np.eye(12), y=list(range(12)), row=9, depth="outline")
    assert {row.indices["n"] for row in d["batch_row_loss"].rows} == {0, 1, 2, 9}
    assert "row 9 of a batch" in d.summary.heading
    assert "rows 0, 1, 2, 9" in d.summary.notes[0]


def test_logits_too_far_apart_are_refused():
    with pytest.raises(InputError, match="at most 5,000 apart, got 50,000"):
        derive(z=[50000.0, 0.0], y=0)


def test_many_terms_are_proved_along_random_directions():
    wide = derive(x=np.linspace(-1, 1, 16), W=np.outer([1.0, -1.0, 0.5], np.ones(16)), y=0)
    assert "random directions" in str(wide["hvp_W"].proof)
    assert "random directions" not in str(wide["dL_dW_entry"].proof)
    _, chapter, line = wide._places["hvp_W"]
    left, right = line.statement.sides
    wrong = replace(line, statement=type(line.statement)((left, right + right), ("=",)))
    with pytest.raises(ProofError):
        prove_by_numbers(wrong.statement, chapter.context.numbers)


def test_logits_add_up_from_named_features():
    W = np.linspace(-1, 1, 42).reshape(3, 14)
    names = [f"f{d}" for d in range(14)]
    d = derive(x=np.ones(14), W=W, b=[1, 2, 3], y="b", classes=["a", "b", "c"], features=names)
    table = d["linear"].line.table
    assert table is not None
    assert table.head == ("feature", "x", "a", "b", "c")
    assert table.rows[-3][0] == "2 more"
    columns = [[float(row[2 + k].replace("−", "-")) for row in table.rows] for k in range(3)]
    for *parts, logit in columns:
        assert sum(parts) == pytest.approx(logit, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("W and b", {"W": [[1.0], [2.0]]}),
        ("features", {"features": ["a"]}),
        ("steps", {"steps": 5}),
        ("normalise", {"normalise": True}),
        ("row", {"row": 1}),
    ],
)
def test_what_would_change_nothing_is_refused(name, more):
    with pytest.raises(InputError, match=f"^{name}: .*leave it out"):
        derive(z=[1.0, 2.0], y=0, **more)


def test_a_row_of_a_network_is_the_one_asked_for():
    d = derive(x=[[1.0, 2.0], [0.5, -1.0]], y=[0, 1], row=1, network="linear:2", depth="result")
    assert "row 1 of a batch of 2" in d.summary.heading
    assert d.summary.true_class == 1


def test_a_target_that_is_met_has_no_gradient():
    d = derive(probabilities=[0.2, 0.6, 0.2], y=[0.2, 0.6, 0.2])
    assert len(list(d)) == len(d)
    assert [as_text(v) for v in d.summary.gradient] == ["0", "0", "0"]
    assert [as_text(v) for v in d["dL_dz"].value.entries.values()] == ["0", "0", "0"]


def test_the_layer_that_could_have_made_the_logits_has_a_gradient():
    step = derive(z=[2.0, 1.0, 0.1], y=0)["why_stop_at_z"]
    p = np.exp([2.0, 1.0, 0.1]) / np.exp([2.0, 1.0, 0.1]).sum()
    assert [float(v) for v in step.value.entries.values()] == pytest.approx(p - [1, 0, 0])


def test_what_the_summary_says_has_the_base_that_was_asked_for():
    natural, bits = (derive(z=[2.0, 1.0, 0.1], y=0, log_base=B).summary for B in (None, 2.0))
    assert float(natural.loss / bits.loss) == pytest.approx(np.log(2))
    for one, other in zip(natural.gradient, bits.gradient, strict=True):
        assert float(one / other) == pytest.approx(np.log(2))


def test_a_masked_row_is_as_exact_as_another():
    masked, plain = (derive(z=z, y=0).summary for z in ([40.0, -np.inf, 0.0], [40.0, 0.0]))
    assert masked.probabilities[::2] == plain.probabilities
    assert masked.gradient[::2] == plain.gradient
    assert masked.probabilities[1] == masked.gradient[1] == 0


def test_ignored_rows_are_not_among_the_losses():
    z = [[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]]
    table = derive(z=z, y=[0, -100, 1], depth="result").summary.tables[0]
    rows = {row[0]: row[1] for row in table.rows}
    assert rows["smallest and largest loss of a row"] == "0.3133 and 1.313"
    assert rows["row with the largest loss"] == "2"


def test_a_row_whose_target_is_masked_is_not_in_the_chapter_on_the_batch():
    d = derive(z=[[1.0, -math.inf, 2.0], [0.5, -math.inf, 1.0]], y=[0, 1])
    assert "rows 0; the table is of all" in d.summary.notes[0]
    assert d["batch_row_loss"].value.shape == (1,)


@pytest.mark.parametrize(
    "option",
    [
        {"z_loss": 0.1}, {"softcap": 3.0}, {"temperature": 2.0}, {"label_smoothing": 0.1},
        {"y": [[0.5, 0.3, 0.4], [0.0, 1.0, 0.0]]}, {"weight": [1.0, 2.0, 0.5]},
        {"reduction": "none", "label_smoothing": 0.1}, {"log_base": 2.0, "z_loss": 0.1},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("source", ["logits", "layer"])
def test_a_batch_has_every_option_alone(source, option):
    given = {"z": [[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]]}
    if source == "layer":
        given = {"x": [[1.0, -2.0], [0.5, 1.0]], "W": CASES["layer"]["W"]}
    d = derive(**given, **{"y": [0, 1], **option})
    (batch,) = (chapter for chapter in d.chapters if chapter.key == "batch")
    assert all(d[line.name].proof for line in batch.lines)


def test_the_loss_after_a_step_has_its_z_loss():
    layer = {"x": [1.0, -2.0], "W": CASES["layer"]["W"], "b": [0.0, 0.0, 0.0]}
    d = derive(**layer, y=0, z_loss=1.0, rate=0.1)
    new = {
        key: [[float(v) for v in d.chapters[0].context.numbers.array(f"{key}_new").ravel()]]
        for key in ("W", "b")
    }
    W, b = np.array(new["W"]).reshape(3, 2), np.array(new["b"])[0]
    z = W @ layer["x"] + b
    lse = np.log(np.exp(z).sum())
    assert float(d["step_loss"].value.entries[()]) == pytest.approx(lse - z[0], rel=1e-12)
    whole = float(d["step_loss_total"].value.entries[()])
    assert whole == pytest.approx(lse - z[0] + lse**2, rel=1e-12)
    table = d["step_loss"].line.table
    assert table is not None
    assert f"{whole:.4f}"[:5] in table.rows[1][1]


def test_convex_is_said_only_of_what_is():
    plain, z_loss, capped = (
        derive(z=[-5.0, -6.0, -7.0], y=0, **option)["convex"].title
        for option in ({}, {"z_loss": 1.0}, {"softcap": 3.0})
    )
    assert plain == "The loss is convex in the logits"
    assert z_loss == "The cross-entropy is convex in the logits"
    assert capped == "The loss is convex in the logits z"


@pytest.mark.parametrize("option", [{}, {"temperature": 2.0}, {"softcap": 3.0}])
def test_the_bias_is_added_to_the_logit_that_the_layer_makes(option):
    why = derive(x=[1.0], W=[[1.0], [2.0]], y=0, **option)["dL_db"].why
    assert f"∂{'u' if option else 'z'}_k/∂b_k = 1" in why


def test_too_many_classes_are_refused_in_one_line():
    with pytest.raises(
        InputError, match=r"z: expected at most 5,000 classes, got 20,000"
    ) as caught:
        derive(z=np.linspace(-3.0, 3.0, 20_000), y=5)
    assert "\n" not in str(caught.value)


def test_another_base_says_which_steps_have_it():
    d = derive(z=[2.0, 1.0, 0.1], y=0, log_base=2.0)
    assert "0.41703 / 0.69315 = 0.60165" in d.summary.notes[0]
    exact = d["cross_entropy"].value.entries[()] / decimals.ln(2)
    assert abs(d.summary.loss - exact) < 1e-25
    assert not derive(z=[2.0, 1.0, 0.1], y=0).summary.notes


def test_many_features_are_derived():
    """Sums along complex directions are compared where a layer has hundreds of features."""
    random = np.random.default_rng(0)
    layer = {"x": random.normal(size=784), "W": random.normal(size=(10, 784)), "b": np.zeros(10)}
    assert "steps, every one proved" in str(derive(**layer, y=1))


def test_an_index_one_too_large_is_told_where_counting_begins():
    with pytest.raises(InputError, match="from 0 to 2, got 3; classes are counted from 0"):
        derive(z=[2.0, 1.0, 0.1], y=3)
