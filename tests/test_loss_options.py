"""Every surface that has the options of the loss, against their one declaration.

`SURFACES` names each place where an option is written out or shown; a place that an option forgets
is named by the test, as is one whose default, type or check has drifted.
"""

from __future__ import annotations

import inspect
import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
import typer
from sklearn.utils._param_validation import make_constraint

import pminusy as pmy
from pminusy.cli.app import application
from pminusy.cli.explain import explain as explain_command
from pminusy.core import options as declaration
from pminusy.core.options import OPTIONS, LossOption, Options, options_of
from pminusy.core.target_mass import class_factors
from pminusy.derivation.input.targets import Targets
from pminusy.derivation.layers.head import head_numbers
from pminusy.errors import InputError
from pminusy.estimators.parameters.constraints import SOFTMAX_REGRESSION, SOFTMAX_REGRESSION_CV
from pminusy.estimators.softmax_regression import SoftmaxRegression
from pminusy.estimators.softmax_regression_cv import SoftmaxRegressionCV
from pminusy.kernels.head import cpu as kernels
from pminusy.kernels.head import reference
from pminusy.training.sources.arrays import ArraySource, make_targets

torch: Any = pytest.importorskip("torch")

import pminusy.torch as pt  # noqa: E402  # after the skip
from pminusy.torch import head as in_place  # noqa: E402
from pminusy.torch import plain  # noqa: E402
from pminusy.torch.plain import TensorOptions  # noqa: E402

MISSING = inspect.Parameter.empty
Declared = tuple[LossOption, ...]
LOSSES = [
    pmy.cross_entropy,
    pmy.cross_entropy_grad,
    pmy.cross_entropy_hvp,
    pmy.linear_cross_entropy,
    pmy.linear_cross_entropy_grad,
    pmy.linear_cross_entropy_hvp,
    pmy.cross_entropy_outputs,
    pmy.linear_cross_entropy_outputs,
]


def shown_by(function: Callable[..., Any]) -> dict[str, Any]:
    """Parameters of a function with their defaults."""
    return {p.name: p.default for p in inspect.signature(function).parameters.values()}


def schema(name: str) -> set[str]:
    operator = getattr(torch.ops.pminusy, name).default
    return {argument.name for argument in operator._schema.arguments}


def scripted(module: type) -> set[str]:
    """The options that the scripted branch of a module hands to its operator."""
    text = inspect.getsource(module.forward)  # type: ignore[attr-defined]  # of a module
    call = text[text.index("torch.ops.pminusy") : text.index("return scripted")]
    return set(re.findall(r"\w+", call))


def eager(module: type) -> set[str]:
    """The options that the other branch hands to the function."""
    text = inspect.getsource(module.forward)  # type: ignore[attr-defined]  # of a module
    return set(re.findall(r"(\w+)=", text[text.index("return scripted") :])) | {"weight"}


def passed_on(function: Callable[..., Any]) -> set[str]:
    """The options that a function of torch's form puts into `TensorOptions` and hands to a mode."""
    text = inspect.getsource(function)
    told = text[text.index("handle_torch_function(") : text.index("settings = TensorOptions(")]
    settings = text[text.index("settings = TensorOptions(") :]
    settings = settings[: settings.index(")")].replace("ignored", "ignore_index")
    return set(re.findall(r"\w+", told)) & set(re.findall(r"\w+", settings))


def flags(command: str) -> set[str]:
    group: Any = typer.main.get_command(application())
    return {flag for p in group.commands[command].params for flag in p.opts}


@dataclass(frozen=True)
class Surface:
    """A file and a place in it; which options it has, of those it must have."""

    file: str
    place: str
    needed: Callable[[LossOption], bool]
    has: Callable[[LossOption], bool]


def of_losses(option: LossOption) -> bool:
    return not option.explain_only


def of_explain(option: LossOption) -> bool:
    return not option.losses_only


def not_a_row(option: LossOption) -> bool:
    """What a module has from its start; weights of rows and their number come with each batch."""
    return of_losses(option) and option.entries != "row" and option.kind != "scalar"


def typed(option: LossOption) -> bool:
    kinds = declaration.LossOptions if of_losses(option) else declaration.ExplainedLossOptions
    return option.name in get_type_hints(kinds)


def told(option: LossOption) -> bool:
    return option.name in passed_on(pt.cross_entropy)


