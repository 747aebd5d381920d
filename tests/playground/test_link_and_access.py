"""The page's link, its keyboard, screen readers, phones, paper, and a page without a script."""

import re
import time
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe

import pminusy as pmy
from tests.playground.browser import DESKTOP, PHONE, number, opened, settle, until

NASTY = "<img src=x onerror=alert(1)>"
OPENING = [2, 1, 0.1]
BAD_LINKS = {
    "not ours": "section-2",
    "unknown setting": "z=1,2&colour=red",
    "no numbers": "z=1,2,x",
    "not finite": "z=1,NaN",
    "infinite": "z=1,1e999",
    "too large": "z=1,5000",
    "one class": "z=1",
    "eleven classes": "z=1,2,3,4,5,6,7,8,9,10,11",
    "huge": "z=" + "1," * 100_000 + "1",
    "no such panel": "z=1,2&panel=toString",
    "half a class": "z=1,2&y=0.5",
    "half an entry": "z=1,2&i=0.5",
    "temperature of 0": "z=1,2&T=0",
    "smoothing above 1": "z=1,2&e=2",
    "negative target": "z=1,2&soft=-1,2",
    "code": "z=alert(1),2",
    "half an escape": "z=1,2&names=%E0%A4%A,b",
    "hexadecimal": "z=0x10,2",
    "prototype": "__proto__=1",
}


FOCUSED = """() => {
  const at = document.activeElement;
  if (at === document.body) return ["", true];
  const outlined = getComputedStyle(at).outlineStyle !== "none" || at.matches(".wire-hit");
  return [(at.getAttribute("aria-label") || at.textContent || at.type).slice(0, 40), outlined];
}"""


def logits(page):
    fields = page.locator(".bars .logit-cell .number")
    return [float(fields.nth(n).input_value()) for n in range(fields.count())]


@pytest.mark.parametrize("kind", BAD_LINKS)
def test_a_link_that_is_not_ours_is_left_out_with_a_line(kind, browser, page_of):
    with opened(browser, page_of(), f"#{BAD_LINKS[kind]}") as page:
        fits = re.match("z=1,2(&|$)", BAD_LINKS[kind])
        assert logits(page) == ([1, 2] if fits else OPENING)
        said = page.locator(".notice:visible").text_content()
        assert "settings are left out" in said
        assert len(said) < 200
        assert page.locator("img").count() == 0


def test_the_state_is_in_the_link_and_comes_back(browser, page_of):
    with opened(browser, page_of()) as page:
        page.get_by_label("Logit of class 0, exactly").fill("-3.25")
        page.get_by_label("class 1 is the true one").check()
        page.get_by_role("button", name="One class more").click()
        until(page, "location.hash.includes('-3.25')")
        link = page.evaluate("location.hash")
        assert re.search(r"z=-3.25,1,0.1,0&y=1", link)
    with opened(browser, page_of(), link) as page:
        assert logits(page) == [-3.25, 1, 0.1, 0]
        assert page.get_by_label("class 1 is the true one").is_checked()
        page.evaluate("location.hash = 'z=5,6&y=1'")
        until(page, "document.querySelectorAll('.bars .row:not(.head)').length === 2")
        assert logits(page) == [5, 6]


def test_names_in_a_link_are_text(browser, page_of):
    with opened(browser, page_of(), f"#z=1,2&names={quote(NASTY)},b") as page:
        assert page.locator(".name").first.text_content() == NASTY
        assert page.locator("img").count() == 0


def test_what_is_no_number_is_said_and_not_taken(browser, page_of):
    with opened(browser, page_of()) as page:
        field = page.get_by_label("Logit of class 0, exactly")
        for wrong in ("abc", "1e5", "", "9" * 10_000, "<b>1</b>", "Infinity"):
            field.fill(wrong)
            field.press("Enter")
            assert field.get_attribute("aria-invalid") == "true"
            assert "expected a number" in page.locator(".notice:visible").text_content()
            assert number(page.locator(".loss strong").text_content()) == 0.41703
        field.fill("−2")  # with a true minus sign
        field.press("Enter")
        settle(page)
        assert field.get_attribute("aria-invalid") is None
        assert number(page.locator(".loss strong").text_content()) > 3


def test_everything_can_be_reached_by_keyboard(browser, page_of):
    with opened(browser, page_of()) as page:
        seen = []
        for _ in range(45):
            page.keyboard.press("Tab")
            label, visible = page.evaluate(FOCUSED)
            assert visible, label
            seen.append(label)
        for wanted in ("logit of class 0", "Logit of class 2, exactly", "One gradient step"):
            assert wanted in seen
        assert any(label.startswith("edge ") for label in seen)


def test_a_screen_reader_is_told_what_changed(browser, page_of):
    with opened(browser, page_of()) as page:
        slider = page.get_by_label("logit of class 1", exact=True)
        slider.focus()
        page.keyboard.press("PageUp")
        settle(page)
        assert re.match(r"3; p 0\.\d+, gradient 0\.\d+", slider.get_attribute("aria-valuetext"))
        live = page.locator("[aria-live=polite].hidden")
        until(page, "document.querySelector('.hidden[role=status]').textContent")
        assert re.match(r"Loss 1\.\d+; class 1: p 0\.\d+", live.text_content())


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious(phone, dark, browser, page_of):
    scheme = "dark" if dark else "light"
    with opened(browser, page_of(), phone=phone, color_scheme=scheme) as page:
        for tab in page.get_by_role("tab").all():
            tab.click()
            settle(page)
            found = Axe().run(page).response["violations"]
            serious = [v for v in found if v["impact"] in ("serious", "critical")]
            assert [(v["id"], v["nodes"][0]["html"][:200]) for v in serious] == []


