"""`python -m tools.site`: run the code of the pages, build them into build/site, check them."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from sphinx.cmd.build import build_main
from tools.site.api import reference
from tools.site.built import faults
from tools.site.command_line import command_line
from tools.site.run import PAGES, run_page
from tools.site.samples import PLAYGROUND, scripts, write_samples
from tools.site.sources import ROOT, other_chapters, write_sources

PARTS = {
    "command line": command_line,
    "api": reference,
    "playground": lambda: PLAYGROUND,
    "other chapters": other_chapters,
    "example scripts": scripts,
}


def build(folder: Path) -> int:
    """Write the pages and the samples; any warning of Sphinx is an error, with its place."""
    sources, pages = folder / "source", folder / "html"
    write_sources(sources, PARTS)
    shutil.rmtree(pages, ignore_errors=True)
    write_samples(pages / "samples")
    settings = str(Path(__file__).parent)
    options = ["-W", "--keep-going", "-q", "-E", "-c", settings, "-d", str(folder / "doctrees")]
    return build_main([*options, str(sources), str(pages)])


def run_pages() -> list[str]:
    """Run all pages, two at a time; prints what was not run, returns what is wrong."""
    # Kernels have threads of their own, so processes are started anew.
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        reports = list(pool.map(run_page, PAGES))
    for report in reports:
        for line in report.not_run:
            print(line)
    return [line for report in reports for line in report.wrong]


def main() -> int:
    """Run, build, and read what was built; the exit code is 1 if anything is wrong."""
    folder = ROOT / "build" / "site"
    found = run_pages()
    failed = build(folder)
    found += faults(folder / "html")
    for fault in found:
        print(fault, file=sys.stderr)
    if failed or found:
        return 1
    print(f"open {(folder / 'html' / 'index.html').relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
