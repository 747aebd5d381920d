"""`pminusy check`: exit codes 0 to 3, and what stands where."""

import json

import pytest

from pminusy.cli.app import run

GOOD = """
import numpy as np
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""
FRAGILE = GOOD.replace("z - z.max(axis=1, keepdims=True)", "z")
WRONG = GOOD.replace("e.sum(axis=1, keepdims=True)", "e.sum(axis=0)")


@pytest.mark.parametrize(
    ("source", "flags", "code"),
    [
        (GOOD, [], 0),
        (FRAGILE, [], 1),
        (FRAGILE, ["--allow-fragile"], 0),
        (WRONG, [], 1),
        ("x = (", [], 1),
        ("def helper(a): return a\n", [], 3),
    ],
)
def test_exit_codes(source, flags, code, tmp_path):
    path = tmp_path / "s.py"
    path.write_text(source)
    assert run(["check", str(path), *flags]) == code


def test_misuse_is_one_line_and_code_2(tmp_path, capsys):
    path = tmp_path / "s.py"
    path.write_text("def helper(a): return a\n")
    assert run(["check", str(path), "--function", "other"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert run(["check", str(path), "--pin", "medium"]) == 2
    assert "mean, sum" in capsys.readouterr().err


def test_reference_requires_its_conventions(tmp_path, capsys):
    ours = tmp_path / "reference.py"
    loss = (
        "import numpy as np\ndef softmax_loss(z, y):\n    s = z - z.max(axis=1, keepdims=True)\n"
        "    return (np.log(np.exp(s).sum(axis=1)) - s[np.arange(len(y)), y]).{}()\n"
    )
    ours.write_text(loss.format("mean"))
    theirs = tmp_path / "theirs.py"
    theirs.write_text(loss.format("sum"))
    assert run(["check", str(theirs)]) == 0
    capsys.readouterr()
    assert run(["check", str(theirs), "--reference", str(ours), "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["verdicts"][0]["findings"][0]["id"] == "loss.sum"


@pytest.mark.sandbox
def test_folder_report_to_a_file(tmp_path, capsys):
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "a.py").write_text(GOOD)
    (folder / "b.py").write_text(WRONG)
    page = tmp_path / "class.html"
    assert run(["check", str(folder), "--format", "html", "-o", str(page)]) == 1
    assert "softmax.axis" in page.read_text()
    assert run(["check", str(folder)]) == 1
    assert "2 submissions, 2 functions" in capsys.readouterr().out


def test_folder_without_a_sandbox_is_refused(tmp_path, monkeypatch, capsys):
    from pminusy.diagnosis.run import sandbox

    monkeypatch.setattr(sandbox, "_fault", lambda kind, image: "no program bwrap on this system")
    (tmp_path / "a.py").write_text(GOOD)
    assert run(["check", str(tmp_path)]) == 2
    assert "--trust" in capsys.readouterr().err
    assert run(["check", str(tmp_path), "--trust"]) == 0
