"""Bad input of the array functions: each case with the whole message its user reads."""

from typing import Any

import numpy as np
import pytest

import pminusy as pmy
from pminusy import InputError

NOTHING: Any = None
Z = np.zeros((3, 4))
Y = np.array([0, 1, 2])
X, W, b = np.zeros((3, 2)), np.zeros((4, 2)), np.zeros(4)
SHAPE = "class indices of shape (3,) or soft targets of shape (3, 4)"
FLOATS = "numbers of type float32 or float64 (or integers)"
CONVERT = "convert it with .astype(numpy.float32) or .astype(numpy.float64)"
MASKED = "fill it with .filled(value); to leave rows out use ignore_index or sample_weight"
BOTH = "; for two classes give both logits, (0, z) in place of z"
INDICES = "integer class indices (or soft targets of shape (3, 4))"
ONE_TYPE = "convert one of them with .astype"
LABEL = "a class index from 0 to 3, or -100 (ignore_index)"


def loss(z=Z, y=Y, **options):
    return lambda: pmy.cross_entropy(z, y, **options)


def gradient(z=Z, y=Y, **options):
    return lambda: pmy.cross_entropy_grad(z, y, **options)


def linear(X=X, W=W, b=b, y=Y, **options):
    return lambda: pmy.linear_cross_entropy_grad(X, W, b, y, **options)


def filled(shape, index, value, dtype=float):
    array = np.ones(shape, dtype=dtype)
    array[index] = value
    return array


