"""Numbers as they are written, and text from outside made harmless."""

import pytest

from pminusy.report import markup


def test_name_escapes():
    assert markup.name("<b>\"a\" & 'b'") == (
        '<bdi class="name">&lt;b&gt;&#34;a&#34; &amp; &#39;b&#39;</bdi>'
    )


def test_a_long_name_is_cut_inside_and_whole_on_hover():
    long = '"' + "a" * 98 + "z"
    html = str(markup.name(long, 10))
    assert html == f'<bdi class="name" title="&#34;{"a" * 98}z">&#34;aaaa…aaaz</bdi>'


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        ("a" * 30 + "1", "a" * 30 + "2", 24),
        ("1" + "a" * 30, "2" + "a" * 30, 24),
        ("a" * 15 + "1" + "a" * 15, "a" * 15 + "2" + "a" * 15, 31),
        ("a" * 30 + "1" + "a" * 30, "a" * 30 + "2" + "a" * 30, 61),
    ],
    ids=["at the end", "at the beginning", "inside", "far inside"],
)
def test_long_names_that_differ_look_different(first, second, shown):
    names = markup.NamesApart([first, "short", second])
    assert len({names.text(k, 24) for k in range(3)}) == 3
    assert len(names.text(0, 24)) == shown
    assert names(0) == markup.name(first, shown)
    assert names(1) == markup.name("short")


def test_names_that_hardly_differ_are_cut_all_the_same():
    names = markup.NamesApart(["a" * 500 + each + "a" * 500 for each in "12"])
    assert len(names.text(0, 24)) == 24


def test_an_endless_name_says_its_length_on_hover():
    html = str(markup.name("x" * 10_000))
    assert len(html) < 600
    assert "(10,000 characters)" in html


def test_a_name_of_the_limit_is_not_cut():
    assert "…" not in markup.name("x" * markup.SHOWN)
    assert "…" in markup.name("x" * (markup.SHOWN + 1))


@pytest.mark.parametrize("blank", ["", "   ", "\t\n"])
def test_a_blank_name_is_said(blank):
    assert "(blank)" in markup.name(blank)


@pytest.mark.parametrize(
    ("formula", "html"),
    [
        ("S p − q", "<i>S</i> <i>p</i> − <i>q</i>"),
        ("max_j z_j", "max<sub><i>j</i></sub> <i>z</i><sub><i>j</i></sub>"),
        ("dL_dzᵀ X", "∂<i>L</i>/∂<i>z</i>ᵀ <i>X</i>"),
        ("Σ_i dL_dz_i", "Σ<sub><i>i</i></sub> ∂<i>L</i>/∂<i>z</i><sub><i>i</i></sub>"),
        (
            "e^(z_k − m) / s",
            "e<sup><i>z</i><sub><i>k</i></sub> − <i>m</i></sup> / <i>s</i>",
        ),
        ("κ tanh(u / κ)", "<i>κ</i> tanh(<i>u</i> / <i>κ</i>)"),
        ("a < lse", "<i>a</i> &lt; lse"),
    ],
)
def test_formula(formula, html):
    assert markup.formula(formula) == html
