"""`explain` from Python."""

import inspect
from dataclasses import MISSING, fields

import pytest

from pminusy.api.explain import explain
from pminusy.core.options import OPTIONS
from pminusy.derivation.input.request import Request


def test_explain_gives_a_derivation():
    d = explain(probabilities=[0.2, 0.6, 0.2], y=0)
    assert d["dL_dz"].title == "Result: p − y"
    assert "every one proved" in str(d)
    assert d._repr_html_().startswith('<div class="pmy">')
    assert [step.name for step in d][:2] == ["softmax", "cross_entropy"]


def test_the_signature_is_that_of_the_request_and_the_options():
    parameters = list(inspect.signature(explain).parameters.values())
    asked = [field for field in fields(Request) if field.name != "options"]
    named = [option.name for option in OPTIONS if option.name != "num_items"]  # N is derived alone
    assert [p.name for p in parameters[:3]] == ["module", "x", "y"]  # pmy.explain(module, x, y)
    own = {p.name: p for p in parameters if p.name not in ("module", *named)}
    assert [*own][2:] == [field.name for field in asked if field.name not in ("x", "y")]
    assert [p.name for p in parameters[-len(named) :]] == named
    for field in asked:
        parameter = own[field.name]
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        assert parameter.default == default
        assert parameter.annotation == field.type


def test_a_word_that_is_no_option_is_refused_with_those_there_are():
    with pytest.raises(
        TypeError, match=r"argument 'smoothing'; the options are weight, .*log_base"
    ):
        explain(z=[1.0, 0.0], y=0, smoothing=0.1)  # type: ignore[call-arg]  # on purpose
