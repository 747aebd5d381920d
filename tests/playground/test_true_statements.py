"""What the page says, where options, large logits or a hidden layer change what is true."""

import re

import numpy as np
import pytest

import pminusy as pmy
from tests.playground.browser import number, opened, settle, until


def details(page, edge):
    """The text below the graph of the first edge whose label begins so."""
    page.locator(f".wire-hit[aria-label^='edge {edge}']").first.dispatch_event("click")
    settle(page)
    return page.locator(".detail").first.text_content()


def test_the_page_reads_every_link_that_it_writes(browser, page_of):
    with opened(browser, page_of(), "#z=3,1,0.1&y=0&panel=learn") as page:
        page.get_by_text("Your own points").click()
        page.get_by_label("points as CSV").fill("1,10,ash\n3,20,birch")
        page.get_by_role("button", name="Take these points").click()
        page.get_by_label("Logit of class 0, exactly").fill("4")
        page.get_by_label("Logit of class 0, exactly").press("Enter")
        until(page, "location.hash.includes('z=4,')")
        link = page.evaluate("location.hash")
        assert "csv" not in link
    with opened(browser, page_of(), link) as page:
        assert page.locator(".notice:visible").count() == 0


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("data=csv", "data: expected blobs, rings, spiral"),
        ("y=7", "y: expected a class from 0 to 2, got 7"),
        ("k=3", "k: expected a class from 0 to 2, got 3"),
        ("soft=1,2", "soft: expected 3 entries, got 2"),
        ("soft=0,0,0", "soft: expected a weight above 0"),
        ("names=a,b,c,d", "names: expected 3 entries, got 4"),
        ("colour=red&T=0", "and 1 more"),
    ],
    ids=["own points", "target", "class", "soft", "no weight", "names", "two"],
)
def test_of_a_link_only_what_does_not_fit_is_left_out(link, said, browser, page_of):
    with opened(browser, page_of(), f"#z=5,1,0.5&{link}&a=3") as page:
        assert said in page.locator(".notice:visible").text_content()
        assert page.get_by_label("Logit of class 0, exactly").input_value() == "5"
        assert page.get_by_label("added to every logit, exactly").input_value() == "3"


def test_a_link_is_one_state_whatever_the_page_was_in(browser, page_of):
    first = "#z=1,2&y=1&names=ash,birch&T=2&hidden=3&panel=learn&x=3,4"
    with opened(browser, page_of(), first) as page:
        page.evaluate("location.hash = 'z=5,6,7&y=1'")
        until(page, "document.querySelectorAll('.bars .row:not(.head)').length === 3")
        settle(page)
        assert page.locator(".name").all_text_contents() == ["0", "1", "2"]
        assert page.get_by_label("temperature, exactly").input_value() == "1"
        assert page.locator("#panel-graph").is_visible()
        assert page.locator(".graph-node[data-q=x] .in-node").first.text_content() == "1"


@pytest.mark.parametrize("added", [1000, -1000])
def test_the_jacobian_is_in_numbers_that_float64_has(added, browser, page_of):
    J = pmy.softmax_jacobian([2.0, 1.0, 0.1])
    for i, j in ((0, 1), (1, 1)):
        link = f"#z=2,1,0.1&y=0&panel=jacobian&a={added}&i={i}&j={j}"
        with opened(browser, page_of(), link) as page:
            assert "ez − max z" in page.locator(".shifted").text_content()
            for line in page.locator("#panel-jacobian .live-line").all_text_contents():
                assert not re.search("∞|NaN", line)
                left, right = line.rsplit(" = ", 1)
                plain = re.sub(r"(?<=[\d)]) \(", " * (", left).replace("²", "**2")
                plain = plain.replace("−", "-").replace("·", "*")
                assert eval(plain) == pytest.approx(J[i, j], rel=3e-3)
                assert number(right) == pytest.approx(J[i, j], rel=6e-4)


def test_a_temperature_stands_between_the_logits_and_the_graph(browser, page_of):
    with opened(browser, page_of(), "#z=2,1,0.1&y=0&T=2&panel=graph") as page:
        assert page.locator(".row.head").text_content().endswith("u logitp and y∂L/∂u")
        note = page.locator("#panel-graph .note").nth(1).text_content()
        assert "z = u / T with T = 2, so ∂L/∂u = ∂L/∂z · 0.5" in note
        assert "∂z0/∂u0" in details(page, "∂z_0/∂x_0")
        page.get_by_role("tab", name="Jacobian").click()
        page.get_by_label("times ∂L/∂p").check()
        settle(page)
        said = page.locator("#panel-jacobian > p.note").last.text_content()
        assert "∂L/∂u = ∂L/∂z · 0.5" in said
        sums = page.locator(".jacobian tfoot .sum").all_text_contents()[:3]
        bars = page.locator(".g-cell .value").all_text_contents()
        np.testing.assert_allclose(
            [number(t) / 2 for t in sums], [number(t) for t in bars], rtol=6e-3
        )
        page.get_by_role("tab", name="Curve").click()
        settle(page)
        facts = page.locator(".facts").text_content()
        assert "∂L/∂u0" in facts
        assert "L(z" not in facts
        assert "z = u / T" in page.locator("#panel-curve").text_content()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("cap=5", "z = κ tanh(u / κ) with κ = 5, so ∂L/∂u = ∂L/∂z · (1 − tanh(u / κ)²)."),
        ("cap=5&T=2", "z = κ tanh(u / κ) / T with κ = 5 and T = 2"),
        ("e=0.3", "∂L/∂z = p − q, q = (1 − ε) y + ε / K with ε = 0.3"),
        ("zl=0.1", "∂L/∂z = p − y + 2 ζ ln(S) p."),
    ],
    ids=["cap", "cap and temperature", "smoothing", "z-loss"],
)
def test_what_options_make_of_p_minus_y_is_said(options, said, browser, page_of):
    with opened(browser, page_of(), f"#z=2,1,0.1&y=0&{options}") as page:
        assert said in page.locator(".loss").text_content()
        reason = page.locator(".addition .why-lines")
        assert reason.is_visible() == (options == "e=0.3")


