"""Letters on the page: the reader's textbook's, whichever it is.

A dialect renames quantities and says whether vectors are columns (z = W x + b) or rows
(z = x Wᵀ + b). Nothing else of a step changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pminusy.errors import InputError

__all__ = ["ARGUMENTS", "DIALECTS", "Notation", "notation"]

_LATEX = {
    "δ": r"\delta", "κ": r"\kappa", "ζ": r"\zeta", "ε": r"\varepsilon", "ω": r"\omega",
    "λ": r"\lambda", "η": r"\eta", "γ": r"\gamma", "β": r"\beta", "μ": r"\mu", "ν": r"\nu",
    "ρ": r"\rho", "Ω": r"\Omega", "σ²": r"{\sigma^2}", "σ": r"\sigma", "ŷ": r"\hat{y}",
    "x̂": r"\hat{x}", "ℓ": r"\ell", "Ŷ": r"\hat{Y}", "lse": r"\mathrm{lse}", "CE": r"\mathrm{CE}",
    "KL": r"\mathrm{KL}", "…": r"\dots", "____": r"\underline{\qquad}", "S(z)": "S(z)",
    "S(Z)": "S(Z)",
}  # fmt: skip

_LETTERS = {
    "kappa": "κ", "zeta": "ζ", "epsilon": "ε", "omega": "ω", "lambda": "λ", "eta": "η",
    "E2": "E", "V_b": "β", "L_n": "L", "Omega": "Ω", "lse_n": "lse", "S_n": "S", "A_n": "A",
    "omega_n": "ω", "error": "e", "error_n": "e",
    "x_r": "x", "y_r": "y", "u_r": "u", "b_r": "b", "x_p": "x",
    "root": "ρ", "curve": "z″",
    "L_new": "L⁺", "CE_new": "CE⁺", "lse_new": "lse⁺",
    "W_new": "W⁺", "b_new": "b⁺", "z_new": "z⁺", "u_new": "u⁺", "p_new": "p⁺",
    "gamma": "γ", "beta": "β", "mu": "μ", "var": "σ²", "xhat": "x̂", "mask": "m", "rate": "r",
    "eps": "ε", "rho": "ρ", "cubic": "c", "inner": "s",
}  # fmt: skip

ARGUMENTS = {
    "S_of_z": ("S", "z"), "f_x": ("f", "x_r"), "g_x": ("g", "x_r"), "g_y": ("g", "y_r"),
    "u_x": ("u", "x_r"), "f_u": ("f", "u_r"),
}  # fmt: skip
"""Functions written with their argument, S(z_k): the function, and the quantity it is taken of."""

_LETTER = re.compile(r"(?<![A-Za-z0-9_'’])([A-Za-z])(_[A-Za-z0-9]{1,3})?(?![A-Za-z0-9_])")
_OF_ROWS = {
    "W_kd": "W_dk", "Row k of W": "Column k of W", "Row k of the matrix": "Column k of the matrix",
    "The whole row w_k": "The whole column w_k",
}  # fmt: skip
_NAMES_OF_THEIR_OWN = frozenset({"S_e", "s_o"})


@dataclass(frozen=True)
class Notation:
    """Letters by name, and the direction of vectors.

    `indices` renames running letters; with `indicator` 1(k = c) is written for δ_kc.
    """

    name: str = "p"
    letters: Mapping[str, str] = field(default_factory=dict)
    rows: bool = False
    indices: Mapping[str, str] = field(default_factory=dict)
    indicator: bool = False

    def text(self, name: str) -> str:
        """Letter in Unicode."""
        name = name.removesuffix("_M")  # of a masked class: the same letter
        return self.letters.get(name) or _LETTERS.get(name, name)

    def sentence(self, words: str) -> str:
        """Words with letters in them, p_k or e^(z_j), in these letters."""
        if self.rows:
            for column, row in _OF_ROWS.items():
                words = words.replace(column, row)
        return _LETTER.sub(self._in_words, words) if self.letters or self.indices else words

    def _in_words(self, found: re.Match[str]) -> str:
        letter, index = found.groups()
        if found[0] in self.letters:
            return self.letters[found[0]]
        if found[0] in _NAMES_OF_THEIR_OWN:
            return found[0]
        renamed = "".join(self.indices.get(part, part) for part in index or "")
        if letter == "c" and not index:  # the true class, by its letter alone
            return self.indices.get("c", "c")
        return self.letters.get(letter, letter) + renamed

    def latex(self, name: str) -> str:
        """Letter in LaTeX."""
        letter = self.text(name)
        if letter in _LATEX:
            return _LATEX[letter]
        if letter.endswith("⁺"):
            return f"{letter[:-1]}^{{+}}"
        if letter.endswith("″"):
            return f"{letter[:-1]}''"
        if "_" in letter:
            head, _, tail = letter.partition("_")
            return f"{head}_{{{tail}}}"
        return letter if len(letter) == 1 else rf"\mathrm{{{letter}}}"


_OF_ARTICLES: Mapping[str, Notation] = {
    "000": Notation("000", {"g": "δ"}, indices={"c": "y", "d": "j"}, indicator=True),
    "001": Notation("001", {"S_e": "S"}),
    "002": Notation("002", {"p": "ŷ", "S_e": "S", "W": "w"}),
    "003": Notation("003", {"p": "s", "K": "k"}, rows=True, indices={"K": "k"}),
    "004": Notation("004", {"p": "O", "z": "Z", "L": "E", "K": "H", "M": "E_data", "E2": "E_2"},
                    indices={"n": "d", "d": "m"}),
}  # fmt: skip
"""The letters of each article."""

DIALECTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "p": ("probabilities p, logits z", {}),
    "yhat": ("probabilities ŷ, logits z", {"p": "ŷ", "P": "Ŷ", "p_new": "ŷ⁺"}),
    "s": ("probabilities s, logits z", {"p": "s", "p_new": "s⁺", "s": "σ"}),
    "o": ("probabilities ŷ, logits o", {"p": "ŷ", "z": "o", "P": "Ŷ", "Z": "O", "p_new": "ŷ⁺",
                                    "z_new": "o⁺"}),
    "S": ("probabilities S(z), logits z", {"p": "S(z)", "P": "S(Z)", "S": "M", "p_new": "S(z⁺)"}),
}  # fmt: skip


def notation(name: str = "p") -> Notation:
    """Notation by name: a dialect, followed by "-row" for row vectors; or that of an article.

    Raises
    ------
    InputError
        No such dialect.
    """
    if name in _OF_ARTICLES:
        return _OF_ARTICLES[name]
    dialect, _, direction = name.partition("-")
    if dialect not in DIALECTS or direction not in ("", "row", "column"):
        expected = f"one of {', '.join(DIALECTS)}, each also with -row"
        raise InputError("notation", expected, repr(name))
    return Notation(name, DIALECTS[dialect][1], direction == "row")
