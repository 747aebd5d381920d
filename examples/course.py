"""A course with 30 submissions: verdicts, points and a page: `python examples/course.py FOLDER`.

The submissions are made here, from one solution and six mistakes, so that the script shows what
comes out; with a folder of your own, begin at the commands that it prints.
"""

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

RIGHT = """import numpy as np


def softmax_loss(z, y):
    rows = np.arange(len(y))
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradient = np.exp(log_p)
    gradient[rows, y] -= 1
    return -log_p[rows, y].mean(), gradient / len(y)
"""
MISTAKES = {
    "right": ("", ""),
    "not averaged": ("gradient / len(y)", "gradient"),
    "sum for mean": (".mean()", ".sum()"),
    "wrong axis": ("np.exp(shifted).sum(axis=1, keepdims=True)", "np.exp(shifted).sum(axis=0)"),
    "no shift": ("z - z.max(axis=1, keepdims=True)", "z"),
    "wrong sign": ("[rows, y] -= 1", "[rows, y] += 1"),
}
RUBRIC = """points = 10
fragile = 8
[mistakes]
other = 5
"""


def main(folder: Path, students: int = 30) -> None:
    """Write submissions and a rubric, have them judged, and count."""
    submissions = folder / "submissions"
    submissions.mkdir(parents=True)
    for number in range(students):
        before, after = list(MISTAKES.values())[number % len(MISTAKES)]
        text = RIGHT.replace(before, after) if before else RIGHT
        (submissions / f"student{number:02}.py").write_text(text, encoding="utf-8")
    (folder / "rubric.toml").write_text(RUBRIC, encoding="utf-8")

    check("submissions", "--format", "html", "-o", "class.html", "--hints", "1", where=folder)
    check(
        "submissions",
        "--format",
        "csv",
        "-o",
        "points.csv",
        "--rubric",
        "rubric.toml",
        where=folder,
    )
    with (folder / "points.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for verdict, count in Counter(row["verdict"] for row in rows).most_common():
        print(f"{count:3} {verdict}")
    print(f"mean of the points {sum(float(row['points']) for row in rows) / len(rows):.1f}")


def check(*words: str, where: Path) -> None:
    """Run `pminusy check`; its exit code is 1 where a submission is not correct."""
    print("$ pminusy check", *words)
    done = subprocess.run(
        [sys.executable, "-m", "pminusy", "check", *words], cwd=where, check=False
    )
    if done.returncode not in (0, 1):
        raise SystemExit(done.returncode)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "course"))
