"""`import pminusy` loads NumPy and nothing heavier; the array functions neither."""

import subprocess
import sys

import pytest

HEAVY = {"scipy", "sklearn", "polars", "pandas", "sympy", "matplotlib", "numba", "torch"} | {
    "rich",
    "typer",
    "jinja2",
    "safetensors",
}


@pytest.mark.parametrize(
    "statement",
    [
        "import pminusy",
        "from pminusy.ops import softmax; softmax([0, 1])",
        "import pminusy; pminusy.cross_entropy([[0.0, 1.0]], [0], softcap=2.0)",
        "import pminusy.core.trace",
    ],
)
def test_nothing_heavy_is_imported(statement):
    code = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "pminusy" in loaded
    assert not loaded & HEAVY


def test_importing_the_package_imports_no_function_of_it():
    code = "import sys, pminusy; print('pminusy.ops' in sys.modules, 'pminusy.core' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["False", "False"]


def test_a_table_is_fitted_without_what_proofs_need():
    """`pip install "pminusy[fit]"` brings neither mpmath nor SymPy."""
    code = (
        "import sys; sys.modules.update(mpmath=None, sympy=None); import pminusy.cli.app; "
        "import pminusy.api.fit_table, pminusy.api.table_model"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
