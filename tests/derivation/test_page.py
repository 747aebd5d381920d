"""What a page has: one route from the input to the gradient unless more is asked for."""

import re
from collections.abc import Callable

import pytest

from pminusy.derivation.build import derive
from pminusy.derivation.steps.derivation import Derivation
from pminusy.errors import InputError

LOGITS = {"z": [2.0, 1.0, 0.1], "y": 0}
LAYER = {"x": [1.0, -2.0], "W": [[0.5, 0.1], [0.3, 0.2], [-0.4, 0.6]], "y": 0}


def test_the_default_is_one_complete_route_and_short():
    d = derive(**LOGITS)
    assert len(d) <= 25
    both_cases = {"own_quotient", "own_factored", "own_separated", "jacobian_own"}
    both_cases |= {"other_quotient", "other_separated", "jacobian_other"}
    paths = {"chain", "chain_by_case", "own_path", "other_path", "others_sum", "others_used"}
    assert {"softmax", "cross_entropy", "dL_dp", *both_cases, *paths, "dL_dz", "signs"} <= {
        *d.names
    }
    # an A4 page printed at 10 points has about 66 lines
    assert str(d).count("\n") <= 4 * 66


@pytest.mark.parametrize(
    ("route", "own", "others"),
    [
        ("long", "chain_by_case", ("sparse_chain", "direct_lse", "row_own", "chain_cancelled")),
        ("sparse", "row_own", ("jacobian_own", "chain", "direct_lse", "jacobian_matrix")),
        ("direct", "direct_lse", ("jacobian_own", "chain", "sparse_chain", "dL_dp")),
    ],
)
def test_a_route_has_what_it_uses(route, own, others):
    names = derive(**LOGITS, route=route).names
    assert {own, "softmax", "dL_dz"} <= {*names}
    assert not {*others} & {*names}


def test_all_has_every_chapter():
    d = derive(**LOGITS, route="all")
    assert all(on_page == len(chapter.lines) for chapter, on_page in d.contents)


def test_a_chapter_that_is_asked_for_is_there_in_full():
    d = derive(**LOGITS, chapters=["second_order", "jacobian"])
    shown = {chapter.key: on_page for chapter, on_page in d.contents}
    lines = {chapter.key: len(chapter.lines) for chapter, _ in d.contents}
    assert (shown["second_order"], shown["jacobian"]) == (lines["second_order"], lines["jacobian"])
    assert shown["pair"] == 0
    with pytest.raises(InputError, match=r"chapters: expected some of forward, .*got 'secnd'"):
        derive(**LOGITS, chapters=["secnd"])


def test_a_step_keeps_its_name_and_can_be_asked_for():
    everything = set(derive(**LAYER, route="all").names)
    for route in ("long", "sparse", "direct"):
        d = derive(**LAYER, route=route)
        assert set(d.names) < everything
        assert all(name in d for name in everything)
    assert derive(**LOGITS)["hessian"].proof


ROUTES = {"long": "long", "sparse": "sparse", "direct": "direct"}


@pytest.mark.parametrize("route", [*ROUTES])
@pytest.mark.parametrize(
    "more", [{}, {"z_loss": 0.1}, {"temperature": 2.0}, {"log_base": 2.0}, {"weight": [1, 2, 3]}]
)
def test_no_sentence_is_about_what_is_not_there(route, more):
    d = derive(**LOGITS, route=route, **more)
    words = " ".join(
        part
        for chapter in d.chapters
        for part in (chapter.title, chapter.intro, *(line.why for line in chapter.lines))
    )
    others = [other for other in ROUTES if other != route]
    assert not re.search(rf"\b({'|'.join(others)}) route|[Aa]ll routes|\bboth routes", words)
    deltas = [line.why for chapter in d.chapters for line in chapter.lines if "δ keeps" in line.why]
    assert not deltas
    if route != "sparse" and not more:
        assert "δ" not in words


def test_a_layer_goes_on_to_its_weights():
    assert {"linear_vector", "dL_dW", "dL_db", "step_loss"} <= {*derive(**LAYER).names}


FORMATS: dict[str, Callable[[Derivation], str]] = {
    "text": str,
    "html": lambda d: re.sub(r'<details class="hint">.*?</details>', "", d.to_html()),
    "markdown": lambda d: d.to_markdown(),
    "latex": lambda d: d.to_latex(),
    "json": lambda d: d.to_json(),
}
SURE = {"z": [3.0, 0.5, -1.0], "y": 1}
ANSWERS = ("2.5957", "−0.9254", "-0.9254")  # the loss, and the entry of the true class


@pytest.mark.parametrize("form", [*FORMATS])
@pytest.mark.parametrize(
    ("hints", "more"),
    [
        *((hints, more) for hints in (1, 2, 3) for more in ({}, {"article": "003"})),
        (2, {"article": "004"}),  # with one hint, lines go on with the numbers of earlier ones
        (3, {"article": "004"}),
    ],
)
def test_hints_give_no_answer_away(form, hints, more):
    open_, hidden = (FORMATS[form](derive(**SURE, **more, hints=h)) for h in (0, hints))
    assert any(answer in open_ for answer in ANSWERS)
    assert not any(answer in hidden for answer in ANSWERS)
    assert "The model says" not in hidden
    if hints == 3:
        assert "p − y" not in hidden
        assert "s − y" not in hidden


def test_the_loss_of_another_base_is_one_number():
    text = " ".join(str(derive(**SURE, log_base=2.0)).split())
    natural, bits = "2.5957", "3.7448"
    assert f"L_B = L / ln B with B = 2: {natural} / 0.69315 = {bits}" in text
    assert f"loss {bits}" in text
