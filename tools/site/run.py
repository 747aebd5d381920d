"""Run every code block of pages, as a reader would: `python -m tools.site.run [PAGE …]`.

A page has a folder of its own with `examples/` in it, and one Python session. Output that is shown
is compared; a line `...`, or `...` in a line, stands for whatever comes there. A warning is wrong,
for a reader would see it.
"""

from __future__ import annotations

import contextlib
import difflib
import doctest
import importlib.util
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tools.site.blocks import Block, Command, blocks, commands
from tools.site.sources import ROOT

from pminusy.cli.app import run
from pminusy.diagnosis.run import sandbox
from pminusy.errors import InputError

__all__ = ["PAGES", "Report", "first_wrong", "run_page"]

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_OPTIONAL = ("torch", "dask", "onnxruntime", "skl2onnx", "onnx", "pandas", "matplotlib")
_SHELL = re.compile(r"[|<>;&*`]|\$\(")


class Report:
    """What went wrong, and what was not run and why; each with its place."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.not_run: list[str] = []


def run_page(page: Path) -> Report:
    """Run the blocks of a page in order."""
    report = Report()
    names: dict[str, Any] = {"__name__": "__page__"}
    with _folder(), warnings.catch_warnings():
        warnings.simplefilter("error")
        for block in blocks(page):
            where = page.relative_to(ROOT) if page.is_relative_to(ROOT) else page.name
            if block.why_not:
                report.not_run.append(f"{where}:{block.line}: {block.why_not}")
                continue
            runner = _RUNNERS.get(block.language)
            for line, problem in runner(block, names) if runner else ():
                # What a block that was not run would have made is missing below it.
                if "NameError: " in problem and any("not installed" in n for n in report.not_run):
                    problem = "not run: it needs what was not run above"
                missing = problem.startswith("not run: ")
                (report.not_run if missing else report.wrong).append(f"{where}:{line}: {problem}")
    return report


@contextlib.contextmanager
def _folder() -> Iterator[None]:
    """A folder as a reader has it: the examples, and a terminal of 80 columns."""
    before, columns = Path.cwd(), os.environ.get("COLUMNS")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "examples", Path(folder) / "examples")
        os.chdir(folder)
        os.environ["COLUMNS"] = "80"
        try:
            yield
        finally:
            os.chdir(before)
            os.environ.pop("COLUMNS")
            if columns is not None:
                os.environ["COLUMNS"] = columns


_Problems = Iterator[tuple[int, str]]


def _python(block: Block, names: dict[str, Any]) -> _Problems:
    """A block of Python: a session with >>>, or lines to be executed."""
    if ">>> " in block.text:
        yield from _session(block, names)
        return
    try:
        code = compile("\n" * (block.line - 1) + block.text, str(block.page), "exec")
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, names)
    except ModuleNotFoundError as error:
        yield block.line, _without(error)
    except Exception as error:
        frames = error.__traceback__
        line = block.line
        while frames:
            if frames.tb_frame.f_code.co_filename == str(block.page):
                line = frames.tb_lineno
            frames = frames.tb_next
        yield line, f"{type(error).__name__}: {error}"


def _session(block: Block, names: dict[str, Any]) -> _Problems:
    test = doctest.DocTestParser().get_doctest(block.text, names, str(block.page), None, 0)
    test.globs = names  # what a session defines is there for the next
    said = io.StringIO()
    options = doctest.ELLIPSIS | doctest.REPORT_ONLY_FIRST_FAILURE
    runner = doctest.DocTestRunner(optionflags=options, verbose=False)
    if runner.run(test, out=said.write, clear_globs=False).failed:
        missing = re.search(r"No module named '(\w+)", said.getvalue())
        if missing and missing[1] in _OPTIONAL:
            yield block.line, f"not run: {missing[1]} is not installed"
            return
        place = re.search(r"[Ll]ine (\d+), in", said.getvalue())
        line = block.line + int(place[1]) - 1 if place else block.line
        yield line, said.getvalue().partition("\n")[2].strip()


def _without(error: ModuleNotFoundError) -> str:
    name = (error.name or "").partition(".")[0]
    return f"not run: {name} is not installed" if name in _OPTIONAL else str(error)


def _setup(block: Block, names: dict[str, Any]) -> _Problems:
    yield from _python(block, names)


def _console(block: Block, names: dict[str, Any]) -> _Problems:
    found = list(commands(block))
    for command in found:
        if not block.text.splitlines()[command.line - block.line].startswith("$ "):
            yield command.line, "a console block begins with a command after $"
            return
        wanted = block.exit_code if command is found[-1] else 0
        yield from _command(command, wanted)


def _command(command: Command, wanted: int) -> _Problems:
    words = shlex.split(command.words, comments=True)
    for names, check in _NOT_RUN.items():
        if tuple(words[: len(names)]) == names:
            yield from ((command.line, problem) for problem in check(words[len(names) :]))
            return
    if _needs_sandbox(words):
        yield command.line, "not run: no sandbox for other people's code here"
        return
    code, output = _in_process(words) if _ours(command.words) else _in_shell(command.words)
    missing = re.search(r"needs (\w+)", output) if code == 2 else None
    if missing and not importlib.util.find_spec(missing[1]) and missing[1] in _OPTIONAL:
        yield command.line, f"not run: {missing[1]} is not installed"
    elif code != wanted:
        yield command.line, f"`{command.words}` ended with {code}, not {wanted}:\n{output}"
    elif command.shown:
        printed = output.splitlines()
        wrong = first_wrong(command.shown, printed)
        if wrong is not None:
            yield command.line + 1 + wrong, _changed(command, wrong, printed)


def _changed(command: Command, wrong: int, printed: list[str]) -> str:
    """What is said of output that is not what is shown: the line, and the nearest one printed."""
    shown = command.shown[wrong] if wrong < len(command.shown) else "nothing more"
    near = difflib.get_close_matches(shown, printed, 1, 0.1)
    return f"`{command.words}` does not print\n  {shown}\nNearest is\n  {(near or [''])[0]}"


def _ours(line: str) -> bool:
    return line.startswith("pminusy ") and not _SHELL.search(line.partition(" #")[0])


def _needs_sandbox(words: list[str]) -> bool:
    """Whether a folder is checked where nothing shuts other people's code in."""
    folder = words[:2] == ["pminusy", "check"] and any(Path(word).is_dir() for word in words[2:])
    if not folder or "--trust" in words:
        return False
    try:
        sandbox.require("bubblewrap")
    except InputError:
        return True
    return False


