"""Mathematics in LaTeX, for Markdown and LaTeX pages."""

from __future__ import annotations

from pminusy.derivation import tree as t
from pminusy.derivation.render.printer import Printer
from pminusy.derivation.values.digits import Digits

__all__ = ["LatexPrinter"]

_SIGNS = {
    "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "⪯": r"\preceq", "−": "-", "minus": "-", "·": r"\cdot",
    "⊙": r"\odot", "∂": r"\partial ", "squared": "^2 ",
}  # fmt: skip
_PLAIN = {"ln": r"\ln", "max": r"\max", "tanh": r"\tanh", "sech²": r"\operatorname{sech}^2",
          "Φ": r"\Phi", "φ": r"\varphi"}  # fmt: skip


class LatexPrinter(Printer):
    r"""p_{k} \\left(\\delta_{ik} - p_{j}\\right)."""

    def letter(self, letter: str) -> str:
        """A running letter."""
        return letter

    def integer(self, value: int) -> str:
        """A whole number."""
        return str(value)

    def number(self, digits: Digits) -> str:
        """A rounded number."""
        return digits.latex

    def quantity(self, name: str, indices: list[str]) -> str:
        """p_{k}, W_{2,0}."""
        special = {"δ": r"\delta", "𝟏": r"\mathbf{1}", "I": "I"}
        letter = special.get(name) or self.notation.latex(name)
        if not indices:
            return letter
        joined = ("," if any(i.isdigit() or len(i) > 1 for i in indices) else " ").join(indices)
        base = f"{{{letter}}}" if "_" in letter or "^" in letter else letter
        return f"{base}_{{{joined}}}"

    def row(self, parts: list[str]) -> str:
        """Parts with a thin space where letters meet."""
        return r" \, ".join(parts) if not _has_sign(parts) else " ".join(parts)

    def sign(self, sign: str) -> str:
        """The sign itself."""
        return _SIGNS.get(sign, sign)

    def brackets(self, body: str, kind: str = "()") -> str:
        """Brackets that grow."""
        left, right = {"||": (r"\lvert", r"\rvert")}.get(kind, (kind[0], kind[1]))
        return rf"\left{left} {body} \right{right}"

    def fraction(self, above: str, below: str) -> str:
        """A fraction."""
        return rf"\frac{{{above}}}{{{below}}}"

    def power(self, base: str, exponent: str) -> str:
        """A power."""
        return f"{{{base}}}^{{{exponent}}}"

    def big_sum(self, below: str, body: str) -> str:
        """Σ with what runs below it."""
        return rf"\sum_{{{below}}} {body}"

    def big_max(self, below: str, body: str) -> str:
        """Max with what runs below it."""
        return rf"\max_{{{below}}} {body}"

    def function(self, name: str, argument: str) -> str:
        """A named function."""
        if name == "sqrt":
            return rf"\sqrt{{{argument}}}"
        command = _PLAIN.get(name) or rf"\operatorname{{{name}}}"
        return f"{command} {argument}"

    def cases(self, parts: list[tuple[str, str]]) -> str:
        """Cases below each other."""
        rows = r" \\ ".join(rf"{body} & \text{{if }} {condition}" for body, condition in parts)
        return rf"\begin{{cases}} {rows} \end{{cases}}"

    def entries(self, parts: list[str]) -> str:
        """A row in square brackets."""
        return rf"\begin{{bmatrix}} {' & '.join(parts)} \end{{bmatrix}}"

    def between(self) -> str:
        """Dots."""
        return r"\cdots"

    def transposed(self, body: str) -> str:
        """Transpose."""
        return rf"{{{body}}}^{{\top}}"

    def log_name(self, tree: t.Log) -> str:
        """Log with its base."""
        return rf"\log_{{{self.tree(tree.base)}}}"

    def condition(self, pairs: list[str]) -> str:
        """For which indices."""
        return rf" \qquad \text{{for }} {', '.join(pairs)}"


def _has_sign(parts: list[str]) -> bool:
    return any(part in _OPERATORS for part in parts)


_OPERATORS = {"+", "-", "=", r"\cdot", r"\odot", r"\ne", "<", ">", r"\le", r"\ge", r"\preceq"}
