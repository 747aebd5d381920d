"""Private words that have a term of the field: where they stand, and what to say instead.

`python tools/plain_words.py` lists every place and exits with 1 if there is one. It reads names,
docstrings, comments and messages of the code, and the documents. `KEPT` says where such a word is
the field's own term.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
READ = (
    "src", "tests", "benchmarks", "tools", "docs", "examples",
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md",
)  # fmt: skip
KINDS = {".py", ".md", ".jinja", ".toml"}
NOT_READ = ("tools/plain_words.py", "tests/test_plain_words.py")  # they name the words

# A word as it may stand in prose or in a name (`word`, `words`, `_word`, `WordOf`), and the term.
GLOSSARY = {
    "world": "environment",
    "arena": "proof context",
    "fence": "parentheses",
    "settling": "rounding off",
    "gallery": "outputs of the mutants",
    "rehearse": "trial step on a subsample",
    "rehearsal": "trial step on a subsample",
    "journal": "training log",
    "argued": "worst-predicted rows",
    "pushes": "contributions",
}

PHRASES = {
    r"argues? with": "worst-predicted rows",
    r"past the caches": "non-temporal store",
    r"likely class(es)?": "classes of non-negligible probability",
    r"there and back": "encode and decode",
    r"what is left of": "the remainder of",
    r"no kink": "say the condition",
}


# Where a word of the glossary is the field's own: MathML's attribute, processors' instructions,
# the number of processes in torch.distributed, the name of a periodical.
KEPT = {
    "fence": re.compile(r'fence="true"|store_fence|builder\.fence|myst_fence_as_directive'),
    "journal": re.compile(r"journal\.pone"),
    "world": re.compile("world_size"),
}


class Place(NamedTuple):
    """One private word."""

    path: str
    line: int
    word: str
    term: str


def forms(word: str) -> str:
    """The word alone, in the plural, inside snake_case or CamelCase."""
    capital = word[0].upper() + word[1:]
    boundary = r"(?![a-z])"
    return rf"(?<![A-Za-z]){word}s?{boundary}|{capital}s?{boundary}"


PATTERNS = [(re.compile(forms(word)), word, term) for word, term in GLOSSARY.items()] + [
    (re.compile(phrase, re.IGNORECASE), phrase, term) for phrase, term in PHRASES.items()
]


def places_in(path: str, text: str) -> Iterator[Place]:
    """Every private word of a text."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, word, term in PATTERNS:
            kept = KEPT.get(word)
            if pattern.search(kept.sub("", line) if kept else line):
                yield Place(path, number, word, term)


def files() -> Iterator[Path]:
    """The files that git tracks, of the kinds that people read."""
    listed = subprocess.run(
        ["git", "ls-files", *READ], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split():
        path = ROOT / name
        if path.suffix in KINDS and name not in NOT_READ and path.exists():
            yield path


def main() -> int:
    """Print the places; 1 if there are any."""
    found = [
        place
        for path in files()
        for place in places_in(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    ]
    for place in found:
        print(f"{place.path}:{place.line}: {place.word!r}: say {place.term!r}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