SURFACES = [
    Surface("core/options.py", "LossOptions", lambda o: True, typed),
    Surface(
        "torch/plain.py", "TensorOptions", of_losses, lambda o: o.name in TensorOptions._fields
    ),
    Surface(
        "torch/loss.py", "cross_entropy", of_losses, lambda o: o.name in shown_by(pt.cross_entropy)
    ),
    Surface("torch/loss.py", "the arguments passed on", of_losses, told),
    Surface(
        "torch/linear.py", "linear_cross_entropy", of_losses,
        lambda o: o.name in shown_by(pt.linear_cross_entropy),
    ),
    Surface(
        "torch/linear.py", "the arguments passed on", of_losses,
        lambda o: o.name in passed_on(pt.linear_cross_entropy),
    ),
    *(
        Surface(
            "torch/modules.py", f"{module.__name__}.{place}", needed,
            lambda o, module=module, has=has: o.name in has(module),  # type: ignore[misc]
        )
        for module in (pt.CrossEntropyLoss, pt.LinearCrossEntropyLoss)
        for place, needed, has in (
            ("__init__", not_a_row, lambda m: shown_by(m.__init__)),
            ("forward, in TorchScript", of_losses, scripted),
            ("forward", of_losses, eager),
        )
    ),
]  # fmt: skip

MADE_FROM_IT = [
    *(
        Surface("ops/", f.__name__, of_losses, lambda o, f=f: o.name in shown_by(f))  # type: ignore[misc]
        for f in LOSSES
    ),
    Surface("api/explain.py", "explain", of_explain, lambda o: o.name in shown_by(pmy.explain)),
    Surface(
        "cli/loss_flags.py", "pminusy explain", of_explain,
        lambda o: o.flag in flags("explain"),
    ),
    *(
        Surface(
            "torch/", name, of_losses,
            lambda o, name=name: o.name in schema(name),  # type: ignore[misc]
        )
        for name in ("cross_entropy_loss", "linear_cross_entropy_loss", "linear_cross_entropy")
    ),
]  # fmt: skip


def forgotten(surfaces: list[Surface], options: Declared = OPTIONS) -> list[str]:
    """Places that lack an option."""
    return [
        f"{surface.file}: {surface.place} lacks {option.name}"
        for surface in surfaces
        for option in options
        if surface.needed(option) and not surface.has(option)
    ]


DUMMY = OPTIONS[0]._replace(
    name="dummy", default=0.0, kind="float", optional=False, entries="", flag="--dummy",
    in_torch=False,
)  # fmt: skip


def test_no_place_lacks_an_option():
    assert forgotten([*SURFACES, *MADE_FROM_IT]) == []


def test_a_new_option_is_missed_by_each_place_that_writes_options_out():
    missed = forgotten(SURFACES, (*OPTIONS, DUMMY))
    assert len(missed) == len(SURFACES)
    assert all(place.endswith(" lacks dummy") for place in missed)


def test_the_recipe_names_those_places():
    text = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text()
    recipe = text[text.index("## To add an option of the loss") :].split("\n## ")[0]
    files = re.findall(r"^\| `([\w/.]+\.py)`", recipe, re.MULTILINE)
    assert {surface.file for surface in SURFACES} <= set(files)
    assert len(files) == len(set(files)) <= 10
    root = Path(pmy.__file__).parent
    assert all((root / file).is_file() or (root.parents[1] / file).is_file() for file in files)


def twice_the_mass(options, weight, K, number=None):
    """`class_factors` as a new option of the loss might change it."""
    from pminusy.core.target_mass import ClassFactors

    e = options.label_smoothing if number is None else number(options.label_smoothing)
    return ClassFactors(2 * weight * (1 - e), 2 * weight * (e / K))


def of_kernels(weight: Any) -> float:
    z, y = np.tile(ONE["z"], (200, 1)), np.tile(ONE["y"], 200)
    loss = kernels.cross_entropy(z, y, Options(weight=weight, reduction="sum"))
    return float(loss) / 200


def by_training(weight: Any) -> float:
    z, y = np.array(ONE["z"]), np.array(ONE["y"])
    source = ArraySource(z, 3, make_targets(y, 3, class_weight=weight))
    q = source.mass(np.arange(2))
    return float((q * (np.log(np.exp(z).sum(axis=1, keepdims=True)) - z)).sum())


def in_a_network(weight: Any) -> float:
    targets = Targets(np.eye(3)[ONE["y"]], np.array(ONE["y"]))
    Q = head_numbers(targets, Options(weight=weight, reduction="sum"), None).values["Q"]
    z = np.array(ONE["z"])
    return float((Q * (np.log(np.exp(z).sum(axis=1, keepdims=True)) - z)).sum())


