"""Worst error of every function under every option, in units in the last place.

    python -m benchmarks.exactness [--rows 20000] [--seed 1] [--alone]

Against 50-digit arithmetic, over generated rows on which softmax implementations lose digits
(`tests.generator`), beside the same formulas written plainly with SciPy (`benchmarks.plain`).
"""

from __future__ import annotations

import argparse
import math
import time

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import plain
from tests.exactness import IMPLEMENTATIONS, OPTIONS, OWN_VALUE, Worst, measure
from tests.generator import batches

FUNCTIONS = ("loss", "gradient", "H v", "z", "p", "ln p", "Jacobian")
TYPES = ("float32", "float64")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exactness", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rows", type=int, default=20_000, help="rows to generate (20000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the generator (1)")
    parser.add_argument("--alone", action="store_true", help="without the plain computation")
    arguments = parser.parse_args()
    implementations = IMPLEMENTATIONS | ({} if arguments.alone else {"SciPy": plain})
    console = Console()
    start = time.perf_counter()
    source = list(batches(arguments.seed, arguments.rows))
    worst = measure(
        track(source, "Measuring", console=console, transient=True),
        implementations=implementations,
    )
    console.print(table(worst, list(implementations)))
    rows = sum(made.shape[0] for _, made in source)
    took = time.perf_counter() - start
    console.print(
        f"{rows} rows, seed {arguments.seed}, {took:.0f} s. Worst of all: {overall(worst)}"
    )


def table(worst: Worst, implementations: list[str]) -> Table:
    """One line a function and option."""
    made = Table(
        title="Worst error in units in the last place, against 50 digits",
        caption="¹ of the largest term of the formula, where it is a true subtraction; "
        "elsewhere of the result itself",
    )
    made.add_column("function")
    made.add_column("option")
    for implementation in implementations:
        for dtype in TYPES:
            made.add_column(f"{implementation}\n{dtype}", justify="right")
    for function in FUNCTIONS:
        for option in OPTIONS:
            errors = [worst.get((i, function, option, t)) for i in implementations for t in TYPES]
            if any(error is not None for error in errors):
                mark = "" if _own(function, option) else " ¹"
                made.add_row(function + mark, option, *map(_shown, errors))
        made.add_section()
    return made


def overall(worst: Worst) -> str:
    """Largest error of this package by type."""
    return ", ".join(
        f"{dtype} {max(e for (i, _, _, t), e in worst.items() if (i, t) == ('pminusy', dtype)):.2f}"
        for dtype in TYPES
    )


def _own(function: str, option: str) -> bool:
    return function != "H v" and (function != "gradient" or option in OWN_VALUE)


def _shown(error: float | None) -> str:
    if error is None:
        return "–"
    if math.isinf(error):
        return "all digits"
    return f"{error:.2f}" if error < 1000 else f"{error:.0e}"


if __name__ == "__main__":
    main()
