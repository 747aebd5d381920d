"""`explain` from Python."""

import inspect
from dataclasses import MISSING, fields

from pminusy.api.explain import explain
from pminusy.derivation.input.request import Request


def test_explain_gives_a_derivation():
    d = explain(probabilities=[0.2, 0.6, 0.2], y=0)
    assert d["dL_dz"].title == "Result: p − y"
    assert "every one proved" in str(d)
    assert d._repr_html_().startswith('<div class="pmy">')
    assert [step.name for step in d][:2] == ["softmax", "cross_entropy"]


def test_the_signature_is_that_of_the_request():
    parameters = inspect.signature(explain).parameters.values()
    asked = [field for field in fields(Request) if field.init]
    assert [p.name for p in parameters] == [field.name for field in asked]
    for parameter, field in zip(parameters, asked, strict=True):
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        assert parameter.default == default
        assert parameter.annotation == field.type
