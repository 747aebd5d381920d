"""`pminusy quiz` in a terminal and behind a pipe."""

from __future__ import annotations

import io
import signal
import subprocess
import sys

import pytest

from pminusy.cli.app import run


@pytest.fixture
def asked(monkeypatch, capsys):
    def ask(typed, *arguments):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code = run(["quiz", *arguments])
        found = capsys.readouterr()
        return code, found.out, found.err

    return ask


LONG = ("--article", "001", "--kind", "next", "--seed", "1", "-n", "1")


def test_a_quiz_is_asked_judged_and_counted(asked):
    code, out, err = asked("nonsense\n\n", *LONG)
    assert (code, err) == (0, "")
    assert "1 question, seed 1." in out
    assert "1 of 1 · article 001, “" in out
    assert "    nonsense\n    ^" in out
    assert "is none of the letters here" in out
    assert "One answer:" in out
    assert out.endswith("0 of 1 right at once.\n")


def test_a_right_answer_counts(asked):
    out = asked("", "--kind", "order", "--seed", "4", "-n", "1")[1]
    count = out.count("\n  ") + 1
    assert count >= 3
    from pminusy.questions.items.choosing import questions

    solution = questions(kind="order", seed=4, n=1)[0].solution
    assert asked(f"{solution}\n", "--kind", "order", "--seed", "4", "-n", "1")[1].endswith(
        "✓ Right.\n\n1 of 1 right at once.\n"
    )


def test_after_three_wrong_answers_one_is_shown_and_slips_are_counted(asked):
    out = asked("L L\nL L\nL L\nL\n", *LONG)[1]
    assert out.count("✗") == 3
    assert "One answer:" in out
    assert "0 of 1 right at once." in out


def test_a_pasted_function_ends_with_a_dot(asked):
    out = asked("def softmax(z):\n    return z\n.\n", "--kind", "function", "-n", "1")[1]
    assert "→ To have softmax judged, save it as answer.py and run: pminusy check answer.py" in out
    assert out.endswith("No question was answered.\n")


def test_the_end_of_the_input_ends_it(asked):
    code, out, _ = asked("", "-n", "3")
    assert code == 0
    assert out.endswith("No question was answered.\n")


def test_a_closed_input_is_one_at_its_end(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    assert run(["quiz", "-n", "2"]) == 0
    assert capsys.readouterr().out.endswith("No question was answered.\n")


def test_long_lines_and_control_characters_are_harmless(asked):
    code, out, _ = asked("p_k" * 70_000 + "\n\x1b[31m\n\n", *LONG)
    assert code == 0
    assert "an answer has at most 500 characters" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--article", "9"), "--article: expected one of 000, 001, 002, 003, 004, got '9'"),
        (("--kind", "x"), "--kind: expected one of next, rule"),
        (("-n", "0"), "-n: expected a whole number from 1 to 200, got 0"),
        (("-n", "many"), "expected a whole number, got 'many'"),
    ],
)
def test_misuse_is_one_line(asked, arguments, words):
    code, out, err = asked("", *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert words in err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "no"), "expected text in UTF-8, got other bytes"),
        (OSError(5, "Input/output error"), "expected lines of text, got Input/output error"),
    ],
)
def test_input_that_cannot_be_read_is_said(monkeypatch, capsys, error, words):
    class Broken(io.StringIO):
        def readline(self, *_):
            raise error

    monkeypatch.setattr(sys, "stdin", Broken())
    assert run(["quiz", *LONG]) == 2
    assert f"pminusy: standard input: {words}\n" in capsys.readouterr().err


def test_ctrl_c_shows_the_score_and_ends(monkeypatch, capsys):
    class Interrupting(io.StringIO):
        def readline(self, *_):
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupting())
    assert run(["quiz", *LONG]) == 130
    assert capsys.readouterr().out.endswith("No question was answered.\n")


@pytest.mark.slow
def test_behind_a_pipe_that_closes():
    done = subprocess.run(
        f"yes skip | {sys.executable} -m pminusy quiz -n 40 | head -3",
        shell=True, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout.count("\n") == 3
    assert "Traceback" not in done.stderr
    assert signal.SIGPIPE
