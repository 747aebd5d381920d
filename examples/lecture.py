"""Slides, a handout with blanks and a page for a lecture: `python examples/lecture.py FOLDER`."""

import sys
from pathlib import Path

import pminusy as pmy

LOGITS = [2.0, 1.0, 0.1]
CLASSES = ("ash", "birch", "cedar")


def main(folder: Path) -> None:
    """Write three files about the same numbers, in the letters of the course's textbook."""
    folder.mkdir(parents=True, exist_ok=True)
    slides = pmy.explain(z=LOGITS, y=0, classes=CLASSES, depth="outline", notation="yhat")
    handout = pmy.explain(z=LOGITS, y=0, classes=CLASSES, notation="yhat", hints=1)
    page = pmy.explain(z=LOGITS, y=0, classes=CLASSES, notation="yhat")
    files = {
        "slides.tex": slides.to_beamer(),
        "handout.tex": handout.to_latex(),
        "derivation.html": page.to_html(),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    pmy.play(LOGITS, 0, classes=CLASSES).save(folder / "play.html")
    print(f"{len(slides)} slides, {len(page)} steps on the page")
    print("written:", *sorted(path.name for path in folder.iterdir()))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "lecture"))
