"""What tests need that a machine may lack: they skip with one line, or fail where nothing may skip.

`PMINUSY_NO_SKIP=1`, which `.ci/run` sets, makes a failure of every skip but those of `MAY_LACK`:
a machine that should run everything then says what it does not run.
"""

from __future__ import annotations

import os
from functools import lru_cache
from shutil import which

from pminusy.diagnosis.run import sandbox
from pminusy.errors import InputError

__all__ = ["STRICT", "chromium", "may_skip", "missing_browser", "missing_sandbox"]

STRICT = os.environ.get("PMINUSY_NO_SKIP", "") not in ("", "0")

MAY_LACK = (
    "no CUDA device",
    "CUDA: ",  # what one such device cannot do
    "no node",  # the browser runs the same rows
    "no pdflatex",  # some hundred megabytes, for one test
    "the superuser ",  # nothing is forbidden to it
    "not applicable: ",  # a combination of parameters that means nothing
)
"""How the reasons of skips begin that no machine need avoid."""

OF_OTHER_LIBRARIES = "not checking array_api input"
"""How scikit-learn's reasons end where its checks want other array libraries or devices."""


def may_skip(reason: str) -> bool:
    """Whether a test may skip for this reason even under `PMINUSY_NO_SKIP`."""
    reason = reason.removeprefix("Skipped: ")
    return reason.startswith(MAY_LACK) or reason.endswith(OF_OTHER_LIBRARIES)


@lru_cache
def missing_sandbox() -> str:
    """Why other people's code cannot run in bubblewrap here; "" where it can."""
    try:
        sandbox.require("bubblewrap")
    except InputError as error:
        return f"no sandbox for other people's code: {error.got}; {error.remedy}"
    return ""


@lru_cache
def chromium() -> str:
    """Path of the Chromium that is installed; "" where there is none."""
    return next(filter(None, map(which, ("chromium", "chromium-browser", "google-chrome"))), "")


def missing_browser() -> str:
    """Why pages cannot be opened in a browser here; "" where they can."""
    if chromium():
        return ""
    return "no browser: install Debian's chromium to test the pages in it"
