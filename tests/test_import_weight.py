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


# What a command of a small table does without: each takes as long to import as all the rest.
_UNUSED = {"sklearn", "pandas", "numba", "sympy", "mpmath", "matplotlib", "torch", "jinja2"}
_UNUSED_PARTS = {"scipy.linalg", "scipy.stats", "scipy.optimize", "scipy.sparse", "scipy.special"}


def _loaded_by(*commands, folder):
    """Modules loaded by a process that runs some commands."""
    code = (
        "import sys; from pminusy.cli.app import run\n"
        f"for arguments in {commands!r}: assert run(arguments) == 0\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, timeout=120, cwd=folder,
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split())


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    rows = [f"{i % 7}.5,{'abc'[i % 3]},{'xyz'[(i // 2) % 3]}" for i in range(344)]
    (folder / "t.csv").write_text("\n".join(["size,kind,y", *rows]) + "\n")
    return folder


def test_a_small_table_is_fitted_and_used_without_what_takes_long_to_import(table):
    loaded = _loaded_by(
        ["fit", "t.csv", "--target", "y", "-o", "m.safetensors"],
        ["evaluate", "m.safetensors", "t.csv"],
        ["predict", "m.safetensors", "t.csv", "-o", "p.csv"],
        folder=table,
    )
    assert "polars" in loaded
    assert not {name.partition(".")[0] for name in loaded} & _UNUSED
    assert not loaded & _UNUSED_PARTS


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--version"], {"numpy", "polars", "rich", *_UNUSED}),
        (["fit", "--help"], {"numpy", "polars", *_UNUSED}),
        (["--help"], {"polars", *_UNUSED}),
        (["explain", "--logits", "2,1,0.1", "--target", "0"], {"polars", *_UNUSED - {"mpmath"}}),
    ],
    ids=["version", "help of fit", "help", "explain"],
)
def test_commands_import_little(arguments, absent, table):
    loaded = {name.partition(".")[0] for name in _loaded_by(arguments, folder=table)}
    assert "typer" in loaded
    assert not loaded & absent
