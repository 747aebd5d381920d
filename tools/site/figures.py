"""Where the documentation's figures come from: the README's are copied, the others traced.

A table of figures stands between marks, `<!-- NAME -->` and `<!-- end of NAME -->`, which a
benchmark fills. `SOURCES` says which benchmark; where it keeps a record, that is
`docs/benchmarks/NAME.json`. A figure outside of marks stands in a section that names the command
that measures it, or says in a comment, `<!-- figures: … -->`, where it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["SOURCES", "marked", "readme_with_figures", "untraced"]

SOURCES = {
    "accuracy": "benchmarks.accuracy",
    "audit": "benchmarks.audit",
    "calls": "benchmarks.calls",
    "company": "benchmarks.loss",
    "coverage": "benchmarks.coverage",
    "exchange": "benchmarks.exchange",
    "fit": "benchmarks.fit",
    "linear": "benchmarks.linear",
    "loss": "benchmarks.loss",
    "network-curves": "benchmarks.network_curves",
    "network-loss": "benchmarks.network_loss",
    "network-memory": "benchmarks.network_memory",
    "network": "benchmarks.network",
    "probe": "benchmarks.probe",
    "scale": "benchmarks.scale_tables",
    "small": "benchmarks.small",
    "tables": "benchmarks.tables",
}
"""The benchmark that fills the marks of a name, or of names that begin so."""

_MARKED = re.compile(r"<!-- ([\w-]+) -->\n(.*?)<!-- end of \1 -->", re.DOTALL)
_FIGURE = re.compile(r"\d(?:[.,]\d+)* ?(?:×(?! ?\d)|µs|ms\b|s\b|seconds|minutes|times)")
_MEMORY = re.compile(r"\d(?:[.,]\d+)* ?(?:MB|MiB|GiB|GB)")
_TRACED = ("python -m benchmarks", "<!-- figures: ")
_README = re.compile(r"(<!-- figures -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def marked(text: str) -> dict[str, str]:
    """What stands between marks, by its name."""
    return {found[1]: found[2] for found in _MARKED.finditer(text)}


def untraced(text: str, *, memory: bool = True) -> Iterator[tuple[int, str]]:
    """Lines with a figure outside all marks, in a section that does not say where it comes from.

    Times and ratios are figures; with `memory` sizes are too, which elsewhere are often settings.
    """
    lines = _MARKED.sub(lambda found: "\n" * found[0].count("\n"), text).splitlines()
    section: list[tuple[int, str]] = []
    for number, line in [*enumerate(lines, 1), (0, "## end")]:
        if line.startswith("#"):
            if not any(source in words for _, words in section for source in _TRACED):
                kinds = [_FIGURE, _MEMORY] if memory else [_FIGURE]
                yield from (
                    (n, words) for n, words in section if any(kind.search(words) for kind in kinds)
                )
            section = []
        section.append((number, line))


def readme_with_figures(readme: str, benchmarks: str) -> str:
    """The README with the figures of docs/benchmarks.md: small tables first."""
    return _README.sub(lambda found: f"{found[1]}{_figures(benchmarks)}\n{found[2]}", readme)


def _figures(benchmarks: str) -> str:
    blocks = marked(benchmarks)
    defaults = [row for row in blocks["small-defaults"].splitlines() if row.startswith("| ")]
    summary = re.search(r"Held out: .*?\.(?= |$)", blocks["small-fits"].replace("\n", " "))
    large = re.search(r"Against the best scikit-learn solver.*?\.$", blocks["fit"], re.MULTILINE)
    company = re.search(
        r"^torch: (.*) × pminusy and (.*) × pminusy.torch", blocks["company-torch-float32"], re.M
    )
    if not (summary and large and company):
        raise LookupError("docs/benchmarks.md: the sentences that the README quotes are not there")
    return "\n".join(
        [
            "Fits by default, milliseconds of processor time:",
            "",
            *defaults,
            "",
            "To the same objective, small data sets, held out from the tuning of settings: "
            f"{summary[0].removeprefix('Held out: ')} "
            "Below 1 scikit-learn is quicker.",
            "",
            f"Large data sets, by an earlier version: {large[0][0].lower()}{large[0][1:]}",
            "",
            "Loss and gradient inside a training step, float32, by an earlier version: torch takes "
            f"{company[1]} × the time of `pminusy` and {company[2]} × that of `pminusy.torch`.",
            "",
            "[docs/benchmarks.md](docs/benchmarks.md) has every measurement with its command, and "
            "[docs/limits.md](docs/limits.md) says where others are quicker.",
        ]
    )
