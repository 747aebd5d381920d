"""The head in JavaScript against `core`: thousands of rows, to 8 units in the last place."""

import json
import subprocess
from pathlib import Path
from shutil import which

import pytest

import pminusy.playground.page as of_page
from tests.playground.vectors import KINDS, distance, rows

STATIC = Path(of_page.__file__).parent / "static"
HEAD = "\n".join((STATIC / name).read_text() for name in of_page.SCRIPTS if "head/" in name)
COMPUTE = """
rows.map((row) => {
  const made = head(row.u, row.y, row.options, row.z);
  const J = made.z.flatMap((_, i) => made.z.map((_, j) => jacobianEntry(made, i, j)));
  return { z: transformed(row.u, row.options), p: made.p, L: [made.L], dL_dz: made.dL_dz,
           dL_du: made.dL_du, J };
})"""
ROWS = rows(30)
MOST_ULP = 8


def _in_node(given: str) -> str:
    if which("node") is None:
        pytest.skip("no node")
    code = f"{HEAD}\nconst rows = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n"
    code += f"console.log(JSON.stringify({COMPUTE}));"
    done = subprocess.run(
        ["node", "-e", code], input=given, capture_output=True, text=True, check=True, timeout=240
    )
    return done.stdout


def _in_browser(given: str, browser) -> str:
    page = browser.new_page()
    found = page.evaluate(
        f"(given) => {{ {HEAD}\nconst rows = JSON.parse(given);\n"
        f"return JSON.stringify({COMPUTE}); }}",
        given,
    )
    page.close()
    return str(found)


def _worst(text: str) -> dict[str, float]:
    """The largest distance of each result, over all rows."""
    worst = dict.fromkeys(("z", "p", "L", "dL_dz", "dL_du", "J"), 0.0)
    made = json.loads(text)
    assert len(made) == len(ROWS)
    for row, got in zip(ROWS, made, strict=True):
        for name in worst:
            expected = getattr(row, name)
            expected = [expected] if name == "L" else expected
            worst[name] = max(worst[name], distance(got[name], expected))
    return worst


def test_there_are_enough_rows_of_every_kind():
    assert len(ROWS) >= 5_000
    assert {row.kind for row in ROWS} == set(KINDS)
    assert any(row.options.get("softcap") for row in ROWS)
    assert min(len(row.u) for row in ROWS) == 2
    assert max(len(row.u) for row in ROWS) == 10


@pytest.mark.parametrize("where", ["node", "browser"])
def test_javascript_computes_what_python_computes(where, request):
    given = json.dumps([row._asdict() for row in ROWS])
    if where == "node":
        found = _in_node(given)
    else:
        found = _in_browser(given, request.getfixturevalue("browser"))
    worst = _worst(found)
    assert max(worst.values()) <= MOST_ULP, worst
    # the same operations in the same order: not one bit differs
    assert worst["p"] == worst["L"] == worst["dL_dz"] == 0


def test_distance_lets_no_nan_through():
    assert distance([float("nan")], [1.0]) == float("inf")
    assert distance([1.0], [1.0, 2.0]) == float("inf")
    assert distance([1.0], [1.0]) == 0
    assert distance([1.0 + 2**-52], [1.0]) == 1
