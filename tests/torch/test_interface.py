"""Signatures, deprecated arguments and modules as torch has them."""

import copy
import inspect
import io
import itertools
import pickle
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")
F = torch.nn.functional

import pminusy.torch as pt  # noqa: E402  # after the skip
from pminusy.errors import InputError  # noqa: E402

OWN = {"sample_weight", "temperature", "z_loss", "softcap", "num_items", "workspace"}
ON_TORCH_2_13 = pytest.mark.skipif(
    not hasattr(torch.nn, "LinearCrossEntropyLoss"), reason="torch before 2.13"
)


def example() -> Any:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 3, generator=generator, dtype=torch.float64), torch.tensor([0, 2, 1, 2])


@ON_TORCH_2_13
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (pt.cross_entropy, F.cross_entropy),
        (pt.linear_cross_entropy, F.linear_cross_entropy),
        (pt.CrossEntropyLoss.__init__, torch.nn.CrossEntropyLoss.__init__),
        (
            pt.LinearCrossEntropyLoss.__init__,
            getattr(torch.nn, "LinearCrossEntropyLoss", object).__init__,
        ),
    ],
    ids=["cross_entropy", "linear_cross_entropy", "CrossEntropyLoss", "LinearCrossEntropyLoss"],
)
def test_parameters_are_torchs_in_order_and_then_our_own(ours, theirs):
    def of(function: Any) -> list[Any]:
        parameters = inspect.signature(function).parameters.values()
        return [(p.name, p.kind, p.default) for p in parameters if p.name not in OWN]

    assert of(ours) == of(theirs)
    named = inspect.signature(ours).parameters
    assert all(named[name].kind is inspect.Parameter.KEYWORD_ONLY for name in OWN & set(named))


@pytest.mark.parametrize(
    ("size_average", "reduce"), list(itertools.product([None, False, True], repeat=2))
)
def test_deprecated_arguments_rule_as_in_torch(size_average, reduce):
    z, y = example()
    if size_average is reduce is None:
        assert pt.cross_entropy(z, y, None, None, -100, None, "none").shape == (4,)
        assert pt.CrossEntropyLoss(None, None, -100, None, "sum").reduction == "sum"
        return
    with pytest.warns(UserWarning, match="size_average and reduce"):
        expected = F.cross_entropy(z, y, None, size_average, -100, reduce, "none")
    with pytest.warns(UserWarning, match="size_average and reduce are deprecated") as record:
        loss = pt.cross_entropy(z, y, None, size_average, -100, reduce, "none")
    assert record[0].filename == __file__
    torch.testing.assert_close(loss, expected)
    with pytest.warns(UserWarning, match="pass reduction=") as record:
        module = pt.CrossEntropyLoss(None, size_average, 1, reduce, "none")
    assert record[0].filename == __file__
    with pytest.warns(UserWarning, match="size_average and reduce"):
        reference = torch.nn.CrossEntropyLoss(None, size_average, 1, reduce, "none")
    assert module.reduction == reference.reduction
    torch.testing.assert_close(module(z, y), reference(z, y))


def test_the_old_name_of_the_mean():
    z, y = example()
    with pytest.warns(UserWarning, match="elementwise_mean' is deprecated"):
        loss = pt.cross_entropy(z, y, reduction="elementwise_mean")
    torch.testing.assert_close(loss, F.cross_entropy(z, y))


SETTABLE: tuple[Any, ...] = (
    ("reduction", "none"),
    ("label_smoothing", 0.25),
    ("ignore_index", 2),
    ("weight", torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)),
)


@pytest.mark.parametrize(("name", "value"), SETTABLE, ids=[name for name, _ in SETTABLE])
def test_options_of_modules_are_read_and_set(name, value):
    z, y = example()
    ours, theirs = pt.CrossEntropyLoss(), torch.nn.CrossEntropyLoss()
    assert getattr(ours, name) == getattr(theirs, name)
    setattr(ours, name, value)
    setattr(theirs, name, value)
    torch.testing.assert_close(ours(z, y), theirs(z, y))
    layer = pt.LinearCrossEntropyLoss(3, 3, dtype=torch.float64)
    setattr(layer, name, value)
    torch.testing.assert_close(layer(z, y), theirs(layer.linear(z), y))


