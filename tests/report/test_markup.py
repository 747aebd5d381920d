"""Numbers as they are written, and text from outside made harmless."""

import pytest

from pminusy.report import markup


def test_name_escapes():
    assert markup.name("<b>\"a\" & 'b'") == (
        '<bdi class="name">&lt;b&gt;&#34;a&#34; &amp; &#39;b&#39;</bdi>'
    )


def test_a_long_name_is_cut_and_whole_on_hover():
    long = '"' + "a" * 99
    html = str(markup.name(long, 10))
    assert html == f'<bdi class="name" title="&#34;{"a" * 99}">&#34;aaaaaaaa…</bdi>'


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
