"""Every array function with values nobody means: the documented error or a result, nothing else."""

import itertools
import random
from typing import Any

import numpy as np
import pytest

import pminusy as pmy
from pminusy.errors import InputError

NUMBERS: dict[str, Any] = {
    "10**400": 10**400, "-10**400": -(10**400), "10**5000": 10**5000, "2**63": 2**63,
    "complex": 1 + 2j, "bool": True, "string": "1", "bytes": b"1", "none": None, "nan": np.nan,
    "inf": np.inf, "-inf": -np.inf, "-1": -1, "0": 0, "1e-320": 1e-320, "list": [1.0],
    "0-d": np.array(1.0), "array": np.ones(3), "float16": np.float16(0.5), "object": object(),
    "dict": {}, "function": len, "ellipsis": ..., "nat": np.datetime64("NaT"),
}  # fmt: skip
ARRAYS: dict[str, Any] = {
    **NUMBERS,
    "huge list": [[10**400, 1], [1, 2], [3, 4]],
    "objects": np.array([[1, None], [2, 3], [4, 5]], object),
    "strings": np.array([["a", "b"], ["c", "d"], ["e", "f"]]),
    "complexes": np.ones((3, 2), complex),
    "bools": np.ones((3, 2), bool),
    "float16s": np.ones((3, 2), np.float16),
    "longdoubles": np.ones((3, 2), np.longdouble),
    "float32s": np.ones((3, 2), np.float32),
    "big-endian": np.ones((3, 2), ">f8"),
    "records": np.zeros(3, [("a", "f8"), ("b", "f8")]),
    "ragged": [[1.0, 2.0], [1.0]],
    "empty": np.empty((0, 2)),
    "no classes": np.empty((3, 0)),
    "one class": np.ones((3, 1)),
    "4-d": np.ones((1, 1, 3, 2)),
    "nans": np.full((3, 2), np.nan),
    "dates": np.zeros((3, 2), "M8[s]"),
    "masked": np.ma.masked_all((3, 2)),
    "3 × 3": np.ones((3, 3)),
    "set": {1, 2},
    "generator": (i for i in range(3)),
    "labels": np.array([0, 1, 5]),
    "uint64 labels": np.array([0, 1, 2**64 - 1], np.uint64),
}
Z, Y, V = np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 3.0]]), np.array([0, 1, 1]), np.ones((3, 2))
X, W, B = np.ones((3, 2)), np.array([[1.0, 0.0], [0.0, 1.0]]), np.zeros(2)
LOSS = {"weight", "sample_weight", "ignore_index", "label_smoothing", "reduction", "temperature",
        "z_loss", "softcap"}  # fmt: skip
LINEAR: dict[str, Any] = {"X": X, "W": W, "b": B, "y": Y}
CALLS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "softmax": ({"z": Z}, {"temperature", "softcap", "out"}),
    "log_softmax": ({"z": Z}, {"temperature", "softcap", "out"}),
    "softmax_jacobian": ({"z": Z}, {"temperature", "softcap"}),
    "cross_entropy": ({"z": Z, "y": Y}, LOSS),
    "cross_entropy_grad": ({"z": Z, "y": Y}, LOSS | {"out", "grad_output"}),
    "cross_entropy_hvp": ({"z": Z, "y": Y, "v": V}, LOSS | {"out", "grad_output"}),
    "linear_cross_entropy": (LINEAR, LOSS | {"workspace"}),
    "linear_cross_entropy_grad": (LINEAR, LOSS | {"workspace", "wrt", "grad_output"}),
    "linear_cross_entropy_hvp": (
        LINEAR | {"V_W": W, "V_b": B}, LOSS | {"workspace", "grad_output"}
    ),
    "why": ({"N": 3, "K": 2}, LOSS),
}  # fmt: skip
SINGLE = [
    (function, ((name, value),))
    for function, (given, options) in CALLS.items()
    for name, value in itertools.product([*given, *sorted(options)], ARRAYS)
]
PAIRS = [
    (function, (first, second))
    for function, (given, options) in CALLS.items()
    for names in itertools.combinations([*given, *sorted(options)], 2)
    for first, second in itertools.product(*(list(itertools.product([n], ARRAYS)) for n in names))
]


def outcome(function, changes):
    given, _ = CALLS[function]
    arguments = given | {name: ARRAYS[value] for name, value in changes}
    try:
        getattr(pmy, function)(**arguments)
    except InputError as error:
        message = str(error)
    else:
        return "computed"
    assert len(message) < 500
    assert "\n" not in message
    return "refused"


def counted(cases):
    """Every case, and how many were refused; what goes wrong otherwise is named."""
    wrong, counts = [], {"refused": 0, "computed": 0}
    with np.errstate(all="raise"):
        for function, changes in cases:
            try:
                counts[outcome(function, changes)] += 1
            except Exception as error:
                wrong.append(f"{function} {changes}: {type(error).__name__}: {error}"[:200])
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong[:20])
    return counts


def test_one_hostile_argument():
    counts = counted(SINGLE)
    assert counts["refused"] > 4000
    assert counts["computed"] > 200


