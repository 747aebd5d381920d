"""Mathematics in a line of Unicode, for terminals and for readers' ears."""

from __future__ import annotations

from pminusy.derivation import tree as t
from pminusy.derivation.render.printer import Printer
from pminusy.derivation.values.digits import Digits

__all__ = ["TextPrinter"]

_SUPERSCRIPTS = {"2": "²", "3": "³"}


class TextPrinter(Printer):
    """p_k (δ_ik − p_j) as text."""

    inline_division = True

    def letter(self, letter: str) -> str:
        """A running letter."""
        return letter

    def integer(self, value: int) -> str:
        """A whole number."""
        return str(value).replace("-", "−")

    def number(self, digits: Digits) -> str:
        """A rounded number."""
        return digits.text

    def quantity(self, name: str, indices: list[str]) -> str:
        """p_k, W_kd, W_2,0."""
        letter = self.notation.text(name)
        if not indices:
            return letter
        joined = ("," if any(len(i) > 1 or i.isdigit() for i in indices) else "").join(indices)
        return f"{letter}_{joined}"

    def row(self, parts: list[str]) -> str:
        """Parts with spaces between."""
        return " ".join(parts)

    def sign(self, sign: str) -> str:
        """The sign itself."""
        return {"minus": "−", "squared": "²"}.get(sign, sign)

    def brackets(self, body: str, kind: str = "()") -> str:
        """In brackets."""
        return f"{kind[0]}{body}{kind[1]}"

    def fraction(self, above: str, below: str) -> str:
        """above / below; ∂L/∂z close together."""
        return f"{above}/{below}" if above.startswith("∂") else f"{above} / {below}"

    def power(self, base: str, exponent: str) -> str:
        """x², x^(…)."""
        if exponent in _SUPERSCRIPTS:
            return base + _SUPERSCRIPTS[exponent]
        bare = exponent.replace(".", "").isalnum()
        return f"{base}^{exponent}" if bare else f"{base}^({exponent})"

    def big_sum(self, below: str, body: str) -> str:
        """Σ_j …, Σ_(j≠k) …."""
        under = below if len(below) == 1 else f"({below.replace(' ', '')})"
        return f"Σ_{under} {body}"

    def big_max(self, below: str, body: str) -> str:
        """max_e …."""
        under = below if len(below) == 1 else f"({below.replace(' ', '')})"
        return f"max_{under} {body}"

    def function(self, name: str, argument: str) -> str:
        """Ln x, diag(p)."""
        return f"{name}{argument}" if argument.startswith("(") else f"{name} {argument}"

    def half(self) -> str:
        """One half in one character."""
        return "½"

    def transposed(self, body: str) -> str:
        """pᵀ."""
        return f"{body}ᵀ"

    def log_name(self, tree: t.Log) -> str:
        """log_B."""
        return f"log_{self.tree(tree.base)}"

    def condition(self, pairs: list[str]) -> str:
        """For k ≠ c."""
        return f"   for {', '.join(pairs)}"
