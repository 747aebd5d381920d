"""Break the formulas of the specification one at a time, and see a test fail each time.

    python -m tools.mutate [--files core/head.py …] [--only TEXT] [--own] [--sample N] [--list]

Every mutant is a copy of the sources with one change: a sign, a term or factor dropped, operands
swapped, another axis or constant, a comparison turned, a branch taken the other way; and, by hand,
the mistakes that people make (`BY_HAND`). The tests run on the copy until one fails, those of the
mutated file first. Who survives is listed. `EQUIVALENT` holds the mutants that compute the same
numbers, each with the reason; the working tree is never touched.
"""

from __future__ import annotations

import argparse
import ast
import copy
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.mutants import BY_HAND, EQUIVALENT

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "pminusy"
TIMEOUT = 600.0
"""Seconds after which a mutant is killed, should pytest's own limit not do so."""

TESTS = (
    "tests/core/test_twofold.py",
    "tests/core/test_options.py",
    "tests/core/test_target_mass.py",
    "tests/core/test_transform.py",
    "tests/core/test_softmax.py",
    "tests/core/test_head.py",
    "tests/core/test_cross_entropy.py",
    "tests/core/test_linear.py",
    "tests/core/test_trace.py",
    "tests/test_arguments.py",
    "tests/ops/test_functions.py",
    "tests/ops/test_properties.py",
    "tests/test_docstrings.py",
    "tests/core/test_exactness.py",
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change to one file."""

    file: str
    place: str
    before: str
    after: str
    source: str

    @property
    def name(self) -> str:
        """Name that does not depend on line numbers."""
        return f"{self.file} {self.place}: {self.before} → {self.after}"


SWAPPED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
TURNED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPPOSITE = {
    "max": "min",
    "min": "max",
    "argmax": "argmin",
    "maximum": "minimum",
    "any": "all",
    "all": "any",
    "isneginf": "isposinf",
    "isposinf": "isneginf",
    "hi": "lo",
    "concatenate": "stack",
}
BARE = {"abs", "tanh", "log", "rint", "log1p", "isfinite", "_finite", "trunc", "nan_to_num"}
"""Functions that may be forgotten around their argument."""


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Every way to break a node, as nodes to put in its place."""
    match node:
        case ast.BinOp(left, op, right):
            if type(op) in SWAPPED:
                yield ast.BinOp(left, SWAPPED[type(op)](), right)
            if isinstance(op, ast.Sub | ast.Div | ast.MatMult):
                yield ast.BinOp(right, op, left)
            yield left
            yield right
        case ast.UnaryOp(op, ast.Constant(1)) if isinstance(op, ast.USub):
            yield ast.Constant(0)  # the last axis becomes the first
        case ast.UnaryOp(op, operand) if isinstance(op, ast.USub | ast.Not | ast.Invert):
            yield operand
        case ast.Compare(left, [op], right):
            for other in TURNED[type(op)]:
                yield ast.Compare(left, [other()], right)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for value in values:
                yield value
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.If(test, body, orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield ast.Constant(value + 1 if value + 1 != value else value * 2)
            if value not in (0, 1):
                yield ast.Constant(value / 2 if isinstance(value, float) else value - 1)
        case ast.Attribute(value, attribute, context) if attribute in OPPOSITE:
            yield ast.Attribute(value, OPPOSITE[attribute], context)
        case ast.Call(
            ast.Name("where") | ast.Attribute(_, "where") as function, [c, a, b], keywords
        ):
            yield ast.Call(function, [c, b, a], keywords)
            yield a
            yield b
        case ast.Call(ast.Name(name) | ast.Attribute(_, name), [argument], []) if name in BARE:
            yield argument
        case ast.Attribute(value, "T", _):
            yield value


def sites(tree: ast.Module) -> Iterator[tuple[str, tuple[tuple[str, int | None], ...], ast.AST]]:
    """Nodes that compute something: their function, the way to them, and themselves."""

    def walk(
        node: ast.AST, place: str, path: tuple[tuple[str, int | None], ...]
    ) -> Iterator[tuple[str, tuple[tuple[str, int | None], ...], ast.AST]]:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            place = f"{place}.{node.name}".lstrip(".")
        yield place, path, node
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "bases", "format_spec"):
                continue
            if isinstance(value, ast.AST):
                yield from walk(value, place, (*path, (field, None)))
            elif isinstance(value, list):
                for index, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        yield from walk(item, place, (*path, (field, index)))

    yield from walk(tree, "", ())


def replaced(
    tree: ast.Module, path: tuple[tuple[str, int | None], ...], change: ast.AST
) -> ast.Module:
    """Copy of the tree with another node at the end of a path."""
    tree = copy.deepcopy(tree)
    node: ast.AST = tree
    for field, index in path[:-1]:
        value = getattr(node, field)
        node = value if index is None else value[index]
    field, index = path[-1]
    if index is None:
        setattr(node, field, change)
    else:
        getattr(node, field)[index] = change
    return ast.fix_missing_locations(tree)


def mutants_of(file: str) -> Iterator[Mutant]:
    """Mutants of a file of the package, those by hand first."""
    text = (PACKAGE / file).read_text()
    for before, after in BY_HAND.get(file, ()):
        if before not in text:
            raise SystemExit(f"tools/mutate.py: no longer in {file}: {before}")
        short = f"{before!r}", f"{after!r}"
        yield Mutant(file, "by hand", *short, text.replace(before, after, 1))
    tree = ast.parse(text)
    seen: Counter[str] = Counter()
    for place, path, node in sites(tree):
        if not path or place == "" or isinstance(node, ast.Module):
            continue
        for change in changes(node):
            before, after = _line(node), _line(change)
            mutant = Mutant(file, place, before, after, "")
            seen[mutant.name] += 1
            nth = "" if seen[mutant.name] == 1 else f" ({seen[mutant.name]})"
            source = ast.unparse(replaced(tree, path, change))
            yield Mutant(file, place + nth, before, after, source)


def _line(node: ast.AST) -> str:
    text = ast.unparse(node) if not isinstance(node, ast.If) else f"if {ast.unparse(node.test)}"
    return " ".join(text.split())


def test_files(file: str) -> list[str]:
    """All tests, those of the mutated file first."""
    own = f"tests/{Path(file).parent}/test_{Path(file).stem}.py".replace("/./", "/")
    return sorted(TESTS, key=lambda test: test != own)


def run_tests(mutant: Mutant | None, files: list[str], tree: Path) -> int:
    """Exit status of pytest in a copied tree, the package replaced by one with the mutant in it."""
    with tempfile.TemporaryDirectory(prefix="mutant-", dir=tree) as folder:
        package = Path(folder) / "pminusy"
        shutil.copytree(tree / "src" / "pminusy", package)
        if mutant is not None:
            (package / mutant.file).write_text(mutant.source)
        os.chdir(tree)
        sys.path[:0] = [folder, str(tree)]
        os.environ["PYTHONPATH"] = folder
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        import pytest

        options = ["-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-m", "not slow"]
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # loaded before the fork
        options += ["-o", "addopts=--import-mode=importlib"]
        own, rest = files[:1], files[1:]  # collecting all of them takes longer than most kills
        failed = pytest.main([*options, "--timeout=15", *own])  # some mutants loop for ever
        return int(failed or (pytest.main([*options, "--timeout=90", *rest]) if rest else 0))


def _child(mutant: Mutant | None, files: list[str], tree: Path) -> None:
    os._exit(run_tests(mutant, files, tree))


@dataclass(slots=True)
class Running:
    """A mutant under test."""

    mutant: Mutant
    process: multiprocessing.process.BaseProcess
    since: float


def survivors(
    mutants: list[Mutant], jobs: int, tree: Path, own_tests: bool, say: Callable[[str], None]
) -> list[Mutant]:
    """Mutants that every test lets pass."""
    # A fork finds NumPy, mpmath and pytest loaded, and the package, which changes, not.
    import hypothesis.extra.numpy
    import mpmath
    import numpy
    import pytest  # noqa: F401

    del hypothesis, mpmath, numpy
    fork = multiprocessing.get_context("fork")
    chosen = {m.file: test_files(m.file)[: 1 if own_tests else None] for m in mutants}
    every = sorted({test for tests in chosen.values() for test in tests})
    sound = fork.Process(target=_child, args=(None, every, tree))
    sound.start()
    sound.join()
    if sound.exitcode != 0:
        raise SystemExit("tools/mutate.py: the tests fail without any mutant")
    waiting, alive, done = list(mutants), [], 0
    running: list[Running] = []
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop(0)
            process = fork.Process(target=_child, args=(mutant, chosen[mutant.file], tree))
            process.start()
            running.append(Running(mutant, process, time.monotonic()))
        running[0].process.join(0.02)
        for one in list(running):
            if one.process.is_alive() and time.monotonic() - one.since > TIMEOUT:
                one.process.kill()
                one.process.join()
            if not one.process.is_alive():
                running.remove(one)
                done += 1
                if one.process.exitcode == 0:
                    alive.append(one.mutant)
                    say(f"survived: {one.mutant.name}")
                if done % 50 == 0:
                    say(f"{done} of {len(mutants)} tried, {len(alive)} survived")
    return alive


def main() -> int:
    """Try every mutant; status 1 if one survives."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--files", nargs="*", help="files below src/pminusy (all of core/)")
    parser.add_argument("--only", default="", help="mutants whose name contains this text")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (2)")
    parser.add_argument("--sample", type=int, help="that many mutants, drawn with a fixed seed")
    parser.add_argument("--own", action="store_true", help="the mutated file's own tests only")
    parser.add_argument("--list", action="store_true", help="print the mutants, run nothing")
    arguments = parser.parse_args()
    core = sorted(f"core/{path.name}" for path in (PACKAGE / "core").glob("*.py"))
    files = arguments.files or core
    mutants = [m for file in files for m in mutants_of(file) if arguments.only in m.name]
    known = {f"{place}: {change}" for place, reasons in EQUIVALENT.items() for change in reasons}
    stale = known - {m.name for m in mutants}
    if not arguments.only and not arguments.files and stale:
        raise SystemExit("tools/mutate.py: not mutants any more: " + "; ".join(sorted(stale)))
    equivalent = [m for m in mutants if m.name in known]
    mutants = [m for m in mutants if m.name not in known]
    if arguments.sample:
        mutants = random.Random(0).sample(mutants, min(arguments.sample, len(mutants)))
    if arguments.list:
        print(*(m.name for m in mutants), sep="\n")
        return 0
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pminusy-") as folder:
        tree = Path(folder)  # edits made meanwhile to the working tree are not seen
        for name in ("src", "tests"):
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", tree)
        alive = survivors(
            mutants, arguments.jobs, tree, arguments.own, lambda line: print(line, flush=True)
        )
    print(
        f"{len(mutants)} mutants tried, {len(mutants) - len(alive)} killed, {len(alive)} survived, "
        f"{len(equivalent)} equivalent and not tried, {time.monotonic() - start:.0f} s"
    )
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
