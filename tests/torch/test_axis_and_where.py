"""`axis` and `where` of the losses for tensors, against the same for arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pminusy
from pminusy.errors import InputError

torch: Any = pytest.importorskip("torch")
pmy: Any = pminusy  # options are put together at run time, beyond what types can follow


@pytest.mark.parametrize("seed", range(16))
def test_tensors_give_what_arrays_give(seed):
    random = np.random.default_rng(seed)
    shape = [(4, 5), (3, 4, 5), (2, 3, 2, 4)][seed % 3]
    axis = int(random.integers(-len(shape), len(shape)))
    K = shape[axis]
    z, v = random.normal(size=shape) * 3, random.normal(size=shape)
    mask = None
    if seed % 4:
        mask = random.random(shape) < 0.6
        np.moveaxis(mask, axis, -1)[..., :2] = True
        z[~mask] = random.choice([np.nan, 5.0])
    rows = np.moveaxis(z, axis, -1).shape[:-1]
    options: dict[str, Any] = {"weight": random.uniform(0.5, 2, K), "z_loss": 0.01}
    options |= [{}, {"softcap": 4.0}, {"softcap": 4.0, "temperature": 0.5}][seed % 3]
    options |= {"axis": axis, "where": mask}
    soft = np.moveaxis(random.dirichlet(np.ones(K), rows), -1, axis)
    for y in (random.integers(0, 2, rows), soft if mask is None else soft * mask):
        t, target = torch.tensor(z), torch.tensor(y)
        loss, dL_dz = pmy.cross_entropy_grad(t, target, **options)
        right = pmy.cross_entropy_grad(z, y, **options)
        np.testing.assert_allclose(loss, right.loss, rtol=1e-12)
        np.testing.assert_allclose(dL_dz, right.dL_dz, rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(pmy.cross_entropy(t, target, **options), loss, rtol=1e-13)
        Hv = pmy.cross_entropy_hvp(t, target, torch.tensor(v), **options)
        right_Hv = pmy.cross_entropy_hvp(z, y, v, **options)
        np.testing.assert_allclose(Hv, right_Hv, rtol=1e-8, atol=1e-13)


def test_refused_as_for_arrays():
    z, y = torch.ones(2, 3), [0, 1]
    mask = torch.tensor([[True, True, False], [True, False, True]])
    cases: list[tuple[dict[str, Any], str]] = [
        ({"axis": 2}, r"^axis: expected a whole number from -2 to 1"),
        ({"where": [1, 0, 1]}, r"^where: expected an array of True and False"),
        ({"where": [True, False]}, r"^where: expected a shape that broadcasts"),
        ({"where": mask}, r"^y\[1\]: expected a class that takes part \(where\)"),
        ({"where": mask[:1], "label_smoothing": 0.1}, "^label_smoothing: expected 0 beside where"),
    ]
    for options, message in cases:
        with pytest.raises(InputError, match=message):
            pmy.cross_entropy(z, y, **options)
    for call in (pmy.logsumexp, pmy.softmax):
        with pytest.raises(InputError, match=r"^z: expected NumPy arrays, got a torch tensor"):
            call(z, axis=0)
