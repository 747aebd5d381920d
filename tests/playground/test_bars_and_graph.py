"""Bars and graph in a browser: every control moved, the numbers compared with Python's."""

from typing import Any

import numpy as np
import pytest

from pminusy.core import head
from pminusy.core.options import Options
from pminusy.core.target_mass import target_mass
from pminusy.ops import softmax
from tests.playground.browser import number, opened, settle

CLOSE: dict[str, Any] = {"rtol": 6e-4, "atol": 1e-12}  # what four digits say
STATES: dict[str, tuple[str, dict[str, Any], list[float] | None]] = {
    "plain": ("z=2,1,0.1&y=0", {}, None),
    "ten classes": ("z=1,2,3,-4,5.5,0,0,1,2,3&y=7", {}, None),
    "sure": ("z=40,0,-3&y=0", {}, None),
    "sure and wrong": ("z=40,0,-3&y=2", {}, None),
    "smoothed": ("z=2,1,0.1&y=1&e=0.3", {"label_smoothing": 0.3}, None),
    "warm, capped": ("z=2,1,9&y=1&T=2&cap=3", {"temperature": 2.0, "softcap": 3.0}, None),
    "z-loss": ("z=2,1,9&y=1&zl=0.1", {"z_loss": 0.1}, None),
    "soft": ("z=2,1&y=0&soft=1,3", {}, [0.25, 0.75]),
}


def expected(link, options, soft):
    z = np.array([[float(v) for v in link.split("&")[0][2:].split(",")]])
    c = int(link.split("y=")[1].split("&")[0])
    y = np.array([soft]) if soft else np.eye(z.size)[[c]]
    chosen = Options(reduction="sum", **options)
    L, gradient = head.cross_entropy_grad(z, target_mass(y, 1, z.size, chosen), chosen)
    return z[0], y[0], softmax(_seen(z, options))[0], float(L), gradient[0]


def _seen(u, options):
    cap = options.get("softcap")
    u = cap * np.tanh(u / cap) if cap else u
    return u / options.get("temperature", 1.0)


def bars(page):
    rows = page.locator(".bars .row:not(.head)")
    p = [number(t) for t in rows.locator(".p-cell .value").all_text_contents()]
    g = [number(t) for t in rows.locator(".g-cell .value").all_text_contents()]
    return p, g, number(page.locator(".loss strong").text_content())


@pytest.mark.parametrize("name", STATES)
def test_the_bars_show_what_python_computes(name, browser, page_of):
    link, options, soft = STATES[name]
    _, _, p, L, gradient = expected(link, options, soft)
    with opened(browser, page_of(), f"#{link}") as page:
        got_p, got_g, got_L = bars(page)
        np.testing.assert_allclose(got_p, p, **CLOSE)
        np.testing.assert_allclose(got_g, gradient, **CLOSE)
        np.testing.assert_allclose(got_L, L, **CLOSE)
        assert "difference quotient agrees" in page.locator(".checked").first.text_content()
        assert page.locator(".notice").last.is_hidden()


def test_a_logit_is_dragged_and_moved_by_keys(browser, page_of):
    with opened(browser, page_of()) as page:
        thumb = page.get_by_label("logit of class 1", exact=True)
        box = thumb.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2, steps=5)
        page.mouse.up()
        settle(page)
        dragged = float(thumb.input_value())
        assert dragged > 6
        page.keyboard.press("ArrowLeft")
        settle(page)
        assert float(thumb.input_value()) == pytest.approx(dragged - 0.01)
        p, g, L = bars(page)
        z = np.array([[2, dragged - 0.01, 0.1]])
        np.testing.assert_allclose(p, softmax(z)[0], **CLOSE)
        np.testing.assert_allclose(g, softmax(z)[0] - [1, 0, 0], rtol=6e-4)
        assert L > 4


def test_every_control_of_the_bars(browser, page_of):
    with opened(browser, page_of()) as page:
        page.get_by_label("class 2 is the true one").check()
        page.get_by_role("button", name="One class more").click()
        exact = page.get_by_label("Logit of class 3, exactly")
        exact.fill("1.5")
        exact.press("Enter")
        settle(page)
        z = np.array([[2, 1, 0.1, 1.5]])
        p, g, _ = bars(page)
        np.testing.assert_allclose(p, softmax(z)[0], **CLOSE)
        np.testing.assert_allclose(g, softmax(z)[0] - [0, 0, 1, 0], rtol=6e-4)

        page.get_by_text("Options of the loss").click()
        for label, value in (("temperature", "2"), ("label smoothing", "0.2"), ("z-loss", "0.05")):
            field = page.get_by_label(f"{label}, exactly")
            field.fill(value)
            field.press("Enter")
        page.get_by_label("cap the logits").check()
        settle(page)
        chosen = Options(
            reduction="sum", temperature=2.0, label_smoothing=0.2, z_loss=0.05, softcap=5.0
        )
        mass = target_mass(np.eye(4)[[2]], 1, 4, chosen)
        L, gradient = head.cross_entropy_grad(z, mass, chosen)
        _, g, got_L = bars(page)
        np.testing.assert_allclose(g, gradient[0], **CLOSE)
        np.testing.assert_allclose(got_L, float(L), **CLOSE)

        page.get_by_role("button", name="As it opened").click()
        page.get_by_label("soft target").check()
        settle(page)
        _, g, _ = bars(page)
        np.testing.assert_allclose(g, softmax([[2.0, 1.0, 0.1]])[0] - [0.8, 0.1, 0.1], rtol=6e-4)


