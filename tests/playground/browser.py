"""The page in a real browser: opened without a network, and watched for errors and requests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests import needs

__all__ = ["FLAGS", "PHONE", "launched", "number", "opened", "settle", "until"]

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP = {"width": 1200, "height": 900}
PHONE = {"width": 360, "height": 740}


@contextmanager
def launched() -> Iterator[Browser]:
    """One browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needs.chromium(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser, file: Path, link: str = "", *, phone: bool = False, **context: Any
) -> Iterator[Any]:
    """The page in a context of its own; at the end nothing was asked for and nothing went wrong."""
    context.setdefault("viewport", PHONE if phone else DESKTOP)
    context.setdefault("reduced_motion", "reduce")
    made = browser.new_context(has_touch=phone, **context)
    made.set_offline(True)
    page = made.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda said: wrong.append(f"console: {said.text}"))
    page.on(
        "request", lambda sent: None if sent.url.startswith("file:") else wrong.append(sent.url)
    )
    page.set_default_timeout(60_000)
    page.goto(f"{file.as_uri()}{link}")
    if context.get("java_script_enabled", True):
        page.wait_for_selector("#play:not([hidden])")
        settle(page)
    yield page
    made.close()
    assert wrong == []


def settle(page: Page) -> None:
    """Wait for the frame after the last change."""
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def until(page: Page, condition: str) -> None:
    """Wait for a condition in JavaScript; the page's policy lets no text be evaluated inside it."""
    end = time.monotonic() + 60
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(20)


def number(text: str) -> float:
    """A number as the page writes it."""
    plain = text.strip().replace("−", "-").replace("∞", "inf").replace("+", "")
    mantissa, times, power = plain.partition("·10")
    if not times:
        return float(plain)
    digits = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    return float(f"{mantissa}e{power.translate(digits)}")
