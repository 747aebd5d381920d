"""Curve, Jacobian, Learn and Lines in a browser: moved, and compared with Python."""

import json
from typing import Any

import numpy as np
import pytest

import pminusy as pmy
from pminusy.derivation.statements.articles import ARTICLES
from tests.playground.browser import number, opened, settle

Z = [2.0, 1.0, 0.1]
CLOSE: dict[str, Any] = {"rtol": 6e-4, "atol": 1e-12}


def last_number(text: str) -> float:
    """The number behind the last equals sign."""
    return number(text.rsplit("=", 1)[-1])


def facts(page: Any) -> dict[str, tuple[float, str]]:
    rows = page.locator(".facts tr").all()
    return {
        row.locator("th").text_content(): (
            last_number(row.locator("td").nth(0).text_content()),
            row.locator("td").nth(1).text_content(),
        )
        for row in rows
    }


@pytest.mark.parametrize("k", [0, 1, 2])
def test_the_curve_has_the_gradient_the_curvature_and_the_secant(k, browser, page_of):
    with opened(browser, page_of(), f"#z=2,1,0.1&y=0&panel=curve&k={k}&h=0.5") as page:
        found = facts(page)
        p = pmy.softmax(Z)
        moved = np.array(Z)
        moved[k] += 0.5
        secant = float(pmy.cross_entropy(moved, 0) - pmy.cross_entropy(Z, 0)) / 0.5
        assert found["tangent"][0] == pytest.approx(p[k] - (k == 0), rel=1e-5)
        assert found["curvature"][0] == pytest.approx(p[k] * (1 - p[k]), rel=1e-5)
        assert found["secant"][0] == pytest.approx(secant, rel=1e-5)
        for name in ("tangent", "curvature"):
            assert found[name][1] == "✓ float64, difference quotient agrees"


def test_the_secant_becomes_the_tangent_and_then_loses_its_digits(browser, page_of):
    with opened(browser, page_of(), "#z=2,1,0.1&y=0&panel=curve") as page:
        page.get_by_role("button", name="h → 0").click()
        settle(page)
        found = facts(page)
        assert found["secant"][0] == pytest.approx(found["tangent"][0], rel=1e-4)
        field = page.get_by_label("h, exactly")
        field.fill("1e-12")
        field.press("Enter")
        settle(page)
        found = facts(page)
        off = abs(found["secant"][0] - found["tangent"][0])
        assert 1e-6 < off < 1e-2
        page.get_by_label("logit along which the loss is drawn").select_option("2")
        settle(page)
        assert facts(page)["tangent"][0] == pytest.approx(pmy.softmax(Z)[2], rel=1e-5)


def test_the_drawn_curve_lies_where_the_loss_is(browser, page_of):
    with opened(browser, page_of(), "#z=2,1,0.1&y=0&panel=curve&zl=0.1&T=2&e=0.1") as page:
        path = page.locator(".plot .curve").first.get_attribute("d")
        points = np.array([[float(v) for v in part.split()] for part in path[1:].split("L")])
        u = np.linspace(Z[0] - 6, Z[0] + 6, len(points))
        z = np.tile(Z, (len(points), 1))
        z[:, 0] = u
        L = pmy.cross_entropy(
            z, np.zeros(len(points), int), reduction="none", z_loss=0.1, temperature=2.0,
            label_smoothing=0.1,
        )  # fmt: skip
        slope, bottom = np.polyfit(L, points[:, 1], 1)
        np.testing.assert_allclose(points[:, 1], bottom + slope * L, atol=0.02)


def test_every_entry_of_the_jacobian_line_by_line(browser, page_of):
    J = pmy.softmax_jacobian(Z)
    with opened(browser, page_of(), "#z=2,1,0.1&y=0&panel=jacobian") as page:
        cells = page.locator(".jacobian tbody button")
        got = [number(text) for text in cells.all_text_contents()]
        np.testing.assert_allclose(got, J.ravel(), rtol=6e-3)
        cells.first.focus()
        settle(page)
        for n in range(9):
            i, j = divmod(n, 3)
            lines = page.locator("#panel-jacobian .detail .line")
            assert lines.count() == (5 if i == j else 4)
            for text in lines.locator(".live-line").all_text_contents():
                np.testing.assert_allclose(last_number(text), J[i, j], **CLOSE)
            proofs = lines.locator(".proof").all_text_contents()
            assert all(text == "✓ proved: exact for any K" for text in proofs)
            checked = page.locator("#panel-jacobian .checked").text_content()
            assert "difference quotient agrees" in checked
            page.keyboard.press("ArrowRight")
            settle(page)
        assert page.locator(".jacobian tbody .sum").all_text_contents() == ["0", "0", "0"]