def test_one_gradient_step_lowers_the_loss(browser, page_of):
    with opened(browser, page_of()) as page:
        before = bars(page)[2]
        page.get_by_role("button", name="One gradient step").click()
        settle(page)
        p = softmax([[2.0, 1.0, 0.1]])[0]
        stepped = np.array([2, 1, 0.1]) - (p - [1, 0, 0])
        np.testing.assert_allclose(bars(page)[0], softmax(stepped[None])[0], **CLOSE)
        assert bars(page)[2] < before


def test_adding_to_all_moves_nothing_and_the_plain_formula_overflows(browser, page_of):
    with opened(browser, page_of()) as page:
        before = bars(page)
        field = page.get_by_label("added to every logit, exactly")
        field.fill("500")
        field.press("Enter")
        settle(page)
        assert bars(page) == before
        assert "stay as they were" in page.locator(".addition > .note").text_content()
        page.get_by_role("button", name="Logits of 1,000").click()
        settle(page)
        assert bars(page) == before
        table = page.locator(".naive tbody").text_content()
        assert table.count("∞") == 3
        assert table.count("NaN") == 3
        field.fill("-1000")
        field.press("Enter")
        settle(page)
        assert "0 / 0 is NaN" in page.locator(".overflow .note").text_content()


@pytest.mark.parametrize("name", STATES)
def test_the_graph_has_every_value_and_gradient(name, browser, page_of):
    link, options, soft = STATES[name]
    z, y, p, L, gradient = expected(link, options, soft)
    seen = _seen(z, options)
    with np.errstate(over="ignore"):
        e = np.exp(seen)
    with opened(browser, page_of(), f"#{link}") as page:
        nodes = page.locator(".graph-node").all_text_contents()
        shown = page.evaluate(
            "() => [...document.querySelectorAll('.graph-node')].map(n => "
            "[n.dataset.q, ...[...n.querySelectorAll('text')].map(t => t.textContent)])"
        )
    assert len(shown) == len(nodes) == 2 + 3 * len(z) + 2
    of = {q: [row for row in shown if row[0] == q] for q in ("z", "e", "S_e", "p", "L")}
    np.testing.assert_allclose([number(r[1]) for r in of["z"]], seen, **CLOSE)
    np.testing.assert_allclose([number(r[1]) for r in of["e"]], e, **CLOSE)
    np.testing.assert_allclose(number(of["S_e"][0][1]), e.sum(), **CLOSE)
    np.testing.assert_allclose([number(r[1]) for r in of["p"]], p, **CLOSE)
    np.testing.assert_allclose(number(of["L"][0][1]), L, **CLOSE)
    three: dict[str, Any] = {"rtol": 6e-3, "atol": 1e-12}
    epsilon = options.get("label_smoothing", 0.0)
    q = (1 - epsilon) * y + epsilon / len(z)
    np.testing.assert_allclose([number(r[2]) for r in of["p"]], -q / p, **three)
    np.testing.assert_allclose([number(r[2]) for r in of["e"]], (1 / e.sum() - q / e), **three)
    np.testing.assert_allclose(number(of["S_e"][0][2]), 1 / e.sum(), **three)
    if "temperature" not in options:
        np.testing.assert_allclose([number(r[2]) for r in of["z"]], gradient, **three)


def test_a_wide_layer_is_drawn_whole(browser, page_of):
    W = [[0.1 * d for d in range(8)], [0.0] * 8]
    with opened(browser, page_of(x=[1.0] * 8, W=W, y=1)) as page:
        tops = [float(box.get_attribute("y")) for box in page.locator(".graph .box").all()]
        assert len(tops) == 8 + 3 * 2 + 2
        assert min(tops) > 20
        dL_dx = page.locator(".graph-node[data-q=x] .back").all_text_contents()
        p = softmax([[2.8, 0.0]])[0]
        expected = [0.1 * d * p[0] for d in range(8)]
        np.testing.assert_allclose([number(t) for t in dL_dx], expected, rtol=6e-3, atol=1e-12)


def test_every_edge_opens_a_proved_line_and_agrees_with_a_quotient(browser, page_of):
    with opened(browser, page_of()) as page:
        edges = page.locator(".wire-hit")
        assert edges.count() == 2 * 3 + 5 * 3
        for n in range(edges.count()):
            edges.nth(n).dispatch_event("click")
            settle(page)
            detail = page.locator(".detail")
            assert "difference quotient agrees" in detail.locator(".checked").text_content()
            assert detail.locator(".line .proof").first.text_content().startswith("✓ proved: exact")
        edges.first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        settle(page)
        assert "x_0" in edges.nth(1).get_attribute("aria-label")
        assert page.locator(".wire.picked").count() == 1


def test_the_graph_goes_stage_by_stage(browser, page_of):
    with opened(browser, page_of()) as page:
        page.get_by_role("button", name="One stage on").click()
        settle(page)
        assert page.locator(".graph .in-node").all_text_contents().count("?") == 3 * 3 + 2
        words = []
        for _ in range(11):
            page.get_by_role("button", name="One stage on").click()
            settle(page)
            words.append(page.locator(".stage-words").text_content())
        assert "z_0" in words[0] or "z" in words[0]
        assert words[-2].endswith("p_0 − y_0.") or "−0.341" in words[-2]
        assert len(set(words)) == 11
        page.get_by_role("button", name="Backward").click()  # less motion: at once
        settle(page)
        assert page.locator(".graph .back").first.text_content() != ""


def test_a_finger_moves_a_logit(browser, page_of):
    with opened(browser, page_of(), phone=True) as page:
        box = page.get_by_label("logit of class 1", exact=True).bounding_box()
        page.touchscreen.tap(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
        settle(page)
        z = float(page.get_by_label("logit of class 1", exact=True).input_value())
        assert 5 < z < 7
        np.testing.assert_allclose(bars(page)[0], softmax([[2.0, z, 0.1]])[0], **CLOSE)