def test_two_hostile_arguments():
    assert counted(random.Random(0).sample(PAIRS, 400))["refused"] > 300


@pytest.mark.slow
def test_more_pairs_of_hostile_arguments():
    assert counted(random.Random(1).sample(PAIRS, 300_000))["refused"] > 250_000


@pytest.mark.parametrize("value", [("a", 3), (None, 1), (3.7, 2), (-1, 2), (3, True), (3, "2")])
def test_why_refuses_what_is_no_size(value):
    with pytest.raises(InputError, match="a whole number, 0 or more"):
        pmy.why(*value)


SCALES = {np.float32: (1e-38, 1.0, 1e3, 3e37), np.float64: (1e-307, 1.0, 1e3, 1e307)}
OPTIONS = [{}, {"softcap": 30.0}, {"temperature": 1e-3, "z_loss": 0.5}, {"label_smoothing": 0.1}]


@pytest.mark.parametrize("dtype", SCALES)
@pytest.mark.parametrize("shape", [(4, 3), (700, 3), (40, 50)])
def test_error_state_of_the_caller_changes_nothing(dtype, shape):
    random_ = np.random.default_rng(0)
    N, K = shape
    y, X = random_.integers(0, K, N), random_.normal(size=(N, 3)).astype(dtype)
    plain = random_.normal(size=shape).astype(dtype)
    for scale, more in itertools.product(SCALES[dtype], OPTIONS):
        z, v = plain * dtype(scale), plain[::-1] * dtype(scale)
        own = {name: more[name] for name in ("softcap", "temperature") if name in more}
        W = X[:K] * dtype(scale) if K <= N else None

        def results(z=z, v=v, own=own, W=W, more=more):
            yield pmy.softmax(z, **own)
            yield pmy.log_softmax(z, **own)
            yield pmy.softmax_jacobian(z[:5], **own)
            yield pmy.cross_entropy(z, y, **more)
            yield from pmy.cross_entropy_grad(z, y, **more)
            yield pmy.cross_entropy_hvp(z, y, v, **more)
            if W is not None:
                yield from pmy.linear_cross_entropy_grad(X, W, None, y, **more)[:3]
                yield pmy.linear_cross_entropy_hvp(X, W, None, y, W, **more).HV_W

        with np.errstate(all="ignore"):
            expected = list(results())
        with np.errstate(all="raise"):
            found = list(results())
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("N", [3, 400])
@pytest.mark.parametrize("scale", [1e77, 1e126, 1e200, 1e299])
def test_hvp_of_a_long_direction(N, scale):
    z, y = np.zeros((N, 300)), np.zeros(N, int)
    v = np.full((N, 300), 1.0)
    v[:, ::2] = -1.0
    v[0] = 1e-3  # scaled by rows: a short one keeps its digits
    v[1:] *= scale
    found = pmy.cross_entropy_hvp(z, y, v, reduction="none")
    np.testing.assert_allclose(found[1:], v[1:] / 300, rtol=1e-14)
    np.testing.assert_allclose(found[0], 0, atol=1e-18)


@pytest.mark.parametrize("scale", [1e100, 1e200])
def test_linear_hvp_of_a_long_direction(scale):
    random_ = np.random.default_rng(0)
    X, W, V = (random_.normal(size=(n, 4)) for n in (30, 6, 6))
    b, V_b, y = random_.normal(size=6), random_.normal(size=6), np.arange(30) % 6
    expected = pmy.linear_cross_entropy_hvp(X, W, b, y, V, V_b)
    found = pmy.linear_cross_entropy_hvp(X, W, b, y, V * scale, V_b * scale)
    for one, other in zip(expected, found, strict=True):
        assert one is not None
        assert other is not None
        np.testing.assert_allclose(other, one * scale, rtol=1e-12)


@pytest.mark.parametrize("N", [3, 400])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "own", [{"temperature": 0.7}, {"softcap": 3.0}, {"temperature": 2, "softcap": 5}]
)
def test_temperature_and_cap_of_the_softmax(N, dtype, own):
    z = np.random.default_rng(0).normal(size=(N, 7), scale=4).astype(dtype)
    wide = z.astype(np.float64)
    cap, T = own.get("softcap"), own.get("temperature", 1)
    seen = (cap * np.tanh(wide / cap) if cap else wide) / T
    expected = np.exp(seen - seen.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    near: dict[str, Any] = {"rtol": 2e-5 if dtype == np.float32 else 1e-12}
    out = np.empty_like(z)
    assert pmy.softmax(z, out=out, **own) is out
    np.testing.assert_allclose(out, expected, **near)
    np.testing.assert_allclose(
        pmy.log_softmax(z, **own),
        np.log(expected),
        atol=1e-13 if dtype == np.float64 else 1e-6,
        **near,
    )
    t = (1 - np.tanh(wide / cap) ** 2 if cap else np.ones_like(wide)) / T
    J = expected[:, :, None] * (np.eye(7) - expected[:, None, :]) * t[:, None, :]
    np.testing.assert_allclose(pmy.softmax_jacobian(z, **own), J, atol=1e-6, **near)
    assert pmy.cross_entropy(z, expected.astype(dtype), **own).dtype == dtype