def test_the_jacobian_times_the_first_factor_adds_up_to_p_minus_y(browser, page_of):
    gradient = pmy.softmax(Z) - [1, 0, 0]
    with opened(browser, page_of(), "#z=2,1,0.1&y=0&panel=jacobian") as page:
        page.get_by_label("times ∂L/∂p").check()
        settle(page)
        sums = page.locator(".jacobian tfoot .sum").all_text_contents()[:3]
        np.testing.assert_allclose([number(t) for t in sums], gradient, rtol=6e-3)
        page.get_by_label("only row c").check()
        settle(page)
        assert page.locator(".jacobian .left-out").count() == 2
        said = page.locator("#panel-jacobian > p.note").last.text_content()
        assert number(said.split("= ")[-1].split(":")[0]) == pytest.approx(-1.517, rel=1e-3)
        page.get_by_text("Options of the loss").click()
        page.get_by_label("soft target").check()
        settle(page)
        assert page.locator(".jacobian .left-out").count() == 0


def record(page: Any) -> dict[str, Any]:
    box = page.get_by_label("points and weights as JSON")
    if not box.is_visible():
        page.get_by_text("Points and weights as JSON").click()
        settle(page)
    read: dict[str, Any] = json.loads(box.input_value())
    return read


def python_step(before: dict[str, Any], batch: list[int], eta: float) -> dict[str, Any]:
    """One step of gradient descent by the library, through tanh units if there are any."""
    X, y = np.array(before["X"])[batch], np.array(before["y"])[batch]
    W, b = np.array(before["W"]), np.array(before["b"])
    hidden = before["V"] is not None
    h = np.tanh(X @ np.array(before["V"]).T + before["a"]) if hidden else X
    _, dL_dh, dL_dW, dL_db = pmy.linear_cross_entropy_grad(h, W, b, y)
    assert dL_dh is not None
    assert dL_dW is not None
    assert dL_db is not None
    after = {"W": W - eta * dL_dW, "b": b - eta * dL_db}
    if hidden:
        back = dL_dh * (1 - h**2)
        after["V"] = before["V"] - eta * back.T @ X
        after["a"] = before["a"] - eta * back.sum(0)
    return after


@pytest.mark.parametrize("hidden", [0, 1, 8])
@pytest.mark.parametrize("shape", ["blobs", "rings", "spiral"])
def test_learning_steps_as_python_does(shape, hidden, browser, page_of):
    link = f"#z=2,1,0.1&y=0&panel=learn&data={shape}&hidden={hidden}&eta=0.3&batch=16"
    with opened(browser, page_of(), link) as page:
        before = record(page)
        for _ in range(3):
            page.get_by_role("button", name="Step", exact=True).click()
            settle(page)
            after = record(page)
            for name, expected in python_step(before, after["batch"], 0.3).items():
                np.testing.assert_allclose(after[name], expected, rtol=1e-10, atol=1e-12)
            before = after
        X, y = np.array(after["X"]), np.array(after["y"])
        h = np.tanh(X @ np.array(after["V"]).T + after["a"]) if hidden else X
        logits = h @ np.array(after["W"]).T + after["b"]
        assert after["loss"] == pytest.approx(float(pmy.cross_entropy(logits, y)), rel=1e-12)
        right = float((logits.argmax(1) == y).mean())
        said = page.locator(".facts-line").text_content()
        assert number(said.split("·")[-1].split("%")[0]) == pytest.approx(100 * right, rel=2e-3)


def test_a_batch_shows_outer_products_that_add_up(browser, page_of):
    with opened(browser, page_of(), "#z=2,1,0.1&y=0&panel=learn&batch=4") as page:
        page.get_by_role("button", name="Step", exact=True).click()
        settle(page)
        labels = [e.get_attribute("aria-label") for e in page.locator(".matrix svg").all()]
        read = [
            np.array(
                [[number(v) for v in row.split(",")] for row in label.split(": ")[1].split(";")]
            )
            for label in labels
        ]
        assert [label.split(":")[0] for label in labels][-1] == "∂L/∂W"
        assert len(read) == 5
        np.testing.assert_allclose(sum(read[:4]) / 4, read[4], rtol=0.02, atol=2e-3)


def test_it_learns_and_stops_where_it_is_not_seen(browser, page_of):
    with opened(browser, page_of(), "#z=2,1,0.1&y=0&panel=learn&batch=0") as page:
        page.get_by_role("button", name="Run").click()
        page.wait_for_timeout(400)
        page.get_by_role("button", name="Pause").click()
        settle(page)
        after = record(page)
        assert after["steps"] > 3
        assert after["loss"] < 1.0986
        page.get_by_role("button", name="Run").click()
        page.get_by_role("tab", name="Graph").click()
        settle(page)
        settle(page)
        page.get_by_role("tab", name="Learn").click()
        settle(page)
        assert page.get_by_role("button", name="Run").is_visible()


@pytest.mark.parametrize("hidden", [0, 3])
def test_a_point_is_loaded_into_the_other_panels(hidden, browser, page_of):
    with opened(browser, page_of(), f"#z=2,1,0.1&y=0&panel=learn&hidden={hidden}") as page:
        page.get_by_role("button", name="Step", exact=True).click()
        page.locator(".mark").nth(7).focus()
        page.keyboard.press("Enter")
        settle(page)
        after = record(page)
        x = np.array(after["X"][7])
        h = np.tanh(np.array(after["V"]) @ x + after["a"]) if hidden else x
        p = pmy.softmax(np.array(after["W"]) @ h + after["b"])
        shown = page.locator(".bars .p-cell .value").all_text_contents()
        np.testing.assert_allclose([number(t) for t in shown], p, **CLOSE)
        assert page.get_by_label("class b is the true one").is_checked()  # 7 % 3 is 1
        page.get_by_role("tab", name="Graph").click()
        settle(page)
        inputs = page.locator(".graph-node[data-q=x] .in-node").all_text_contents()
        np.testing.assert_allclose([number(t) for t in inputs], h, rtol=6e-4)


