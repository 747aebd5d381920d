"""Commands that once crashed or said what was false, each by its own words."""

import json
import subprocess
import sys

import numpy as np
import pytest
import typer

from pminusy.cli.explain import explain
from pminusy.derivation.build import derive
from pminusy.errors import InputError

ROWS = "1,2,3;0,1,0"


def run(*arguments):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(explain)
    command = typer.main.get_command(app)
    with command.make_context("explain", list(arguments)) as context:
        command.invoke(context)


def printed(capsys, *arguments):
    run(*arguments)
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("option", "formula"),
    [
        (("--target", "0,1", "--z-loss", "0.1"), "L_i = −Σ_k Q_ik ln P_ik + ζ (Σ_k Q_ik) lse_i²"),
        (("--target", "0,1", "--softcap", "3"), "∂L/∂U_ik"),
        (("--target", "0,1", "--temperature", "2"), "∂L/∂U_ik"),
        (("--target", "0.5,0.3,0.2;0,1.0,0"), "Q_ik = Y_ik"),
        (("--target", "0,1", "--label-smoothing", "0.1"), "Ω = Σ_i 1"),
        (("--target", "0,1", "--label-smoothing", "0.1", "--reduction", "sum"), "L = Σ_i L_i"),
    ],
)  # fmt: skip
def test_a_batch_is_derived_under_each_option(option, formula, capsys):
    text = printed(capsys, "--logits", ROWS, *option)
    assert formula in text
    assert "every one proved" in text


def test_the_loss_after_the_step_is_the_whole_loss():
    d = derive(x=[1.0, 2.0], W=[[0.5, 0.1], [0.3, 0.2], [-0.4, 0.6]], y=0, z_loss=1.0)
    total, plain = (float(d[name].value.entries[()]) for name in ("step_loss_total", "step_loss"))
    u = np.array([float(v) for v in d["step_logits"].value.entries.values()])
    lse = np.log(np.exp(u).sum())
    assert total == pytest.approx(lse - u[0] + lse**2)
    assert plain == pytest.approx(lse - u[0])


def test_convex_is_said_only_where_it_is_so():
    z = np.array([-5.0, -6.0, -7.0])
    p = np.exp(z) / np.exp(z).sum()
    lse, J = np.log(np.exp(z).sum()), np.diag(p) - np.outer(p, p)
    eigenvalues = np.linalg.eigvalsh(J * (1 + 2 * lse) + 2 * np.outer(p, p))
    assert eigenvalues == pytest.approx([-2.86, -0.89, 0.77], abs=0.01)
    titles = [step.title for step in derive(z=z, y=0, z_loss=1.0, route="all")]
    assert "The cross-entropy is convex in the logits" in titles
    assert "The cross-entropy is flat where the model is certain" in titles
    assert not [t for t in titles if t.startswith("The loss is convex") or "loss is flat" in t]


def test_a_cap_does_not_contradict_itself():
    d = derive(z=[2.0, 1.0, 0.1], y=0, softcap=3.0, route="all")
    assert d["convex"].title == "The loss is convex in the logits z"
    assert "the loss is not convex in u" in d["cap_curvature"].why
    capped = derive(z=[2.0, 1.0, 0.1], y=0, softcap=3.0, z_loss=1.0, route="all")
    assert "The first term is ≥ 0 where 1 + 2 ζ lse is." in capped["cap_curvature"].why


@pytest.mark.parametrize("option", [("--temperature", "2"), ("--softcap", "3")])
def test_logits_given_and_logits_seen_have_letters_of_their_own(option, capsys):
    layer = ("--x", "1,2", "--W", "0.5,0.1;0.3,0.2", "--target", "0")
    text = printed(capsys, *layer, *option)
    assert "∂u_k/∂b_k = 1" in text
    assert "∂z_k/∂b_k = 1" not in text


def test_a_batch_with_options_does_not_say_p_minus_y(capsys):
    batch = ("--x", "1,2;0.5,-1", "--W", "0.5,0.1;0.3,0.2", "--target", "0,1")
    text = printed(capsys, *batch, "--label-smoothing", "0.1")
    assert "Wᵀ (p − y)" not in text
    assert "Wᵀ times the gradient at the row's logits" in text


def test_another_base_is_one_number(capsys):
    text = printed(capsys, "--logits", "2,1,0.1", "--target", "0", "--base", "2")
    assert "loss 0.60165" in text
    assert "0.41703 / 0.69315 = 0.60165" in text


@pytest.mark.parametrize("flag", ["--logits", "--x"])
def test_decimals_are_taken_as_typed(flag, tmp_path):
    layer = ("--W", "1;0;0.5") if flag == "--x" else ()
    typed = "0.1" if flag == "--x" else "0.1,0,0.05"
    run(flag, typed, *layer, "--target", "0", "-o", str(tmp_path / "d.json"))
    loss = json.loads((tmp_path / "d.json").read_text())["loss"]["exact"]
    # ln(e^0.1 + 1 + e^0.05) − 0.1, in 30 digits by mpmath
    assert loss == "1.04944544845299834602326918947"


def test_an_array_has_the_numbers_it_holds():
    typed, held = (derive(z=z, y=0).summary.loss for z in ([0.1, 0.0], np.array([0.1, 0.0])))
    assert 1e-19 < abs(typed - held) < 1e-17


def test_twenty_thousand_classes_are_refused_in_one_line():
    logits = ",".join(["0"] * 20_000)
    command = [sys.executable, "-m", "pminusy", "explain", "--logits", logits, "--target", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "pminusy: --logits: expected at most 5,000 classes, got 20,000; leave out classes of "
        "small probability: every step has all of them\n"
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--logits", "2,1,0.1", "--target", "1.5"), "an index is a whole number"),
        (("--logits", "2,inf", "--target", "0"), "--logits[1]: "),
        (("--logits", "2,1", "--target", "-1,0.5"), "--target[0]: "),
        (("--logits", "2,1", "--target", "0", "--base", "-2"), "--base: "),
    ],
)
def test_messages_name_what_was_typed(arguments, named):
    with pytest.raises(InputError) as caught:
        run(*arguments)
    assert named in str(caught.value)


def test_brackets_are_understood(capsys):
    pasted = printed(capsys, "--logits", "[2.0,1.0,0.1]", "--target", "0")
    assert pasted == printed(capsys, "--logits", "2,1,0.1", "--target", "0")
