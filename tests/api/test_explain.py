"""`explain` from Python."""

from pminusy.api.explain import explain


def test_explain_gives_a_derivation():
    d = explain(probabilities=[0.2, 0.6, 0.2], y=0)
    assert d["dL_dz"].title == "Result: p − y"
    assert "every one proved" in str(d)
    assert d._repr_html_().startswith("<main")
    assert [step.name for step in d][:2] == ["softmax", "shift"]