def test_nothing_is_wider_than_a_phone(browser, page_of):
    with opened(browser, page_of(), "#z=1,2,3,4,5,6,7,8,9,10&y=0&naive=1", phone=True) as page:
        for tab in page.get_by_role("tab").all():
            tab.click()
            settle(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_phone_has_the_heads_of_the_bars_and_every_tab(browser, page_of):
    with opened(browser, page_of(), phone=True) as page:
        heads = page.locator(".row.head span")
        assert heads.all_text_contents() == ["true class", "z logit", "p and y", "p − y"]
        for part in (*heads.all(), *page.get_by_role("tab").all()):
            box = part.bounding_box()
            assert 0 < box["x"] < box["x"] + box["width"] <= PHONE["width"]


def test_a_long_number_stays_in_its_box(browser, page_of):
    with opened(browser, page_of(), "#z=-40.12345,0.123456,-23.4&y=0&a=-60") as page:
        widths = page.evaluate(
            "() => [...document.querySelectorAll('.graph-node .in-node')].map(n => "
            "[n.textContent.length, n.getBBox().width, n.previousSibling.getBBox().width])"
        )
        assert max(length for length, _, _ in widths) > 9
        assert all(number_ < box for _, number_, box in widths), widths


def test_on_paper_every_panel_is_there(browser, page_of):
    with opened(browser, page_of()) as page:
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        panels = page.locator("[role=tabpanel]")
        assert all(panel.is_visible() for panel in panels.all())
        assert page.get_by_role("tablist").is_hidden()


def test_without_a_script_it_is_the_derivation(browser, page_of):
    with opened(browser, page_of(), java_script_enabled=False) as page:
        assert page.locator("#play").is_hidden()
        assert page.locator("#derivation").is_visible()
        assert page.locator("details.card").count() >= 25


def test_no_other_script_runs(browser, page_of):
    page = browser.new_page()
    page.goto(page_of().as_uri())
    page.evaluate(
        "() => { const s = document.createElement('script'); "
        "try { s.textContent = 'window.ran = 1'; document.body.append(s) } catch { } }"
    )
    page.evaluate(
        "() => { const b = document.createElement('button'); b.id = 'b'; "
        "try { b.setAttribute('onclick', 'window.ran = 1') } catch { } "
        "document.body.append(b); b.click() }"
    )
    assert page.evaluate("window.ran === undefined")
    page.close()


def test_in_a_frame_of_a_notebook_it_works(browser, page_of, tmp_path):

    frame = tmp_path / "notebook.html"
    frame.write_text(f"<!doctype html><title>n</title>{pmy.play()._repr_html_()}", "utf-8")
    page = browser.new_page(viewport=DESKTOP)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(frame.as_uri())
    inside = page.frame_locator("iframe")
    inside.get_by_label("Logit of class 0, exactly").fill("5")
    inside.get_by_label("Logit of class 1, exactly").focus()
    until = time.monotonic() + 30
    while inside.locator(".loss strong").text_content() == "0.41703" and time.monotonic() < until:
        page.wait_for_timeout(50)
    assert number(inside.locator(".loss strong").text_content()) < 0.1
    page.wait_for_timeout(600)  # when the link would be written
    assert wrong == []
    page.close()


@pytest.mark.parametrize(
    "asked",
    [
        {"z": [2, 1, 0.1], "y": 0},
        {"z": [2, 1], "y": "<b>", "classes": ["a,c", "<b>"]},
        {"probabilities": [0.2, 0.8], "y": [0.25, 0.75]},
        {"x": [1] * 20, "W": [[0.1] * 20, [0.2] * 20], "y": 1, "label_smoothing": 0.1},
        {"z": [3, -1], "y": 1, "temperature": 2, "softcap": 5, "z_loss": 0.1},
    ],
    ids=["logits", "names", "soft", "wide layer", "options"],
)
def test_an_explained_sample_links_to_the_page_at_its_numbers(asked, browser, page_of, tmp_path):
    told = pmy.explain(**asked)
    html = told.to_html()
    link = re.search(r'href="play.html(#[^"]*)"', html)
    assert link
    with opened(browser, page_of(), link[1].replace("&amp;", "&")) as page:
        assert page.locator(".notice:visible").count() == 0
        shown = page.locator(".bars .p-cell .value").all_text_contents()
        expected = [float(p) for p in told.summary.probabilities]
        assert [number(p) for p in shown] == pytest.approx(expected, rel=6e-4)
        assert number(page.locator(".loss strong").text_content()) == pytest.approx(
            float(told.summary.loss), rel=6e-5
        )


@pytest.mark.parametrize(
    "asked",
    [
        {"z": [[1, 2], [3, 4]], "y": [0, 1]},
        {"z": [1, 2], "y": 0, "weight": [1, 2]},
        {"z": list(range(11)), "y": 0},
        {"z": [1, 2000], "y": 0},
        {"z": [1, 2], "y": 0, "hints": 1},
    ],
    ids=["batch", "weights", "classes", "large", "exercise"],
)
def test_what_the_page_has_no_room_for_is_not_linked(asked):
    told = pmy.explain(**asked)
    assert "play.html" not in told.to_html()
    assert "pmy.play(" not in told._repr_html_()


def test_in_a_notebook_an_explained_sample_says_what_to_call():
    shown = pmy.explain(z=[2, 1], y=[0.25, 0.75])._repr_html_()
    call = re.search(r"<code>(pmy\.play\(.*?\))</code>", shown)
    assert call
    assert call[1] == "pmy.play([2.0, 1.0], [0.25, 0.75])"
    assert pmy.play([2.0, 1.0], [0.25, 0.75]).state == {"z": [2, 1], "soft": [0.25, 0.75]}