@pytest.mark.parametrize(("name", "value"), [("temperature", 3.0), ("z_loss", 1.0), ("softcap", 1)])
def test_our_own_options_are_set_too(name, value):
    z, y = example()
    module = pt.CrossEntropyLoss()
    setattr(module, name, value)
    assert f"{name}={value}" in repr(module)
    torch.testing.assert_close(module(z, y), pt.cross_entropy(z, y, **{name: value}))


def test_modules_are_torchs():
    weight = torch.tensor([1.0, 2.0, 0.5])
    module = pt.CrossEntropyLoss(weight)
    assert isinstance(module, torch.nn.CrossEntropyLoss)
    assert list(module.state_dict()) == list(torch.nn.CrossEntropyLoss(weight).state_dict())
    assert module.to(torch.float64).weight.dtype == torch.float64
    assert not list(module.parameters())
    if hasattr(torch.nn, "LinearCrossEntropyLoss"):
        layer = pt.LinearCrossEntropyLoss(2, 3, bias=True, weight=weight, out_features=(4,))
        theirs = torch.nn.LinearCrossEntropyLoss(2, 3, bias=True, weight=weight, out_features=(4,))
        assert isinstance(layer, torch.nn.LinearCrossEntropyLoss)
        theirs.load_state_dict(layer.state_dict())
        X, y = torch.ones(5, 2), torch.arange(20).reshape(5, 4) % 3
        torch.testing.assert_close(layer(X, y), theirs(X, y))


@pytest.mark.parametrize("copied", ["pickle", "deepcopy", "save"])
def test_modules_are_copied_whole(copied):
    def copy_of(module: Any) -> Any:
        if copied == "deepcopy":
            return copy.deepcopy(module)
        if copied == "pickle":
            return pickle.loads(pickle.dumps(module))
        file = io.BytesIO()
        torch.save(module, file)
        file.seek(0)
        return torch.load(file, weights_only=False)

    z, y = example()
    weight = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
    first = pt.CrossEntropyLoss(weight, reduction="sum", z_loss=0.1)
    second = pt.LinearCrossEntropyLoss(3, 3, weight=weight, softcap=2.0, dtype=torch.float64)
    for module in (first, second):
        again = copy_of(module)
        assert repr(again) == repr(module)
        torch.testing.assert_close(again(z, y), module(z, y))


def test_a_layer_refuses_at_once_what_torch_refuses_at_once():
    with pytest.raises(InputError, match=r"weight: expected shape \(2,\), got shape \(3,\)"):
        pt.LinearCrossEntropyLoss(3, 2, weight=torch.ones(3))
    with pytest.raises(InputError, match="label_smoothing: expected a number in"):
        pt.LinearCrossEntropyLoss(3, 2, label_smoothing=2.0)


@ON_TORCH_2_13
def test_torchs_chunks_are_taken_and_nothing_else():
    X, y = example()
    W = torch.eye(3, dtype=torch.float64)
    options = torch.nn.LinearCrossEntropyOptions(batch_chunk_size=2)
    torch.testing.assert_close(
        pt.linear_cross_entropy(X, W, y, options=options), F.cross_entropy(X, y)
    )
    assert "batch_chunk_size=2" in repr(pt.LinearCrossEntropyLoss(3, 3, options=options))
    with pytest.raises(InputError, match=r"options: expected None or a torch\.nn\.Linear.* dict"):
        pt.linear_cross_entropy(X, W, y, options={"batch_chunk_size": 2})


def gradient_or_error(loss: Any, z: Any) -> Any:
    """What torch says of a change in place, or the gradient of the loss as it was."""
    try:
        return torch.autograd.grad(loss.sum(), z)[0]
    except RuntimeError as error:
        return str(error)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("changed", ["logits", "target", "weight", "sample_weight"])
