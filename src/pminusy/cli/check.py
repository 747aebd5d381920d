"""`pminusy check FILE|FOLDER`: right, or which line of the derivation it breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pminusy.cli.streams import printing, stdout

if TYPE_CHECKING:
    from pminusy.diagnosis.report.verdict import Verdict

__all__ = ["check"]


class ReportFormat(StrEnum):
    """Formats of the report."""

    terminal = "terminal"
    json = "json"
    csv = "csv"
    html = "html"
    gradescope = "gradescope"
    junit = "junit"


class Sandbox(StrEnum):
    """What other people's code runs in."""

    auto = "auto"
    bubblewrap = "bubblewrap"
    docker = "docker"
    podman = "podman"


def check(
    path: Annotated[Path, typer.Argument(help="A .py or .ipynb file, or a folder of submissions.")],
    function: Annotated[
        str, typer.Option(help="Functions to check: names or patterns (softmax_*), with commas.")
    ] = "",
    pin: Annotated[
        str, typer.Option(help="Conventions that are required: mean,half,index … (see the docs).")
    ] = "",
    reference: Annotated[
        Path | None,
        typer.Option(help="The teacher's own file: its conventions, or else its numbers, count."),
    ] = None,
    format: Annotated[  # noqa: A002  # its name on the command line
        ReportFormat, typer.Option(help="Format of the report.")
    ] = ReportFormat.terminal,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the report to a file.")
    ] = None,
    hints: Annotated[
        int, typer.Option(min=1, max=3, help="1: where to look, 2: what is off, 3: the formula.")
    ] = 3,
    rubric: Annotated[Path | None, typer.Option(help="Points, a TOML file.")] = None,
    feedback: Annotated[
        Path | None, typer.Option(help="Folder to write a feedback file for each submission to.")
    ] = None,
    anonymous: Annotated[
        bool,
        typer.Option("--anonymous", help="With html: a class page of numbers in place of names."),
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(help="File that remembers verdicts: only what changed runs again."),
    ] = None,
    one: Annotated[
        bool, typer.Option("--one", help="The folder is one submission, of several files.")
    ] = False,
    allow_fragile: Annotated[bool, typer.Option(help="Fragile counts as correct.")] = False,
    sandbox: Annotated[
        Sandbox, typer.Option(help="What other people's code runs in.")
    ] = Sandbox.auto,
    image: Annotated[str, typer.Option(help="Container image with Python and NumPy.")] = "",
    trust: Annotated[bool, typer.Option(help="Run without a sandbox.")] = False,
    jobs: Annotated[int, typer.Option(min=1, max=32, help="Submissions at a time.")] = 2,
    seconds: Annotated[float, typer.Option(min=1, help="Time for one submission.")] = 20.0,
) -> None:
    """Check implementations of softmax cross-entropy and of what stands before it."""
    from pminusy.api import check as api
    from pminusy.diagnosis.catalogue.conventions import parse_pins
    from pminusy.diagnosis.report.rubric import read_rubric
    from pminusy.diagnosis.run.limits import Limits
    from pminusy.errors import InputError

    points = read_rubric(rubric) if rubric is not None else None
    folder = path.is_dir() and not one
    if folder and format is ReportFormat.gradescope and output is None:
        raise InputError(
            "format gradescope", "a folder for --output", "none", "there is a file a submission"
        )
    if anonymous and not (folder and format is ReportFormat.html):
        raise InputError(
            "--anonymous", "a folder and --format html", f"--format {format.value}", "leave it out"
        )
    function = function or ",".join(points.functions if points is not None else ())
    settings = api.settings_for(
        folder, chosen=sandbox.value, trust=trust, image=image, function=function,
        pins=parse_pins(pin), limits=Limits(seconds=seconds),
    )  # fmt: skip
    with api.against(settings, reference) as standard:
        if folder:
            with _progress(format is ReportFormat.terminal) as bar:
                verdicts = api.check_folder(path, standard, jobs=jobs, memory=resume, progress=bar)
        else:
            verdicts = api.check_file(path, standard)
    report = api.Report(verdicts, path.name, folder=folder, hints=hints, rubric=points)
    if feedback is not None:
        report.write_feedback(feedback)
    with printing([feedback, resume]):
        _deliver(report.without_names() if anonymous else report, format, output, allow_fragile)
    raise typer.Exit(_exit_code(verdicts, allow_fragile))


def _exit_code(verdicts: list[Verdict], allow_fragile: bool) -> int:
    """0 all is correct, 1 something is not, 3 all that is not correct is no exercise we know."""
    good = ("correct", "fragile") if allow_fragile else ("correct",)
    rest = {verdict.status for verdict in verdicts if verdict.status not in good}
    return 0 if not rest else 3 if rest == {"unknown"} else 1


def _deliver(report: Any, format: ReportFormat, output: Path | None, allow_fragile: bool) -> None:  # noqa: A002  # as above
    if format is ReportFormat.terminal and output is None:
        report.print(stdout())
        return
    if report.folder and format is ReportFormat.gradescope and output is not None:
        report.write_gradescope(output, allow_fragile=allow_fragile)
        return
    text = report.text(format.value, allow_fragile=allow_fragile)
    if output is None:
        typer.echo(text)
    else:
        report.write(output, text)


@contextmanager
def _progress(wanted: bool) -> Iterator[Callable[[int, int, str], None] | None]:
    """A bar on standard error while a folder is checked, if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    if not (wanted and console.is_terminal):
        yield None
        return
    with Progress(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("checking")
        yield lambda done, total, _: bar.update(task, completed=done, total=total)
