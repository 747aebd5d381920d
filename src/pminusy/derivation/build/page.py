"""Which lines of which chapters a page has: one route from the input to the gradient, or more."""

from __future__ import annotations

from collections.abc import Mapping

from pminusy.derivation.input.request import Request
from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import FULL
from pminusy.errors import InputError

__all__ = ["on_page", "refuse_unknown"]

_FORWARD = (
    "linear_vector transform softmax target_mass total_mass cross_entropy cross_entropy_one_hot "
    "z_loss log_base"
)
_LINES: Mapping[str, Mapping[str, str | None]] = {
    "long": {
        "forward": _FORWARD,
        "cross_entropy": "dL_dp",
        "jacobian": "denominator own_quotient own_factored own_separated own_recognised "
        "jacobian_own other_quotient other_separated jacobian_other",
        "long": "chain chain_by_case chain_substituted own_path other_path factor_before_sum "
        "others_sum others_used products_cancel dL_dz_long",
    },
    "sparse": {
        "forward": _FORWARD,
        "cross_entropy": "dL_dp dL_dp_zero",
        "sparse": None,
    },
    "direct": {"forward": _FORWARD, "direct": None},
}
"""What each route has of which chapter; None for all of it."""

_SHARED: Mapping[str, str | None] = {
    "result": "dL_dz signs",
    "options": None,
    "parameters": "dL_dW_entry dL_dW dL_db dL_dx",
    "gradient_step": None,
}
"""What every route ends with, as far as it is there."""

_NOTHING: frozenset[str] = frozenset()


def on_page(
    request: Request, keys: tuple[str, ...], case: Case
) -> Mapping[str, frozenset[str] | None]:
    """For each chapter the names of the lines that the page has; None for all.

    Raises
    ------
    InputError
        A chapter that is not there.
    """
    refuse_unknown(request, keys)
    if request.route == "all":
        return dict.fromkeys(keys)
    wanted: dict[str, str | None] = {**_LINES[request.route], **_SHARED}
    if request.depth not in (None, FULL) and "jacobian" in wanted:
        wanted["jacobian"] = f"{wanted['jacobian']} jacobian"
    if not case.layer:
        wanted.pop("parameters")
    wanted |= dict.fromkeys(request.chapters or ())
    return {key: _names(wanted[key]) if key in wanted else _NOTHING for key in keys}


def refuse_unknown(request: Request, keys: tuple[str, ...]) -> None:
    """Refuse a chapter that is not there, and say which are."""
    unknown = [key for key in request.chapters or () if key not in keys]
    if unknown:
        raise InputError("chapters", f"some of {', '.join(keys)}", repr(unknown[0]))


def _names(words: str | None) -> frozenset[str] | None:
    return None if words is None else frozenset(words.split())
