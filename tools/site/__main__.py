"""`python -m tools.site`: build the site into build/site, and check it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import build_main
from tools.site.api import reference
from tools.site.built import faults
from tools.site.command_line import command_line
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


def main() -> int:
    """Build, then read what was built; the exit code is 1 if anything is wrong."""
    folder = ROOT / "build" / "site"
    failed = build(folder)
    found = list(faults(folder / "html"))
    for fault in found:
        print(fault, file=sys.stderr)
    if failed or found:
        return 1
    print(f"open {(folder / 'html' / 'index.html').relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
