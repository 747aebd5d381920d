"""Numbers as they are written, and text from outside made harmless."""

import doctest
import math

import pytest

from pminusy.report import text


def test_examples_of_the_docstrings_hold():
    result = doctest.testmod(text)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.99996, "1.000"),
        (0.5, "0.5000"),
        (0.00012345, "0.0001234"),
        (9.99996, "10.00"),
        (-12.3456, "−12.35"),
        (1234.5, "1,234"),
        (999.96, "1,000"),
        (123456.7, "123,457"),
        (2.5e6, "2.500 × 10⁶"),
        (4.24835e-18, "4.248 × 10⁻¹⁸"),
        (-1.5e300, "−1.500 × 10³⁰⁰"),
        (5e-324, "4.941 × 10⁻³²⁴"),
        (math.nan, "not defined"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_number(value, written):
    assert text.number(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.25, "+0.2500"), (-0.25, "−0.2500"), (0.0, "0"), (-0.0, "0")]
)
def test_signed(value, written):
    assert text.signed(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.2, "0.2"), (3 * 0.2, "0.6"), (1.0, "1"), (1e-5, "10⁻⁵"), (2e-12, "2 × 10⁻¹²")],
)
def test_tick(value, written):
    assert text.tick(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.99999, "> 99.9 %"),
        (1e-6, "< 0.1 %"),
        (0.0009, "< 0.1 %"),
        (0.9712, "97.1 %"),
    ],
)
def test_share_says_all_or_none_only_where_it_is_exact(value, written):
    assert text.share(value) == written


def test_name_escapes():
    assert text.name("<b>\"a\" & 'b'") == (
        '<bdi class="name">&lt;b&gt;&#34;a&#34; &amp; &#39;b&#39;</bdi>'
    )


def test_a_long_name_is_cut_and_whole_on_hover():
    long = '"' + "a" * 99
    html = str(text.name(long, 10))
    assert html == f'<bdi class="name" title="&#34;{"a" * 99}">&#34;aaaaaaaa…</bdi>'


def test_an_endless_name_says_its_length_on_hover():
    html = str(text.name("x" * 10_000))
    assert len(html) < 600
    assert "(10,000 characters)" in html


def test_a_name_of_the_limit_is_not_cut():
    assert "…" not in text.name("x" * text.SHOWN)
    assert "…" in text.name("x" * (text.SHOWN + 1))


@pytest.mark.parametrize("blank", ["", "   ", "\t\n"])
def test_a_blank_name_is_said(blank):
    assert "(blank)" in text.name(blank)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\x00b\x1b[31m", "a�b�[31m"),
        ("a\nb\tc\u2028d", "a b c d"),
        ("\u202eabc\u2066", "�abc�"),
        ("\ud800", "�"),
        ("品種 اسم שם می\u200cشود 👩\u200d🚀", "品種 اسم שם می\u200cشود 👩\u200d🚀"),
    ],
)
def test_clean_takes_what_acts_and_leaves_what_shows(raw, shown):
    assert text.clean(raw) == shown


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
    assert text.formula(formula) == html
