"""Pages that the commands write, built into the site: they open before anything is installed."""

from __future__ import annotations

from pathlib import Path

from tools.site.sources import ROOT

from pminusy.cli.app import run

__all__ = ["PLAYGROUND", "SAMPLES", "scripts", "write_samples"]

_PENGUINS = "examples/penguins.csv"
SAMPLES = {
    "play.html": ("play", "-o"),
    "explain.html": ("explain", "--probs", "0.2,0.6,0.2", "--target", "0", "-o"),
    "check.html": ("check", "examples/my_softmax.py", "--format", "html", "-o"),
    "fit.html": ("fit", _PENGUINS, "--target", "species", "-o", "{model}", "--report"),
    "row.html": ("explain", "{model}", _PENGUINS, "--row", "183", "-o"),
}
"""File of the site, and the command that writes it there; run in this order, from the root."""

PLAYGROUND = """```{raw} html
<iframe class="playground" src="samples/play.html" title="The page of pminusy play"></iframe>
```"""


def write_samples(folder: Path) -> None:
    """Write every sample into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder.parent.parent / "penguins.safetensors"
    for name, words in SAMPLES.items():
        command = [word.format(model=model) for word in words]
        code = run([*command, str(folder / name)])
        if code not in (0, 1):  # 1 is the verdict of check on an example that is wrong on purpose
            raise RuntimeError(f"pminusy {' '.join(command)}: exit code {code}")


def scripts() -> str:
    """The text of every example, below its name."""
    found = sorted((ROOT / "examples").glob("*.py"))
    return "\n".join(
        f"## `{path.name}`\n\n```python\n{path.read_text(encoding='utf-8')}```\n" for path in found
    )
