"""The specification and the compiled kernels are one interface: `linear` and `ops` take either."""

import inspect

import pytest

from pminusy.kernels.head import cpu, reference

SHORTER = {"compile_something", "softmax_in_one_step"}  # ways of compiled code, to the same results


def test_both_offer_the_same_functions():
    assert set(cpu.__all__) - SHORTER == set(reference.__all__)


@pytest.mark.parametrize("name", [name for name in reference.__all__ if name != "add_carefully"])
def test_functions_take_the_same_arguments(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (cpu, reference))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]
