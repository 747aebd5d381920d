"""What typer refuses before a command begins: one line, exit code 2."""

import pytest
import typer

from pminusy.cli.app import run


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit"],
        ["fit", "table.csv"],
        ["no-such-command"],
        ["fit", "table.csv", "--target", "kind", "--no-such-option"],
        ["fit", "table.csv", "--target", "kind", "--C", "much"],
        ["fit", "table.csv", "--target"],
        ["fit", "table.csv", "more.csv", "--target", "kind"],
        ["check", "x.py", "--format", "no such format"],
        ["check", "x.py", "--jobs", "0"],
    ],
    ids=" ".join,
)
def test_misuse_is_said_in_one_line(arguments, capsys):
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pminusy: ")
    assert err.count("\n") == 1


def test_the_family_of_errors_is_the_whole_one():
    from pminusy.cli import app

    assert app._Misuse in typer.BadParameter.__mro__
    assert not issubclass(typer.Exit, app._Misuse)
    assert not issubclass(typer.Abort, app._Misuse)


def test_a_sheet_of_a_file_without_sheets_is_refused(tmp_path, monkeypatch, capsys):
    """By every command that reads a table beside a model, as by `fit`."""
    monkeypatch.chdir(tmp_path)
    lines = ["x,y", *(f"{i},{'yes' if i > 9 else 'no'}" for i in range(20))]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    assert run(["fit", "table.csv", "--target", "y", "-o", "m.safetensors"]) == 0
    for command in ("predict", "evaluate"):
        assert run([command, "m.safetensors", "table.csv"]) == 0
        capsys.readouterr()
        assert run([command, "m.safetensors", "table.csv", "--sheet", "May"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("pminusy: --sheet: expected a file named .xlsx or")
        assert err.count("\n") == 1