BAD = {
    # logits
    "z: a number": (
        loss(3.0),
        "z: expected logits of shape (..., K), classes on the last axis, got a single number",
    ),
    "z: one class": (
        loss(np.zeros((3, 1))),
        "z: expected at least 2 classes on the last axis, got shape (3, 1)" + BOTH,
    ),
    "z: no class": (
        lambda: pmy.softmax(np.zeros((3, 0))),
        "z: expected at least 2 classes on the last axis, got shape (3, 0)" + BOTH,
    ),
    "z: empty list": (
        lambda: pmy.log_softmax([]),
        "z: expected at least 2 classes on the last axis, got shape (0,)" + BOTH,
    ),
    "z: ragged": (
        loss([[1, 2], [3]]),
        "z: expected an array of numbers, got rows of different lengths",
    ),
    "z: float16": (loss(Z.astype(np.float16)), f"z: expected {FLOATS}, got float16; {CONVERT}"),
    "z: extended": (
        loss(Z.astype(np.complex128)),
        f"z: expected {FLOATS}, got complex128; {CONVERT}",
    ),
    "z: bool": (loss(Z > 0), f"z: expected {FLOATS}, got bool; {CONVERT}"),
    "z: text": (lambda: pmy.softmax(["a", "b"]), f"z: expected {FLOATS}, got <U1; {CONVERT}"),
    "z: None": (lambda: pmy.softmax(NOTHING), f"z: expected {FLOATS}, got object; {CONVERT}"),
    "z: masked": (
        lambda: pmy.softmax(np.ma.masked_array([1.0, 2.0], [False, True])),
        f"z: expected a plain array, got a masked array; {MASKED}",
    ),
    # targets
    "y: too short": (loss(y=[0, 1]), f"y: expected {SHAPE}, got shape (2,)"),
    "y: a column": (
        loss(y=Y[:, None]),
        f"y: expected {SHAPE}, got shape (3, 1); flatten it with y.ravel()",
    ),
    "y: other classes": (loss(y=np.ones((3, 5))), f"y: expected {SHAPE}, got shape (3, 5)"),
    "y: floats": (
        loss(y=[0.0, 1.0, 2.0]),
        f"y: expected {INDICES}, got float64 of shape (3,); convert with .astype(int)",
    ),
    "y: bool": (
        loss(y=[True, False, True]),
        f"y: expected {INDICES}, got bool of shape (3,); convert with .astype(int)",
    ),
    "y: too large": (loss(y=[0, 9, 1]), f"y[1]: expected {LABEL}, got 9"),
    "y: counted from one": (
        loss(y=[1, 2, 4]),
        f"y[2]: expected {LABEL}, got 4; count classes from 0",
    ),
    "y: negative": (loss(y=[0, 1, -1]), f"y[2]: expected {LABEL}, got -1"),
    "y: beyond int64": (
        loss(y=np.array([0, 2**63, 1], dtype=np.uint64)),
        f"y[1]: expected {LABEL}, got 9223372036854775808",
    ),
    "y: beyond uint64": (
        loss(y=[0, 2**70, 1]),
        f"y: expected {INDICES}, got object of shape (3,); convert with .astype(int)",
    ),
    "y: in a grid": (
        loss(np.zeros((2, 2, 4)), [[0, 1], [4, 0]]),
        f"y[1, 0]: expected {LABEL}, got 4",
    ),
    "y: of one row": (loss(np.zeros(4), 4), f"y: expected {LABEL}, got 4; count classes from 0"),
    "y: other ignore_index": (
        loss(y=[0, -100, 1], ignore_index=-1),
        "y[1]: expected a class index from 0 to 3, or -1 (ignore_index), got -100",
    ),
    "y: ragged": (
        loss(y=[[1, 2], [3]]),
        "y: expected an array of numbers, got rows of different lengths",
    ),
    "y: masked": (
        loss(y=np.ma.masked_array(Y, [False, False, True])),
        f"y: expected a plain array, got a masked array; {MASKED}",
    ),
    "y: negative mass": (
        loss(y=filled((3, 4), (1, 2), -0.5)),
        "y[1, 2]: expected a finite target mass ≥ 0, got -0.5",
    ),
    "y: NaN mass": (
        loss(y=filled((3, 4), (0, 3), np.nan)),
        "y[0, 3]: expected a finite target mass ≥ 0, got nan",
    ),
    "y: infinite mass": (
        loss(y=filled((3, 4), (2, 0), np.inf)),
        "y[2, 0]: expected a finite target mass ≥ 0, got inf",
    ),
    "y: mass of another type": (
        loss(Z.astype(np.float32), np.ones((3, 4))),
        f"z and y: expected one floating type, got z float32, y float64; {ONE_TYPE}",
    ),
    # options
    "weight: length": (loss(weight=[1, 2]), "weight: expected shape (4,), got shape (2,)"),
    "weight: negative": (
        loss(weight=[1, 2, -3, 1]),
        "weight[2]: expected a finite number ≥ 0, got -3.0",
    ),
    "weight: NaN": (
        loss(weight=[np.nan, 1, 1, 1]),
        "weight[0]: expected a finite number ≥ 0, got nan",
    ),
    "weight: infinite": (
        loss(weight=[1, 1, 1, np.inf]),
        "weight[3]: expected a finite number ≥ 0, got inf",
    ),
    "weight: text": (loss(weight=["a"] * 4), f"weight: expected {FLOATS}, got <U1; {CONVERT}"),
    "sample_weight: length": (
        loss(sample_weight=[1, 2]),
        "sample_weight: expected shape (3,), got shape (2,)",
    ),
    "sample_weight: negative": (
        loss(sample_weight=[1, -2, 3]),
        "sample_weight[1]: expected a finite number ≥ 0, got -2.0",
    ),
    "sample_weight: in a grid": (
        loss(np.zeros((2, 2, 4)), np.zeros((2, 2), int), sample_weight=[[1, 1], [1, np.nan]]),
        "sample_weight[1, 1]: expected a finite number ≥ 0, got nan",
    ),
    "label_smoothing": (
        loss(label_smoothing=1.5),
        "label_smoothing: expected a number in [0, 1], got 1.5",
    ),
    "reduction": (
        loss(reduction="avg"),
        'reduction: expected "mean", "sum" or "none", got \'avg\'',
    ),
    "temperature": (
        loss(temperature=0),
        "temperature: expected a number from 1e-30 to 1e30, got 0",
    ),
    "grad_output: length": (
        gradient(reduction="none", grad_output=[1.0]),
        "grad_output: expected the shape of the losses, (3,), got shape (1,)",
    ),
    "grad_output: of a mean": (
        gradient(grad_output=[1.0, 1.0, 1.0]),
        "grad_output: expected nothing with reduction='mean', got an array; "
        'pass reduction="none", or multiply the gradient yourself',
    ),
    "v: shape": (
        lambda: pmy.cross_entropy_hvp(Z, Y, np.ones((4, 3))),
        "v: expected the shape of z, (3, 4), got shape (4, 3)",
    ),
    "v: type": (
        lambda: pmy.cross_entropy_hvp(Z, Y, Z.astype(np.float32)),
        f"z and v: expected one floating type, got z float64, v float32; {ONE_TYPE}",
    ),
    # the linear layer
    "X: one row": (linear(X=X[0]), "X: expected shape (N, D), got shape (2,)"),
    "W: one row": (linear(W=W[0]), "W: expected shape (K, D), got shape (2,)"),
    "W: transposed": (
        linear(W=W.T),
        "W: expected as many features as X, shape (K, 2), got shape (2, 4); "
        "W has one row a class: transpose it",
    ),
    "W: other features": (
        linear(W=np.zeros((4, 5))),
        "W: expected as many features as X, shape (K, 2), got shape (4, 5)",
    ),
    "W: one class": (
        linear(W=W[:1], b=None),
        "W: expected at least 2 rows, one a class, got shape (1, 2); "
        "for two classes give both rows, (0, w) in place of w",
    ),
    "b: length": (
        linear(b=np.zeros(3)),
        "b: expected one entry a class, shape (4,), got shape (3,)",
    ),
    "b: matrix": (
        linear(b=np.zeros((1, 4))),
        "b: expected one entry a class, shape (4,), got shape (1, 4)",
    ),
    "X and W: types": (
        linear(X=X.astype(np.float32)),
        f"X, W and b: expected one floating type, got X float32, W float64, b float64; {ONE_TYPE}",
    ),
    "wrt": (linear(wrt=("X", "w")), 'wrt: expected names among "X", "W" and "b", got \'w\''),
    "V_W: shape": (
        lambda: pmy.linear_cross_entropy_hvp(X, W, b, Y, W.T),
        "V_W: expected the shape of W, (4, 2), got shape (2, 4)",
    ),
    "V_b: shape": (
        lambda: pmy.linear_cross_entropy_hvp(X, W, b, Y, W, b[:2]),
        "V_b: expected the shape of b, (4,), got shape (2,)",
    ),
    "V_b: without b": (
        lambda: pmy.linear_cross_entropy_hvp(X, W, None, Y, W, b),
        "V_b: expected None, as b is None, got an array",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_in_one_line(case):
    call, message = BAD[case]
    with pytest.raises(InputError) as error:
        call()
    assert str(error.value) == message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["smoothing", "log_base"])
def test_unknown_options_are_a_type_error_that_lists_the_known_ones(name):
    options: Any = {name: 2.0}
    with pytest.raises(TypeError) as error:
        pmy.cross_entropy(Z, Y, **options)
    assert str(error.value) == (
        f"unexpected keyword argument '{name}'; the options are weight, sample_weight, "
        "ignore_index, reduction, label_smoothing, temperature, z_loss, softcap, num_items"
    )


def test_the_arguments_are_left_as_they_were():
    arrays = [np.array([[1.0, 2.0], [0.5, -np.inf]]), np.array([0, -100]), np.ones(2), np.ones(2)]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.setflags(write=False)
    z, y, weight, sample_weight = arrays
    options: Any = {"weight": weight, "sample_weight": sample_weight, "label_smoothing": 0.1}
    pmy.cross_entropy_grad(z, y, **options, softcap=2.0)
    pmy.cross_entropy_hvp(z, y, z, **options)
    pmy.softmax_jacobian(z)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


@pytest.mark.parametrize(
    "call",
    [
        lambda y, **o: pmy.cross_entropy([[1.0, 2.0], [0.0, 1.0]], y, **o),
        lambda y, **o: pmy.cross_entropy_grad([[1.0, 2.0], [0.0, 1.0]], y, **o)[1],
        lambda y, **o: pmy.linear_cross_entropy([[1.0], [2.0]], [[1.0], [0.5]], None, y, **o),
    ],
    ids=["loss", "gradient", "linear"],
)
def test_no_class_is_left_out_of_soft_targets(call):
    soft = [[0.5, 0.5], [1.0, 0.0]]
    np.testing.assert_array_equal(call(soft, ignore_index=-100), call(soft))
    with pytest.raises(InputError, match="ignore_index: expected a number below 0"):
        call(soft, ignore_index=0)


@pytest.mark.parametrize(
    "given",
    [
        {"z": [1.0, 2.0], "y": [0.5, 0.5]},
        {"z": [[1.0, 2.0], [0.0, 1.0]], "y": [[0.5, 0.5], [1.0, 0.0]]},
        {"network": "linear:2", "x": [[1.0, 2.0]], "y": [[0.5, 0.5]]},
    ],
    ids=["row", "batch", "network"],
)
def test_no_class_is_left_out_of_soft_targets_of_a_derivation(given):
    assert pmy.explain(**given) is not None
    with pytest.raises(InputError, match="ignore_index: expected a number below 0"):
        pmy.explain(**given, ignore_index=0)
