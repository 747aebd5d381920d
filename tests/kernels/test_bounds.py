"""The kernels touch nothing beside the arrays they are given.

Every array lies against a page that cannot be touched, at its end or at its start. In a process of
its own: a fault ends it.
"""

import os
import subprocess
import sys

import pytest

_CODE = """
import ctypes, itertools, mmap, sys
import numpy as np
import pminusy as pmy
from pminusy.kernels.head import blocks

libc = ctypes.CDLL(None, use_errno=True)
pages = []


def guarded(array, at_end):
    page = mmap.PAGESIZE
    size = -(-array.nbytes // page) * page
    memory = mmap.mmap(-1, size + 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for at in (start, start + page + size):
        assert libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(page), 0) == 0
    pages.append(memory)
    offset = page + (size - array.nbytes if at_end else 0)
    copy = np.frombuffer(memory, array.dtype, array.size, offset).reshape(array.shape)
    copy[...] = array
    return copy


random = np.random.default_rng(0)
dtype = np.dtype(sys.argv[1])
places = (False, True)
if len(sys.argv) > 2:  # the test of the test
    guarded(np.zeros(1024), True).ctypes.data_as(ctypes.POINTER(ctypes.c_double))[1024]
for K, N, at_end in itertools.product((2, 5, 10, 63, 64, 65, 130, 2049, 4097), (1, 3, 17), places):
    blocks._NON_TEMPORAL = 0 if at_end else 1 << 23
    z, v, soft = (guarded(a.astype(dtype), at_end) for a in random.random((3, N, K)))
    y, weight = guarded(random.integers(0, K, N), at_end), guarded(random.random(K), at_end)
    out = guarded(z, at_end)
    for f in (pmy.softmax, pmy.log_softmax):
        f(z, out=out)
    for target in (y, soft):
        for options in ({}, {"weight": weight, "z_loss": 0.1}):
            pmy.cross_entropy(z, target, **options)
            pmy.cross_entropy_grad(z, target, out=out, **options)
            pmy.cross_entropy_hvp(z, target, v, out=out, **options)
    if K < 200:
        X, W = guarded(v[:, :2].copy(), at_end), guarded(v[:1, :1].repeat(K, 0) * v[0, :2], at_end)
        pmy.linear_cross_entropy_grad(X, W, None, y)
    pages.clear()
"""


def _run(*arguments):
    return subprocess.run(
        [sys.executable, "-c", _CODE, *arguments],
        env={**os.environ, "PMINUSY_IMPLEMENTATION": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="pages are protected the POSIX way")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_is_touched_beside_an_array(dtype):
    run = _run(dtype)
    assert run.returncode == 0, run.stderr[-500:]


@pytest.mark.skipif(sys.platform == "win32", reason="pages are protected the POSIX way")
def test_a_page_that_is_touched_is_noticed():
    assert _run("float32", "touch").returncode < 0
