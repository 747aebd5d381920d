"""The picture of the README, a page of a fit in Chromium: `python -m tools.site.picture`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from shutil import which

from playwright.sync_api import sync_playwright
from tools.site.sources import ROOT

from pminusy import fit_table


def main() -> None:
    """Fit the penguins, and keep what their page says of the worst-predicted row."""
    place = ROOT / "docs" / "pictures" / "fit.png"
    place.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page = Path(folder) / "fit.html"
        fit_table(ROOT / "examples" / "penguins.csv", target="species").write_report(page)
        browser = driver.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1000, "height": 700})
        view.goto(page.as_uri())
        box = view.locator("#rows").bounding_box()
        if box is None:
            raise LookupError("the page has no worst-predicted rows")
        view.screenshot(
            path=str(place),
            full_page=True,
            clip={"x": 0.0, "y": box["y"], "width": 1000.0, "height": 700.0},
        )
        browser.close()


if __name__ == "__main__":
    main()
