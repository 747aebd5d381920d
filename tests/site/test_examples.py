"""Every example runs from the command line, in a folder of its own, and says what it should."""

import subprocess
import sys

import pytest
from tools.site.sources import ROOT

from tests import needs

EXAMPLES = ROOT / "examples"
RUNS = {
    "course.py": (["course"], ["  5 correct", "mean of the points"]),
    "digits_cnn.py": (
        ["3", "page.html"],
        ["digits held out: 0.9", "compared with torch's autograd"],
    ),
    "large_table.py": (["20_000", "rows.npy"], ["20,000 rows, 2.3 MiB", "converged: True"]),
    "lecture.py": (["lecture"], ["derivation.html handout.tex play.html slides.tex"]),
    "production.py": (["production"], ["onnxruntime says the same: True"]),
    "replace_logistic_regression.py": ([], ["converged: True", "C chosen by five folds: "]),
    "table_of_5_gb.py": (
        ["30_000", "large"],
        ["30,000 rows, 2.3 MB in 1 files", "converged: True", "30,000 predictions"],
    ),
    "word_model.py": (["2", "page.html"], ["of 84 words", "compared with torch's autograd"]),
    "train_with_torch.py": (["5"], ["epoch  5: loss 0.", "held-out accuracy 0.9"]),
}
CHECKED = {"my_softmax.py"}  # wrong on purpose: `pminusy check` reads it


def test_every_example_is_run_and_named_in_the_list():
    scripts = {path.name for path in EXAMPLES.glob("*.py")}
    named = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in named for name in scripts)
    assert set(RUNS) <= scripts
    for name in scripts - set(RUNS) - CHECKED:
        tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
        assert any(name in text for text in tests), f"examples/{name} is run by no test"


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_an_example_runs(name, tmp_path):
    if name == "course.py" and needs.missing_sandbox():
        pytest.skip(needs.missing_sandbox())
    arguments, said = RUNS[name]
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    for words in said:
        assert words in done.stdout
