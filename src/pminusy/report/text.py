"""How the page writes numbers, and how it makes text from outside harmless.

Numbers carry four significant digits. A value that is exactly 0 or 1 is written without decimals,
so 1 and 1.000 (0.99996, rounded) can be told apart. Class names, column names and cells are hostile
until they have passed `name`: escaped, isolated from the direction of the text around them, free of
characters that act rather than show, and cut with the full text on hover.
"""

from __future__ import annotations

import math
import re
import unicodedata

import numpy as np
from markupsafe import Markup, escape

from pminusy.report.real import Real

__all__ = [
    "clean",
    "count",
    "formula",
    "name",
    "number",
    "plain",
    "share",
    "signed",
    "tick",
    "worked",
]

NOT_DEFINED = "not defined"
SHOWN = 40  # characters of a name on the page; the rest on hover
_NEAR_1 = 0.01
_SMALLEST = 1e-300  # size below which a float has lost digits, or everything
HOVERED = 200  # characters on hover: a page of 10,000-character names must stay a page

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SPACES = frozenset("\t\n\r\v\f\x85\u2028\u2029")


def number(value: float) -> str:
    """Four significant digits: "0.9706", "1,234", "3.200 × 10⁻⁹", "−∞" or "not defined".

    Examples
    --------
    >>> [number(v) for v in (0.0, 1.0, 0.99996, -12.3456, 3.2e-9, float("nan"))]
    ['0', '1', '1.000', '−12.35', '3.200 × 10⁻⁹', 'not defined']

    Of a `Real` what a float has lost is said: "e^−807.5" for what is 0 as a float, "1.000" for
    what is 1 as a float alone.
    """
    exact = True
    if isinstance(value, Real):
        if abs(value) < _SMALLEST and math.isfinite(value.log):
            return f"{'−' * (value.sign < 0)}e^{number(Real(value.log, exact=True))}"
        exact = value.exact
    value = float(value)
    if np.isnan(value):
        return NOT_DEFINED
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    if not exact and value == 0:
        return "0.000"
    if exact and value.is_integer() and abs(value) < 1e6:
        return f"{int(value):,}".replace("-", "−")
    mantissa, exponent = f"{value:.3e}".split("e")
    power = int(exponent)
    if -4 <= power < 3:
        text = f"{value:.{3 - power}f}"
    elif 3 <= power < 6:
        text = f"{value:,.0f}"
    else:
        text = f"{mantissa} × 10{str(power).translate(_SUPERSCRIPTS)}"
    return text.replace("-", "−")


def worked(value: float) -> str:
    """A number to calculate with: near 1 it is 1 and what is beyond, "1 − 0.0004127".

    −ln(0.9996) is not 0.0004128, −ln(1 − 0.0004127) is.
    """
    beyond = value.beyond if isinstance(value, Real) else math.nan
    if not abs(beyond) < _NEAR_1 or (isinstance(value, Real) and value.exact):
        return number(value)
    sign = beyond.sign if isinstance(beyond, Real) else beyond
    size = Real(abs(beyond), getattr(beyond, "log", math.nan))
    return f"1 {'−' if sign < 0 else '+'} {number(size)}"


def signed(value: float) -> str:
    """A number with its sign, also where it is positive: for gradients and differences."""
    sign = value.sign if isinstance(value, Real) else value
    return f"+{number(value)}" if sign > 0 else number(value)


def tick(value: float) -> str:
    """A mark on an axis, as short as it can be: "0.2", "10⁻⁵", "2 × 10⁻⁵"."""
    mantissa, _, exponent = f"{value:.10g}".partition("e")
    if not exponent:
        return mantissa
    power = f"10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return power if mantissa == "1" else f"{mantissa} × {power}"


def count(value: int) -> str:
    """A count with thousands apart: "12,345"."""
    return f"{int(value):,}"


def share(value: float) -> str:
    """A share in percent with one decimal: "97.1 %"; 100 % and 0 % only where they are exact.

    Else "< 0.1 %" and "> 99.9 %".
    """
    if np.isnan(value):
        return NOT_DEFINED
    percent = 100.0 * float(value)
    if percent in (0.0, 100.0):
        return f"{percent:.0f} %"
    if percent < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if percent > 99.9 else f"{percent:.1f} %"


def name(value: object, shown: int = SHOWN) -> Markup:
    """Text from outside as a `<bdi>` element: clean, cut to `shown` characters, whole on hover."""
    text = clean(str(value))
    if not text.strip():
        return Markup('<bdi class="name void">(blank)</bdi>')
    if len(text) <= shown:
        return Markup('<bdi class="name">{}</bdi>').format(text)
    whole = max(HOVERED, shown)
    hover = text if len(text) <= whole else f"{_cut(text, whole)} ({len(text):,} characters)"
    return Markup('<bdi class="name" title="{}">{}</bdi>').format(hover, _cut(text, shown))


def plain(value: object) -> str:
    """Text from outside where there is no markup: in the title of the window."""
    text = clean(str(value))
    return text if len(text) <= HOVERED else _cut(text, HOVERED)


def clean(text: str) -> str:
    """Text without characters that act: controls and overrides become "�", line breaks a space."""
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in _SPACES:
        return " "
    acts = unicodedata.category(character) in ("Cc", "Cs") or character in _OVERRIDES
    return "\ufffd" if acts else character


def _cut(text: str, length: int) -> str:
    return text[: length - 1].rstrip() + "…"


def formula(text: str) -> Markup:
    """A formula of `core.trace` in HTML: `dL_dz` as ∂L/∂z, indices lowered, exponents raised."""
    return Markup(_SYMBOLS.sub(_symbol, str(escape(text))))  # escaped; what is added is ours


_SYMBOLS = re.compile(
    r"e\^\((?P<power>[^)]*)\)"  # e^(z_j − m)
    r"|dL_d(?P<wrt>[A-Za-z])(?:_(?P<row>[a-z]))?"
    r"|(?P<symbol>[A-Za-zΣ]|max)_(?P<index>[a-z])(?![A-Za-z])"  # z_j, Σ_j, max_j
    r"|(?<![A-Za-z&])(?P<letter>[A-Za-zα-ω])(?![A-Za-z])"  # a letter that is not part of a word
)


def _symbol(match: re.Match[str]) -> str:
    if match["power"]:
        return f"e<sup>{_SYMBOLS.sub(_symbol, match['power'])}</sup>"
    if match["wrt"]:
        index = f"<sub><i>{match['row']}</i></sub>" if match["row"] else ""
        return f"∂<i>L</i>/∂<i>{match['wrt']}</i>{index}"
    if match["letter"]:
        return f"<i>{match['letter']}</i>"
    symbol = match["symbol"]
    base = symbol if symbol in ("max", "Σ") else f"<i>{symbol}</i>"
    return f"{base}<sub><i>{match['index']}</i></sub>"