@pytest.mark.parametrize("linear", [False, True], ids=["logits", "layer"])
def test_what_changes_in_place_after_the_loss_never_changes_the_gradient(
    reduction, dtype, changed, linear
):
    def loss_of(z: Any) -> Any:
        given = {
            "logits": z * 1,
            "target": y.clone(),
            "weight": torch.tensor([1.0, 2.0, 0.5], dtype=dtype),
            "sample_weight": torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=dtype),
        }
        options = {
            "weight": given["weight"],
            "sample_weight": given["sample_weight"],
            "reduction": reduction,
        }
        if linear:
            W = torch.eye(3, dtype=dtype)
            return pt.linear_cross_entropy(given["logits"], W, given["target"], **options), given
        return pt.cross_entropy(given["logits"], given["target"], **options), given

    z, y = example()
    z = z.to(dtype).requires_grad_()
    (expected,) = torch.autograd.grad(loss_of(z)[0].sum(), z)
    loss, given = loss_of(z)
    with torch.no_grad():
        given[changed].mul_(2 if changed != "target" else 0)
    found = gradient_or_error(loss, z)
    if isinstance(found, str):
        assert "modified by an inplace operation" in found
    else:
        torch.testing.assert_close(found, expected)


def test_logits_may_change_where_the_gradient_is_made_with_the_loss():
    z, y = example()
    z.requires_grad_()
    logits = z * 1
    loss = pt.cross_entropy(logits, y)
    with torch.no_grad():
        logits.zero_()
    expected = torch.autograd.grad(F.cross_entropy(z, y), z)
    torch.testing.assert_close(torch.autograd.grad(loss, z), expected)


def test_errors_name_the_callers_own_arguments_and_indices():
    y = torch.tensor([[0, 1, 2, 1], [0, 0, 7, 0]])
    z, X = torch.zeros(2, 3, 4), torch.zeros(2, 5)
    with pytest.raises(InputError, match=r"target\[1, 2\]: .* got 7"):
        pt.cross_entropy(z, y)
    omega = torch.ones(2, 4)
    omega[0, 3] = -1.0
    with pytest.raises(InputError, match=r"sample_weight\[0, 3\]: .* got -1"):
        pt.cross_entropy(z, y % 3, sample_weight=omega)
    soft = torch.full((2, 3, 4), 0.1)
    soft[1, 2, 3] = float("nan")
    with pytest.raises(InputError, match=r"target\[1, 2, 3\]: .* got nan"):
        pt.cross_entropy(z, soft)
    for workspace in (None, 100):
        layer = {"linear_weight": torch.zeros(3, 4, 5), "workspace": workspace}
        with pytest.raises(InputError, match=r"target\[1, 2\]: .* got 7"):
            pt.linear_cross_entropy(X, target=y, **layer)
        with pytest.raises(InputError, match=r"target\[1, 2, 3\]: .* got nan"):
            pt.linear_cross_entropy(X, target=soft, **layer)
        with pytest.raises(InputError, match=r"sample_weight\[0, 3\]: .* got -1"):
            pt.linear_cross_entropy(X, target=y % 3, sample_weight=omega, **layer)


@pytest.mark.parametrize("value", [[1.0, 1.0, 1.0], (1, 1, 1)], ids=["list", "tuple"])
@pytest.mark.parametrize("name", ["input", "target", "weight", "sample_weight"])
def test_lists_are_refused(name, value):
    given = dict(zip(("input", "target"), example(), strict=True)) | {name: value}
    expected = rf"{name}: expected a tensor, got \w+; convert it with torch\.as_tensor"
    with pytest.raises(InputError, match=expected):
        pt.cross_entropy(**given)
    with pytest.raises(InputError, match=expected):
        pt.linear_cross_entropy(linear_weight=torch.eye(3, dtype=torch.float64), **given)


