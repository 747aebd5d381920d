"""Sentences for LaTeX: what is mathematics in them is set as mathematics."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["with_math"]

_SYMBOLS = {
    "Σ": r"\sum ", "δ": r"\delta ", "∂": r"\partial ", "κ": r"\kappa ", "ζ": r"\zeta ",
    "ε": r"\varepsilon ", "ω": r"\omega ", "λ": r"\lambda ", "η": r"\eta ", "β": r"\beta ",
    "γ": r"\gamma ", "μ": r"\mu ", "ν": r"\nu ", "ρ": r"\rho ", "σ": r"\sigma ", "Ω": r"\Omega ",
    "Φ": r"\Phi ", "φ": r"\varphi ", "π": r"\pi ", "ℓ": r"\ell ", "≤": r"\le ", "≥": r"\ge ",
    "≠": r"\ne ", "⪯": r"\preceq ", "−": "-", "·": r"\cdot ", "⊙": r"\odot ", "⊗": r"\otimes ",
    "×": r"\times ", "½": r"\tfrac12 ", "²": "^{2}", "³": "^{3}", "ᵀ": r"^{\top}", "∞": r"\infty ",
    "‖": r"\|", "√": r"\surd ", "″": "''", "⁺": "^{+}", "→": r"\to ", "ŷ": r"\hat{y}",
    "Ŷ": r"\hat{Y}", "x̂": r"\hat{x}", "𝟏": r"\mathbf{1}", "…": r"\dots ",
}  # fmt: skip
_FUNCTIONS = {"ln", "lse", "tanh", "max", "exp", "log", "sech²", "diag", "mean"}
_OPERATORS = {"=", "+", "−", "·", "/", "×", "→", "⪯", "≤", "≥", "≠", "<", ">", "⊙", "⊗", "…"}
_LETTERS = set("pqyzxWLSKNMDBTZYPQHJ")
"""Letters that stand for a quantity wherever they stand alone; "a" is a word as well."""

_ODD = frozenset(_SYMBOLS) - frozenset("−…×→·")
_INDEXED = re.compile(r"[A-Za-zŷŶℓ∂Σδγβμσ]{1,3}_[A-Za-z0-9]{1,4}")
_NUMBER = re.compile(r"[−+]?\d+([.,]\d+)?")
_EDGES = re.compile(r"([\"“(]*)(.*?)([.,;:!?\"”]*)$", re.DOTALL)


def with_math(sentence: str, escape: Callable[[str], str]) -> str:
    """A sentence with its formulas set as mathematics; `escape` sets the words."""
    words = sentence.split(" ")
    sure = [_is_math(word) for word in words]
    runs = [sure[i] or _joins(words, sure, i) for i in range(len(words))]
    out: list[str] = []
    run: list[str] = []
    for word, inside in zip([*words, ""], [*runs, False], strict=True):
        if inside:
            run.append(word)
            continue
        if run:
            out.append(_set(" ".join(run), escape))
            run = []
        out.append(escape(word))
    return " ".join(out[:-1]) if out[-1:] == [""] else " ".join(out)


def _is_math(word: str) -> bool:
    core = _EDGES.match(word)[2]  # type: ignore[index]  # it matches every text
    if core in _OPERATORS or not core or re.search(r"[A-Za-z]{5,}", core):
        return False
    return (
        bool(_ODD & set(core))
        or "^" in core
        or bool(_INDEXED.search(core))
        or core in _LETTERS
        or re.fullmatch(r"−[A-Za-z](\([a-z]\))?", core) is not None
    )


def _joins(words: list[str], sure: list[bool], i: int) -> bool:
    """Whether a word belongs to the formula beside it: operators, numbers, functions, letters."""
    word = words[i]
    before = i > 0 and not re.search(r"[.,;:]$", words[i - 1])
    after = i + 1 < len(words) and not re.search(r"[.,;:]$", word)
    left, right = before and sure[i - 1], after and sure[i + 1]
    if word in _OPERATORS:
        return bool(left or right) and _near(words, i)
    core = word.strip("().,;:²³")
    if core.lstrip("−") in _FUNCTIONS:
        return bool(right)
    if _NUMBER.fullmatch(core) or re.fullmatch(r"[a-z]", core):
        operator_left = before and words[i - 1] in _OPERATORS and i > 1 and sure[i - 2]
        operator_right = after and words[i + 1] in _OPERATORS and i + 2 < len(words) and sure[i + 2]
        return bool(operator_left or operator_right)
    return False


def _near(words: list[str], i: int) -> bool:
    """Whether an operator stands between two things that can be read as quantities."""
    if i == 0 or i + 1 >= len(words):
        return False
    sides = (words[i - 1], words[i + 1].rstrip(".,;:"))
    return all(
        _is_math(side) or _NUMBER.fullmatch(side) is not None or len(side) == 1
        or side.lstrip("−") in _FUNCTIONS
        for side in sides
    )  # fmt: skip


def _set(run: str, escape: Callable[[str], str]) -> str:
    """A run of words as one formula; punctuation at its ends stays outside."""
    opening, core, closing = _EDGES.match(run).groups()  # type: ignore[union-attr]  # as above
    while core.count("(") < core.count(")") and core.endswith(")"):
        core, closing = core[:-1], ")" + closing
    while core.count("(") > core.count(")") and opening == "" and core.startswith("("):
        opening, core = "(", core[1:]
    return f"{escape(opening)}\\({_formula(core)}\\){escape(closing)}"


def _formula(text: str) -> str:
    text = text.replace("\\", "").replace("{", r"\{").replace("}", r"\}")
    text = text.replace("  ", " ")
    text = re.sub(r"_([A-Za-z0-9]+)", r"_{\1}", text)
    text = re.sub(r"([\^_])\(([^()]*)\)", r"\1{\2}", text)
    for name in ("tanh", "max", "exp", "log", "ln"):
        text = re.sub(rf"(?<![A-Za-z\\]){name}(?![A-Za-z])", rf"\\{name} ", text)
    text = re.sub(r"(?<![A-Za-z\\])(lse|sech|diag|mean)(?![A-Za-z])", r"\\operatorname{\1} ", text)
    for symbol, command in _SYMBOLS.items():
        text = text.replace(symbol, command)
    for plain in "#%&$":
        text = text.replace(plain, f"\\{plain}")
    return text.strip()
