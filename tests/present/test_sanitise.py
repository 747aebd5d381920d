"""Text from outside, made harmless in each of the ways there are."""

import sys
import unicodedata

import pytest

from pminusy.cli.streams import shown
from pminusy.derivation.render.document import safe
from pminusy.diagnosis.report.clean import clean, clean_cell
from pminusy.present.sanitise import cleaned, csv_cell, cut, replaced, visible
from pminusy.report.markup import plain

ACTS = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) in ("Cc", "Cs")]
OVERRIDES = list("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize("way", [visible, replaced, cleaned, csv_cell])
@pytest.mark.parametrize("writer", ["itself", "behind a letter"])
def test_no_character_that_acts_is_left(way, writer):
    before = "a" if writer == "behind a letter" else ""
    for character in [*ACTS, *OVERRIDES, "\u2028", "\u2029"]:
        assert character not in way(before + character)


@pytest.mark.parametrize(
    "way",
    [clean, clean_cell, safe, plain, lambda name: str(shown(name))],
    ids=["diagnosis", "cell", "report", "terminal", "derivation"],
)
def test_every_writer_takes_its_text_from_here(way):
    written = way("a\x1b[31m\u202e\ud800")
    assert not set(written) & {*ACTS, *OVERRIDES}
    assert written.startswith("a")


def test_visible_loses_nothing():
    text = "tab\there, \x1b[0m, \u202e, \U000e0041, \ud800, é"
    assert visible(text) == "tab\\there, \\x1b[0m, \\u202e, \\U000e0041, \\ud800, é"
    assert visible("abc\x00def", 4) == "abc\\x00"


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_cell_that_would_be_computed_is_quoted(start):
    assert csv_cell(f"{start}1") == f"'{start}1"
    assert csv_cell(f"1{start}") == f"1{start}"


def test_cut_keeps_to_its_length():
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
    assert cut("a   d", 4) == "a…"  # no space before the ellipsis


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        ("a\x00b\x1b[31m", "a�b�[31m"),
        ("a\nb\tc\u2028d", "a b c d"),
        ("\u202eabc\u2066", "�abc�"),
        ("\ud800", "�"),
        ("品種 اسم שם می\u200cشود 👩\u200d🚀", "品種 اسم שם می\u200cشود 👩\u200d🚀"),
    ],
)
def test_cleaned_takes_what_acts_and_leaves_what_shows(raw, written):
    assert cleaned(raw) == written