PATHS: dict[str, Callable[[Any], float]] = {
    "core": lambda w: float(reference.cross_entropy(
        np.array(ONE["z"]), np.array(ONE["y"]), Options(weight=w, reduction="sum")
    )),
    "kernels": of_kernels,
    "torch, plain": lambda w: float(plain.loss(
        torch.tensor(ONE["z"]), torch.tensor(ONE["y"]),
        TensorOptions(weight=torch.tensor(w), reduction="sum"),
    )),
    "torch, in place": lambda w: float(in_place.head(
        torch.tensor(ONE["z"]), torch.tensor(ONE["y"]), TensorOptions(weight=torch.tensor(w)), False
    ).losses.sum()),
    "training": by_training,
    "network": in_a_network,
}  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_the_target_mass_of_every_path_is_that_of_core(path, monkeypatch):
    weight = np.array([0.5, 2.0, 1.0])
    before = PATHS[path](weight)
    monkeypatch.setattr(class_factors, "__code__", twice_the_mass.__code__)
    assert PATHS[path](weight) == pytest.approx(2 * before, rel=1e-6)


def test_every_option_says_everything():
    for option in OPTIONS:
        assert option.help.endswith(".")
        assert option.effect.endswith(".")
        assert option.expected
        assert option.help in (Options.__doc__ or "")
        assert (option.kind == "array") == bool(option.entries)
        assert option.optional == (option.default is None)
        assert option.optional or option.accepts(option.default)


@pytest.mark.parametrize(
    "function",
    [
        *(*LOSSES, pmy.explain, pmy.softmax, pmy.log_softmax, pmy.softmax_jacobian),
        *(pt.cross_entropy, pt.CrossEntropyLoss.__init__, TensorOptions),
        *(pt.linear_cross_entropy, pt.LinearCrossEntropyLoss.__init__),
        *(SoftmaxRegression, SoftmaxRegressionCV),
    ],
    ids=lambda f: getattr(f, "__qualname__", str(f)),
)
def test_defaults_are_those_declared(function):
    shown = shown_by(function)
    for option in OPTIONS:
        default = shown.get(option.name, option.default)
        none_for_it = option.name == "ignore_index" and default is None  # torch's linear form
        assert default is MISSING or default == option.default or none_for_it


def test_help_shows_names_and_defaults():
    text = str(inspect.signature(pmy.cross_entropy))
    for option in options_of(explain=False):
        assert re.search(rf"\b{option.name}: [^,]+ = {re.escape(repr(option.default))}", text)
    assert "options" not in shown_by(pmy.cross_entropy)


def test_flags_have_the_defaults_and_the_help_declared():
    group: Any = typer.main.get_command(application())
    found = {p.name: p for p in group.commands["explain"].params}
    for option in options_of(explain=True):
        assert found[option.name].default == option.default
        assert found[option.name].help == option.help
    assert "loss" not in inspect.signature(explain_command).parameters


TRIED: list[Any] = [
    0, 1, -1, 0.0, 0.5, 1.0, 1.5, -1e-9, 1e-31, 1e31, math.inf, -math.inf, math.nan, True, None,
    "mean", "average", "", 2.0**63, np.float16(0.5), np.int8(1), [], (0.1,),
]  # fmt: skip
ONE: dict[str, Any] = {"z": [[1.0, 0.0, 2.0], [0.5, 0.0, 1.0]], "y": [0, 1]}


def refused(call: Callable[[], Any], name: str) -> bool:
    """Whether a call refuses the option of this name."""
    try:
        call()
    except InputError as error:
        return error.what.startswith(name)
    return False


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.kind != "array"], ids=lambda o: o.name)
def test_every_path_refuses_what_the_declaration_does(option):
    z, y = torch.tensor(ONE["z"]), torch.tensor(ONE["y"])
    X, W = z, torch.eye(3)
    calls: list[Callable[..., Any]] = [Options]
    if not option.explain_only:
        calls += [
            lambda **o: pmy.cross_entropy(ONE["z"], ONE["y"], **o),
            lambda **o: pmy.linear_cross_entropy_grad(ONE["z"], np.eye(3), None, ONE["y"], **o),
            lambda **o: pt.cross_entropy(z, y, **o),
            lambda **o: pt.cross_entropy(z.half(), y, **o),
            (lambda **o: pt.CrossEntropyLoss()(z, y, **o))
            if option.kind == "scalar"
            else (lambda **o: pt.CrossEntropyLoss(**o)(z, y)),
            lambda **o: pt.linear_cross_entropy(X, W, y, **o),
            lambda **o: torch.func.vmap(lambda r: pt.cross_entropy(r, y, **o))(z[None]),
        ]
    for value in TRIED:
        meaningful = option.accepts(value) or (option.optional and value is None)
        for call in calls:
            if option.name == "ignore_index" and value is None and call is calls[-2]:
                continue  # torch's linear form has None for -100
            is_refused = refused(partial(call, **{option.name: value}), option.name)
            assert is_refused != meaningful, (option.name, value)


