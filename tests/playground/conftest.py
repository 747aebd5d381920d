"""A browser and pages for it; where there is no browser these tests skip with one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pminusy as pmy
from tests import needs

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")  # closed after it: two at once do not go in one process
def browser() -> Iterator[Browser]:
    """One browser for the pages of a module."""
    if needs.missing_browser():
        pytest.skip(needs.missing_browser())
    from tests.playground.browser import launched

    with launched() as found:
        yield found


@pytest.fixture(scope="session")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The file of a page, made once for what is asked."""
    made: dict[str, Path] = {}

    def file(**asked: Any) -> Path:
        key = repr(asked)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("play") / "page.html"
            pmy.play(**asked).save(made[key])
        return made[key]

    return file