def test_a_number_added_is_named_where_it_counts(browser, page_of):
    with opened(browser, page_of(), "#z=2,1,0.1&y=0&a=5") as page:
        assert "a not added yet" in page.locator(".row.head").text_content()
        assert "a = 5 is added in the graph" in page.locator("#panel-graph").text_content()
        said = page.locator(".addition > .note").text_content()
        assert "every gradient at the logits stay" in said
        page.locator(".addition summary").click()
        why = page.locator(".addition .why-lines").text_content()
        assert "taken off every logit" in why
        assert re.search(r"keeps e\^?\(?z − a\)? from overflowing", why)


@pytest.mark.parametrize(
    ("z", "said"),
    [
        ("-800,0,1", "= ln S − z = 1.313 − (−800)"),
        ("40,0,1", "= −ln(1 − 1.58·10⁻¹⁷)"),
        ("2,1,0.1", "= −ln 0.659"),
    ],
    ids=["wrong", "sure", "plain"],
)
def test_the_loss_is_that_of_the_numbers_beside_it(z, said, browser, page_of):
    with opened(browser, page_of(), f"#z={z}&y=0") as page:
        assert said in page.locator(".loss").text_content()


@pytest.mark.parametrize(
    ("added", "edge", "said"),
    [
        (-1000, "∂e^(z_0)", "underflow"),
        (-1000, "∂p_0/∂e^(z_0)", "underflow"),
        (1000, "∂e^(z_0)", "overflow"),
        (1000, "∂p_0/∂e^(z_0)", "overflow"),
        (1000, "∂p_0/∂S", "overflow"),
        (0, "∂p_0/∂e^(z_0)", "with S held still"),
        (0, "∂p_0/∂S", "numerator held still"),
        (0, "∂S/∂e^(z_0)", "goes on to z"),
    ],
)
def test_an_edge_says_what_its_number_and_its_lines_are(added, edge, said, browser, page_of):
    with opened(browser, page_of(), f"#z=2,1,0.1&y=0&a={added}") as page:
        words = details(page, edge)
        assert said in words
        assert ("difference quotient agrees" in words) == (added == 0)
        if added:
            assert "float64 has no room" in page.locator("#panel-graph").text_content()


def test_a_hidden_layer_gives_h(browser, page_of):
    with opened(browser, page_of(), "#z=2,1,0.1&y=0&panel=learn&hidden=8") as page:
        page.get_by_role("button", name="Step", exact=True).click()
        page.locator(".mark").nth(7).dispatch_event("click")
        settle(page)
        products = page.locator(".products").text_content()
        assert "(p − y) hT" in products
        assert "h = tanh(V x + a)" in products
        page.get_by_role("tab", name="Graph").click()
        settle(page)
        assert page.locator(".graph .column").first.text_content() == "h"
        assert "∂z0/∂h0" in details(page, "∂z_0/∂h_0")
        page.get_by_role("button", name="As it opened").click()
        settle(page)
        assert page.locator(".graph .column").first.text_content() == "x"


def test_lines_do_not_say_that_they_follow(browser, page_of):
    with opened(browser, page_of(), "#z=5,1,0.1&y=0&panel=lines") as page:
        panel = page.locator("#panel-lines").text_content()
        assert "do not follow the bars" in panel
        assert "the opening numbers to 30 digits" in panel
        assert "your numbers" not in panel


def test_a_message_stands_below_its_control_until_something_is_changed(browser, page_of):
    with opened(browser, page_of()) as page:
        exact = page.get_by_label("Logit of class 2, exactly")
        exact.fill("abc")
        exact.press("Tab")
        notice = page.locator(".notice:visible")
        gap = notice.bounding_box()["y"] - exact.bounding_box()["y"]
        assert 0 < gap < 60
        page.get_by_label("Logit of class 0, exactly").fill("3")
        page.get_by_label("Logit of class 0, exactly").press("Enter")
        settle(page)
        assert notice.count() == 0
        page.get_by_role("tab", name="Learn").click()
        page.get_by_text("Your own points").click()
        take = page.get_by_role("button", name="Take these points")
        take.click()
        assert 0 < notice.bounding_box()["y"] - take.bounding_box()["y"] < 60