NO_REDUCTIONS: list[Any] = [
    "average", "", "MEAN", "mean ", "batchmean", b"mean", None, 0, 1.0, True, ["mean"], ("sum",),
]  # fmt: skip
Z, Y, EYE = torch.tensor(ONE["z"]), torch.tensor(ONE["y"]), torch.eye(3)
POSITIONS = torch.ones(3, 2, 3), torch.zeros(2, 2, dtype=torch.int64)


def changed_later(module: Any, *inputs: Any) -> Callable[[Any], Any]:
    """A call of a module whose attribute is set after it was made."""

    def call(reduction: Any) -> Any:
        module.reduction = reduction
        return module(*inputs)

    return call


class PassesOn(torch.overrides.TorchFunctionMode):  # type: ignore[misc]  # of untyped torch
    """A mode that calls what it is told of."""

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return function(*args, **(kwargs or {}))


def by_mode(reduction: Any) -> Any:
    with PassesOn():
        return pt.cross_entropy(Z, Y, reduction=reduction)


REDUCING: dict[str, Callable[[Any], Any]] = {
    "arrays": lambda r: pmy.cross_entropy(ONE["z"], ONE["y"], reduction=r),
    "arrays, large": lambda r: pmy.cross_entropy(
        np.ones((9000, 9)), np.ones(9000, int), reduction=r
    ),
    "gradient": lambda r: pmy.cross_entropy_grad(ONE["z"], ONE["y"], reduction=r),
    "hvp": lambda r: pmy.cross_entropy_hvp(ONE["z"], ONE["y"], ONE["z"], reduction=r),
    "layer": lambda r: pmy.linear_cross_entropy(ONE["z"], np.eye(3), None, ONE["y"], reduction=r),
    "layer, gradient": lambda r: pmy.linear_cross_entropy_grad(
        ONE["z"], np.eye(3), None, ONE["y"], reduction=r
    ),
    "layer, hvp": lambda r: pmy.linear_cross_entropy_hvp(
        ONE["z"], np.eye(3), None, ONE["y"], np.eye(3), None, reduction=r
    ),
    "explain a batch": lambda r: pmy.explain(**ONE, reduction=r),
    "tensors by our names": lambda r: pmy.cross_entropy(Z, Y, reduction=r),
    **{
        f"torch, {dtype}": lambda r, dtype=dtype: pt.cross_entropy(Z.to(dtype), Y, reduction=r)  # type: ignore[misc]
        for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16)
    },
    "torch, soft": lambda r: pt.cross_entropy(Z, torch.eye(3)[Y], reduction=r),
    "torch, one class": lambda r: pt.cross_entropy(Z[:, :1], 0 * Y, reduction=r),
    "torch, no rows": lambda r: pt.cross_entropy(Z[:0], Y[:0], reduction=r),
    "torch, meta": lambda r: pt.cross_entropy(Z.to("meta"), Y.to("meta"), reduction=r),
    "torch, learning": lambda r: pt.cross_entropy(Z.clone().requires_grad_(), Y, reduction=r),
    "torch, autocast": lambda r: torch.autocast("cpu")(pt.cross_entropy)(Z, Y, reduction=r),
    "torch, a mode": by_mode,
    "vmap": lambda r: torch.func.vmap(lambda z: pt.cross_entropy(z, Y, reduction=r))(Z[None]),
    "grad": lambda r: torch.func.grad(lambda z: pt.cross_entropy(z, Y, reduction=r).sum())(Z),
    "jvp": lambda r: torch.func.jvp(lambda z: pt.cross_entropy(z, Y, reduction=r), (Z,), (Z,)),
    "hessian": lambda r: torch.func.hessian(lambda z: pt.cross_entropy(z, Y, reduction=r))(Z),
    "compiled": lambda r: torch.compile(pt.cross_entropy, backend="eager")(Z, Y, reduction=r),
    "traced": lambda r: torch.jit.trace(lambda z: pt.cross_entropy(z, Y, reduction=r), Z),
    "module": lambda r: pt.CrossEntropyLoss(reduction=r)(Z, Y),
    "module, changed": changed_later(pt.CrossEntropyLoss(), Z, Y),
    "torch's layer": lambda r: pt.linear_cross_entropy(Z, EYE, Y, reduction=r),
    "torch's layer, half": lambda r: pt.linear_cross_entropy(Z.half(), EYE.half(), Y, reduction=r),
    "torch's layer, learning": lambda r: pt.linear_cross_entropy(
        Z, EYE.clone().requires_grad_(), Y, reduction=r
    ),
    "torch's layer, vmap": lambda r: torch.func.vmap(
        lambda x: pt.linear_cross_entropy(x, EYE, Y, reduction=r)
    )(Z[None]),
    "torch's layer, compiled": lambda r: torch.compile(pt.linear_cross_entropy, backend="eager")(
        Z, EYE, Y, reduction=r
    ),
    "positions": lambda r: pt.linear_cross_entropy(Z, *POSITIONS, reduction=r),
    "module of a layer": lambda r: pt.LinearCrossEntropyLoss(3, 3, reduction=r)(Z, Y),
    "module of a layer, changed": changed_later(pt.LinearCrossEntropyLoss(3, 3), Z, Y),
}  # fmt: skip
OPERATORS: dict[str, Callable[[str], Any]] = {
    "operator": lambda r: torch.ops.pminusy.cross_entropy_loss(
        Z, Y, None, -100, r, 0.0, None, 1.0, 0.0, None, None
    ),
    "operator of a layer": lambda r: torch.ops.pminusy.linear_cross_entropy_loss(
        Z, EYE, Y, None, None, None, r, 0.0, None, 1.0, 0.0, None, None, None
    ),
    "what compilers call": lambda r: torch.ops.pminusy.linear_cross_entropy(
        Z, EYE, None, Y, None, None, None, None, -100, r, 0.0, 1.0, 0.0, None, 1 << 20, None, 0
    ),
    "what compilers call, half": lambda r: torch.ops.pminusy.linear_cross_entropy(
        Z.half(), EYE.half(), None, Y, None, None, None, None, -100, r, 0.0, 1.0, 0.0, None,
        1 << 20, None, 0,
    ),
    "scripted": lambda r: torch.jit.script(pt.CrossEntropyLoss(reduction=r))(Z, Y),
}  # fmt: skip