CSV = "width,height,species\n1,10,ash\n3,20,<b>birch</b>\n2,30,ash\n5;6;ash\n"


def test_points_of_ones_own(browser, page_of):
    with opened(browser, page_of(), "#z=2,1,0.1&y=0&panel=learn") as page:
        page.get_by_text("Your own points").click()
        page.get_by_label("points as CSV").fill(CSV)
        page.get_by_role("button", name="Take these points").click()
        settle(page)
        assert "4 points of 2 classes" in page.locator(".notice:visible").text_content()
        after = record(page)
        expected = np.array([[-1, -2 / 3], [0, 1 / 6], [-0.5, 1], [1, -1]])
        np.testing.assert_allclose(after["X"], expected, rtol=1e-5)
        page.get_by_role("button", name="Step", exact=True).click()
        page.locator(".mark").nth(1).dispatch_event("click")
        settle(page)
        assert page.locator(".name").nth(1).text_content() == "<b>birch</b>"
        assert page.locator(".name b").count() == 0


@pytest.mark.parametrize(
    ("csv", "said"),
    [
        ("", "2 to 2000 rows"),
        ("a,b,c", "2 to 2000 rows"),
        ("1,2,a\n1,x,b", "line 2: expected numbers"),
        ("1,2\n3,4", "line 1: expected two numbers and a class"),
        ("1,2,a\n3,4,a", "2 to 10 classes"),
        ("\n".join(f"1,2,{n}" for n in range(11)), "2 to 10 classes"),
        ("1,2,a\n" * 2001, "2 to 2000 rows"),
        ("1,2,a\n1,NaN,b", "line 2"),
        ("1,2,a\n1,1e999,b", "line 2"),
        ("1,2,a\n1,2,", "line 2: expected a class"),
        ("x" * 300_000, "200,000 characters"),
        ("<script>alert(1)</script>", "line 1"),
    ],
    ids=["empty", "heading", "letters", "two columns", "one class", "classes", "rows", "nan", "inf",
         "blank", "huge", "markup"],
)  # fmt: skip
def test_points_that_are_none_are_said(csv, said, browser, page_of):
    with opened(browser, page_of(), "#z=2,1,0.1&y=0&panel=learn") as page:
        page.get_by_text("Your own points").click()
        page.get_by_label("points as CSV").fill(csv)
        page.get_by_role("button", name="Take these points").click()
        settle(page)
        notice = page.locator(".notice:visible").text_content()
        assert "not taken" in notice
        assert said in notice
        assert len(notice) < 200
        assert page.locator(".mark").count() == 180


def test_every_article_is_told_and_a_symbol_lights_up(browser, page_of):
    with opened(browser, page_of(), "#z=2,1,0.1&y=0&panel=lines") as page:
        assert page.locator(".told .card").count() >= 25  # with the opening numbers
        for name in ARTICLES:
            page.get_by_label("told by").select_option(name)
            settle(page)
            lines = page.locator(".told .line")
            assert lines.count() == page.locator(".told .line .proof").count() > 10
        page.get_by_label("told by").select_option("004")  # O for p
        settle(page)
        symbol = page.locator(".told math msub[data-q=p]").first
        symbol.hover()
        assert page.locator(".bars .bar.probability.lit").count() == 3
        assert page.locator("[data-light=p]").get_attribute("aria-pressed") == "true"
        page.get_by_role("button", name="L", exact=True).click()
        assert page.locator(".bars .bar.probability.lit").count() == 0
        assert page.locator(".loss strong.lit").count() == 1


def test_a_large_step_that_breaks_the_loss_is_said(browser, page_of):
    with opened(browser, page_of(), "#z=2,1,0.1&y=0&panel=learn&eta=10&hidden=8&batch=1") as page:
        for _ in range(20):
            page.get_by_role("button", name="Step", exact=True).click()
        settle(page)
        assert np.isfinite(record(page)["loss"])


@pytest.mark.parametrize("logits", ["1,2,3,-4,5.5,0,0,1,2,3", "-9,9,5,0,-7.3,-2,-2.5,4,-40,1"])
@pytest.mark.parametrize("times", [0, 1])
def test_no_number_of_a_large_jacobian_is_cut(logits, times, browser, page_of):
    link = f"#z={logits}&y=7&panel=jacobian&times={times}"
    with opened(browser, page_of(), link) as page:
        cut = page.evaluate(
            "() => [...document.querySelectorAll('.jacobian button')]"
            ".filter(cell => cell.scrollWidth > cell.clientWidth).map(cell => cell.textContent)"
        )
        assert cut == []