def _in_process(words: list[str]) -> tuple[int, str]:
    held = io.BytesIO()
    said = io.TextIOWrapper(held, encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = run(words[1:])
    return code, held.getvalue().decode("utf-8")


def _in_shell(line: str) -> tuple[int, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line], env={**os.environ, "PATH": path}, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


def first_wrong(shown: Sequence[str], printed: Sequence[str]) -> int | None:
    """Place of the first line shown that is not printed in its turn; None where all are."""
    if _matches(shown, printed):
        return None
    return next(
        (n for n in range(len(shown)) if not _matches([*shown[: n + 1], "..."], printed)),
        len(shown),
    )


def _matches(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether the lines shown are those printed, blanks at their ends aside."""
    pattern = []
    for line in shown:
        if line.strip() == "...":
            pattern.append(r"(?:.*\n)*")
        else:
            pattern.append(re.escape(line.rstrip()).replace(r"\.\.\.", ".*") + r"\n")
    text = "".join(f"{line.rstrip()}\n" for line in printed).rstrip("\n") + "\n"
    return re.fullmatch("".join(pattern).rstrip(), text) is not None


def _extras(words: list[str]) -> Iterator[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for named in re.findall(r"\[(.*?)\]", " ".join(words)):
        for extra in named.split(","):
            if extra not in project["optional-dependencies"]:
                yield f"there is no extra {extra!r}"


def _targets(words: list[str]) -> Iterator[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in words:
        if "=" not in word and not re.search(rf"^{word}:", makefile, re.MULTILINE):
            yield f"the Makefile has no target {word!r}"


def _module(words: list[str]) -> Iterator[str]:
    try:
        found = importlib.util.find_spec(words[0])
    except ModuleNotFoundError:
        found = None
    if found is None:
        yield f"there is no module {words[0]!r}"


_NOT_RUN: dict[tuple[str, ...], Callable[[list[str]], Iterator[str]]] = {
    ("pip", "install"): _extras,
    ("make",): _targets,
    ("python", "-m"): _module,
}
"""Commands that take minutes or the network: what they name is looked up instead."""

_RUNNERS: dict[str, Callable[[Block, dict[str, Any]], _Problems]] = {
    "python": _python,
    "console": _console,
    "setup": _setup,
}


def main(arguments: list[str]) -> int:
    """Run pages, and say what is wrong; 1 if anything is."""
    pages = [Path(name).resolve() for name in arguments] or PAGES
    reports = [run_page(page) for page in pages]
    for report in reports:
        for line in report.not_run:
            print(line.replace(": not run: ", ": not run, ", 1))
        for line in report.wrong:
            print(line, file=sys.stderr)
    return int(any(report.wrong for report in reports))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
