"""The kernels on processors of other kinds, as the compiler is told to suppose: same results.

Without a fused multiply-add in hardware the exponential relies on the one of the C library.
"""

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

_CODE = """
import json
import numpy as np
import pminusy as pmy

random = np.random.default_rng(0)
found = {}
for dtype in (np.float32, np.float64):
    for K in (10, 300, 2100):
        z = (random.normal(size=(37, K)) * 20).astype(dtype)
        z[1, 2], z[2, 3], z[3, 4] = -np.inf, np.inf, np.nan
        y = random.integers(0, K, 37)
        loss, dL_dz = pmy.cross_entropy_grad(z, y, reduction="none")
        soft = pmy.cross_entropy_grad(z, y, reduction="none", label_smoothing=0.1, z_loss=0.01)
        rows = (0, 1, 2, 4, 36)
        Hv = pmy.cross_entropy_hvp(z, y, z[::-1] * 0 + random.normal(size=z.shape).astype(dtype))
        parts = (loss, dL_dz, pmy.softmax(z), pmy.log_softmax(z), *soft, Hv)
        found[f"{dtype.__name__} {K}"] = [part[list(rows)].ravel().tolist() for part in parts]
print(json.dumps(found))
"""


def _results(**environment):
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _CODE],
        env={**os.environ, "PMINUSY_IMPLEMENTATION": "cpu", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names of processors")
@pytest.mark.parametrize(  # everything is compiled anew for each processor
    "name",
    [
        pytest.param("x86-64-v2", marks=pytest.mark.slow),
        pytest.param("haswell", marks=pytest.mark.exhaustive),
    ],
)
def test_another_processor_computes_the_same(tmp_path, name):
    there = _results(NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES="", NUMBA_CACHE_DIR=str(tmp_path))
    for case, arrays in _results().items():
        eps = np.finfo(case.split()[0]).eps
        for found, expected in zip(there[case], arrays, strict=True):
            largest = np.abs(np.array(expected)[np.isfinite(expected)]).max()
            np.testing.assert_allclose(found, expected, rtol=8 * eps, atol=8 * eps * largest)
