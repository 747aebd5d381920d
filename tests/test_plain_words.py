"""The glossary finds a private word wherever it stands, and leaves the field's own alone."""

import pytest
from tools.plain_words import ROOT, files, places_in


@pytest.mark.parametrize(
    "line", ["the world of a letter", "def small_world():", "class WorldOf:", "two worlds"]
)
def test_a_private_word_is_found(line):
    (place,) = places_in("a.py", line)
    assert (place.word, place.term) == ("world", "environment")


@pytest.mark.parametrize(
    "line", ["worldwide", '<mo fence="true">', "store_fence()", "likely", "the class is likely"]
)
def test_others_are_left_alone(line):
    assert not list(places_in("a.py", line))


@pytest.mark.parametrize(
    "path", [path for path in files() if path.suffix == ".md"], ids=lambda path: path.stem
)
def test_documents_have_none(path):
    assert not list(places_in(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")))