def test_probabilities_take_no_ignored_class():
    z, soft = example()[0], torch.full((4, 3), 1 / 3, dtype=torch.float64)
    with pytest.raises(InputError, match="ignore_index: expected a number below 0 with prob"):
        pt.cross_entropy(z, soft, ignore_index=1)
    with pytest.raises(InputError, match="ignore_index: expected None with probabilities"):
        pt.linear_cross_entropy(z, torch.eye(3, dtype=torch.float64), soft, ignore_index=-100)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_one_class_no_features_and_no_rows(reduction):
    one, labels = torch.randn(4, 1, requires_grad=True), torch.zeros(4, dtype=torch.long)
    loss = pt.cross_entropy(one, labels, reduction=reduction)
    assert not loss.any()
    assert not torch.autograd.grad(loss.sum(), one)[0].any()
    X, y = example()
    narrow = pt.linear_cross_entropy(
        X.float(), torch.ones(1, 3), labels, reduction=reduction, label_smoothing=0.1
    )
    assert not narrow.any()
    W, b = torch.zeros(3, 0, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    b.requires_grad_()
    nothing = pt.linear_cross_entropy(X[:, :0], W, y, linear_bias=b, reduction=reduction)
    expected = F.cross_entropy(b.expand(4, 3), y, reduction=reduction)
    torch.testing.assert_close(nothing, expected)
    torch.testing.assert_close(
        torch.autograd.grad(nothing.sum(), b), torch.autograd.grad(expected.sum(), b)
    )
    for loss in (
        pt.cross_entropy(X[:0], y[:0], reduction=reduction),
        pt.linear_cross_entropy(X[:0], torch.eye(3).double(), y[:0], reduction=reduction),
        pt.linear_cross_entropy(X[:0], torch.ones(3, 2, 3).double(), y[:0, None].expand(0, 2)),
    ):
        assert loss.sum() == 0.0  # torch's mean of nothing is NaN


TRACED: tuple[Any, ...] = (
    (pt.CrossEntropyLoss(label_smoothing=0.1), ()),
    (pt.LinearCrossEntropyLoss(3, 3, bias=True, reduction="none", dtype=torch.float64), ()),
    (pt.LinearCrossEntropyLoss(3, 3, out_features=(2,), dtype=torch.float64), (2,)),
    (pt.LinearCrossEntropyLoss(3, 3, out_features=(2,), workspace=150, dtype=torch.float64), (2,)),
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize(("module", "positions"), TRACED, ids=["loss", "layer", "at once", "each"])
def test_a_trace_holds_the_loss_and_not_its_value(module, positions):
    z, y = example()
    places = y.reshape(4, *(1 for _ in positions)).expand(4, *positions)
    traced = torch.jit.trace(module, (z, places))
    more, labels = torch.cat([z, 2 * z]), torch.cat([places, places])
    torch.testing.assert_close(traced(more, labels), module(more, labels))


EXTREMES: tuple[Any, ...] = (1.0, 1e3, 1e30, 1e-37, 1e-44, float("inf"))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("scale", EXTREMES)
def test_numpys_error_state_is_no_concern_of_tensors(dtype, scale):
    z, y = example()
    z = (z * scale).nan_to_num(0.0).to(dtype).requires_grad_()
    sets: tuple[Any, ...] = (
        {},
        {"reduction": "none"},
        {"softcap": 1e-3, "temperature": 1e-3},
        {"z_loss": 0.1, "label_smoothing": 0.1},
        {"sample_weight": torch.full((4,), 1e-40)},
    )
    W = torch.eye(3, dtype=dtype, requires_grad=True)
    for options, soft in itertools.product(sets, [False, True]):
        target = torch.full((4, 3), 1 / 3, dtype=dtype) if soft else y

        def all_four(target=target, options=options):
            found = []
            for loss in (
                pt.cross_entropy(z, target, **options),
                pt.linear_cross_entropy(z, W, target, **options),
            ):
                found += [loss.detach(), *torch.autograd.grad(loss.sum(), z)]
            return found

        expected = all_four()
        with np.errstate(all="raise"):
            found = all_four()
        torch.testing.assert_close(found, expected, equal_nan=True, rtol=0, atol=0)