def refusal(call: Callable[[Any], Any], value: Any) -> str:
    """How a path refuses a reduction: the message, or nothing where it takes it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated; torch.func still uses it
            call(value)
    except Exception as error:  # compilers and TorchScript wrap ours in their own
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize("path", [*REDUCING, *OPERATORS])
def test_no_path_takes_an_unknown_reduction(path):
    call = REDUCING.get(path) or OPERATORS[path]
    for value in ("mean", "sum"):
        assert refusal(call, value) == ""
    for value in NO_REDUCTIONS:
        if path in OPERATORS and isinstance(value, bytes):
            continue  # torch's operators take bytes for text
        message = refusal(call, value)
        ours = path in REDUCING or isinstance(value, str)  # an operator's schema refuses the others
        expected = 'reduction: expected "mean", "sum" or "none"' if ours else "reduction"
        assert expected in message, (value, message)


@pytest.mark.parametrize("value", [2**63, np.float16(0.5), np.int8(1), True])
def test_numbers_of_any_type_are_floats_once_they_are_checked(value):
    for name in ("label_smoothing", "temperature", "z_loss", "softcap"):
        if next(o for o in OPTIONS if o.name == name).accepts(value):
            assert type(getattr(Options(**{name: value}), name)) is float
            given: dict[str, Any] = {name: value}
            same: dict[str, Any] = {name: float(value)}
            large = np.arange(3000.0).reshape(300, 10) % 7
            y = np.arange(300) % 10
            ours, expected = (pmy.cross_entropy(large, y, **o) for o in (given, same))
            assert ours == expected


@pytest.mark.parametrize("constraints", [SOFTMAX_REGRESSION, SOFTMAX_REGRESSION_CV])
def test_estimators_refuse_what_the_declaration_does(constraints):
    named = [option for option in OPTIONS if option.name in constraints]
    assert [option.name for option in named] == ["label_smoothing"]
    for option in named:
        allowed = [make_constraint(each) for each in constraints[option.name]]
        for value in TRIED:
            if not isinstance(value, bool):
                satisfied = any(each.is_satisfied_by(value) for each in allowed)
                assert satisfied == option.accepts(value), value


def test_fields_are_in_the_order_declared():
    assert [field.name for field in fields(Options)] == [option.name for option in OPTIONS]
    assert list(TensorOptions._fields) == [option.name for option in options_of(explain=False)]
