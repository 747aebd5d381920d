"""Mathematics in MathML (presentation, MathML Core): browsers draw and read it without a script."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from pminusy.derivation import tree as t
from pminusy.derivation.render.printer import Printer
from pminusy.derivation.values.digits import Digits

__all__ = ["MathMLPrinter", "mathml_number"]


def mathml_number(digits: Digits) -> str:
    """A rounded number, and what it leaves out where that is said."""
    body = f"<mn>{digits.mantissa}</mn>"
    if digits.exponent is not None:
        size = f"<mn>{abs(digits.exponent)}</mn>"
        power = f"<mrow><mo>−</mo>{size}</mrow>" if digits.exponent < 0 else size
        body += f"<mo>×</mo><msup><mn>10</mn>{power}</msup>"
    sign = '<mo form="prefix">−</mo>' if digits.negative else ""
    rest = ""
    if digits.rest is not None:
        operator = "−" if digits.rest.negative else "+"
        rest = f"<mo>{operator}</mo>{mathml_number(replace(digits.rest, negative=False))}"
    return (
        f"<mrow>{sign}{body}{rest}</mrow>" if sign or rest or digits.exponent is not None else body
    )


_THIN = '<mspace width="0.17em"/>'


class MathMLPrinter(Printer):
    """<mi>, <mo>, <mfrac> …: parts are complete elements, put side by side."""

    def page(self, statement: t.Relation, *, block: bool = True) -> str:
        """A whole <math> element."""
        display = ' display="block"' if block else ""
        return f"<math{display}><mrow>{self.relation(statement)}</mrow></math>"

    def letter(self, letter: str) -> str:
        """A running letter."""
        return f"<mi>{escape(letter)}</mi>"

    def integer(self, value: int) -> str:
        """A whole number."""
        return f"<mn>{value}</mn>" if value >= 0 else f"<mrow><mo>−</mo><mn>{-value}</mn></mrow>"

    def number(self, digits: Digits) -> str:
        """A rounded number."""
        return mathml_number(digits)

    def quantity(self, name: str, indices: list[str]) -> str:
        """A letter with its indices below."""
        letter = self._letter(self.notation.text(name))
        if not indices:
            return letter
        comma = (
            '<mo separator="true">,</mo>'
            if any("<mn>" in i or "<mo>" in i for i in indices)
            else ""
        )
        return f"<msub>{letter}<mrow>{comma.join(indices)}</mrow></msub>"

    def _letter(self, letter: str) -> str:
        if letter.endswith("⁺"):
            return f"<msup><mi>{escape(letter[:-1])}</mi><mo>+</mo></msup>"
        if letter == "σ²":
            return "<msup><mi>σ</mi><mn>2</mn></msup>"
        if "_" in letter.strip("_"):
            head, _, tail = letter.partition("_")
            return f"<msub><mi>{escape(head)}</mi><mi>{escape(tail)}</mi></msub>"
        return f"<mi>{escape(letter)}</mi>"

    def row(self, parts: list[str]) -> str:
        """Parts side by side."""
        return f"<mrow>{''.join(parts)}</mrow>"

    def sign(self, sign: str) -> str:
        """Operator."""
        if sign == "minus":
            return '<mo form="prefix">−</mo>'
        if sign == "∂":
            return '<mo form="prefix" lspace="0" rspace="0">∂</mo>'
        if sign == "squared":
            return "<msup><mi></mi><mn>2</mn></msup>"
        return f"<mo>{escape(sign)}</mo>"

    def brackets(self, body: str, kind: str = "()") -> str:
        """Brackets that grow."""
        left = f'<mo form="prefix" fence="true">{kind[0]}</mo>'
        right = f'<mo form="postfix" fence="true">{kind[1]}</mo>'
        return f"<mrow>{left}{body}{right}</mrow>"

    def fraction(self, above: str, below: str) -> str:
        """A fraction."""
        return f"<mfrac><mrow>{above}</mrow><mrow>{below}</mrow></mfrac>"

    def power(self, base: str, exponent: str) -> str:
        """A power."""
        return f"<msup><mrow>{base}</mrow><mrow>{exponent}</mrow></msup>"

    def big_sum(self, below: str, body: str) -> str:
        """Σ with what runs below it."""
        return f"<mrow><munder><mo>∑</mo><mrow>{below}</mrow></munder>{body}</mrow>"

    def big_max(self, below: str, body: str) -> str:
        """Max with what runs below it."""
        return f"<mrow><munder><mi>max</mi><mrow>{below}</mrow></munder>{_THIN}{body}</mrow>"

    def listed(self, parts: list[str]) -> str:
        """Parts with commas between."""
        return "<mo>,</mo>".join(parts)

    def function(self, name: str, argument: str) -> str:
        """A named function."""
        if name == "sqrt":
            return f"<msqrt>{argument}</msqrt>"
        if name == "sech²":
            return f"<mrow><msup><mi>sech</mi><mn>2</mn></msup><mo>&#x2061;</mo>{argument}</mrow>"
        named = f"<mi>{escape(name)}</mi><mo>&#x2061;</mo>"
        return f"<mrow>{named}{_THIN}{argument}</mrow>"

    def cases(self, parts: list[tuple[str, str]]) -> str:
        """Cases below each other."""
        rows = "".join(
            f"<mtr><mtd>{body}</mtd><mtd><mtext>if&#xA0;</mtext>{condition}</mtd></mtr>"
            for body, condition in parts
        )
        brace = '<mo form="prefix" fence="true">{</mo>'
        return f"<mrow>{brace}<mtable>{rows}</mtable></mrow>"

    def entries(self, parts: list[str]) -> str:
        """A row in square brackets."""
        cells = "".join(f"<mtd>{part}</mtd>" for part in parts)
        return self.brackets(f"<mtable><mtr>{cells}</mtr></mtable>", "[]")

    def between(self) -> str:
        """Dots."""
        return "<mo>…</mo>"

    def transposed(self, body: str) -> str:
        """Transpose."""
        return f"<msup><mrow>{body}</mrow><mi>T</mi></msup>"

    def log_name(self, tree: t.Log) -> str:
        """Log with its base."""
        return f"<msub><mi>log</mi>{self.tree(tree.base)}</msub>"

    def condition(self, pairs: list[str]) -> str:
        """For which indices."""
        joined = "<mo>,</mo>".join(pairs)
        return f'<mspace width="2em"/><mtext>for&#xA0;</mtext>{joined}'
