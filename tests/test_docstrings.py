"""Examples in docstrings run, and public functions have every part of a docstring."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import pminusy as pmy
import pminusy.core
import pminusy.ops

MODULES = [
    "pminusy",
    "pminusy.errors",
    "pminusy.arguments",
    "pminusy.kernels.dispatch",
    "pminusy.estimators.calibration",
    "pminusy.estimators.softmax_regression",
    "pminusy.api.fit_table",
    "pminusy.api.table_model",
    "pminusy.present.numbers",
    "pminusy.present.sanitise",
    *(
        module.name
        for package in (pminusy.core, pminusy.ops)
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    ),
]
FUNCTIONS = [name for name in pmy.__all__ if inspect.isfunction(getattr(pmy, name))]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(name)
    assert module.__doc__
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmax_jacobian", "cross_entropy"])
def test_examples_are_found(name):
    finder = doctest.DocTestFinder()
    assert next(case.examples for case in finder.find(getattr(pmy, name), name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_functions_say_everything(name):
    function = getattr(pmy, name)
    text = function.__doc__
    parts = ["Parameters", "Returns", "Raises", "Examples", "References"]
    if not inspect.signature(function).parameters:  # and then nothing to refuse
        parts = ["Returns", "Examples", "References"]
    places = [text.find(f"    {part}\n") for part in parts]
    assert min(places) > 0, parts[places.index(min(places))]
    assert places == sorted(places)
