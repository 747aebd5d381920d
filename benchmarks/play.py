"""The page of `pminusy play` in Chromium: first paint, and frames while a logit of ten is dragged.

    python -m benchmarks.play

Frames are those of the browser's own tracing: the times between two frames drawn, and what the main
thread did for each. Needs Debian's chromium, and the extra `test` for Playwright.
"""

from __future__ import annotations

import statistics
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

import pminusy as pmy
from tests import needs
from tests.playground.browser import FLAGS

_CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline.frame"]
_OPENINGS = 7
_DRAG_SECONDS = 3
_TEN = "z=1,2,3,-4,5.5,0,0,1,2,3&y=7"


def first_paints(browser: Browser, address: str) -> list[float]:
    """Milliseconds to the first paint with content, of so many openings in new contexts."""
    found = []
    for _ in range(_OPENINGS):
        context = browser.new_context(viewport={"width": 1200, "height": 900})
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("#play:not([hidden])")
        page.wait_for_timeout(200)
        found.append(
            page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        )
        context.close()
    return found


def _traced_drag(page: Page) -> list[dict[str, Any]]:
    """Events of a trace taken while the first logit goes to and fro."""
    client = page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    done: list[bool] = []
    client.on("Tracing.dataCollected", lambda sent: events.extend(sent["value"]))
    client.on("Tracing.tracingComplete", lambda _: done.append(True))
    box = page.locator("input.logit").first.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    client.send("Tracing.start", {"traceConfig": {"includedCategories": _CATEGORIES}})
    page.wait_for_timeout(500)  # the trace's own beginning takes a fifth of a second
    page.mouse.down()
    for n in range(_DRAG_SECONDS * 120):
        share = 0.5 + 0.35 * (1 - abs((n % 80) / 40 - 1)) * (1 if n // 80 % 2 else -1)
        page.mouse.move(box["x"] + share * box["width"], middle)
    client.send("Tracing.end")
    while not done:
        page.wait_for_timeout(20)
    page.mouse.up()
    return events


def frames(events: list[dict[str, Any]]) -> tuple[list[float], list[float]]:
    """Milliseconds between frames drawn, and what the page's own code took for each."""
    first = min(e["ts"] for e in events if e["name"] == "FireAnimationFrame")
    drawn = sorted(e["ts"] for e in events if e["name"] == "DrawFrame" and e["ts"] >= first)
    own = [e["dur"] / 1000 for e in events if e["name"] == "FireAnimationFrame" and "dur" in e]
    return [(b - a) / 1000 for a, b in pairwise(drawn)], own


def _row(name: str, values: list[float], unit: str = "ms") -> str:
    late = statistics.quantiles(values, n=20)[-1]
    return (
        f"{name:<34} median {statistics.median(values):6.1f} {unit}, 95 % {late:6.1f} {unit}, "
        f"worst {max(values):6.1f} {unit}, of {len(values)}"
    )


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "page.html"
        pmy.play().save(file)
        browser = playwright.chromium.launch(executable_path=needs.chromium(), args=FLAGS)
        print(f"{'size of the page':<34} {file.stat().st_size / 1000:.0f} kB")
        print(_row("first paint from the file", first_paints(browser, file.as_uri())))
        for panel in ("graph", "curve", "jacobian", "learn", "lines"):
            page = browser.new_page(viewport={"width": 1200, "height": 900})
            page.goto(f"{file.as_uri()}#{_TEN}&panel={panel}")
            page.wait_for_selector("#play:not([hidden])")
            page.wait_for_timeout(300)
            between, own = frames(_traced_drag(page))
            print(_row(f"between frames, K = 10, {panel}", between))
            print(_row("  its own code for a frame", own))
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
