"""The grammar of answers: text to expressions, or an error that says where.

    answer     = side { "=" side }
    side       = [ "+" | "−" ] term { ( "+" | "−" ) term }
    term       = factor { [ "·" | "/" ] factor }          two factors side by side are multiplied
    factor     = atom { "^" power | "²" | "³" | "ᵀ" }
    atom       = number | quantity | δ | sum | derivative | function | "(" side ")" | "|" side "|"
    quantity   = letter [ "_" indices | "[" indices "]" ]  p_k, p[k], W_kd, W[k,d], W_{kd}
    δ          = ( "δ" | "delta" ) two indices | "1(" index "=" index ")"
    sum        = ( "Σ" | "sum" ) "_" ( index | "(" index "≠" index ")" ) term
    derivative = ( "∂" | "d" ) ( quantity | "(" side ")" ) "/" ( "∂" | "d" ) quantity
    function   = ( "ln" | "log" | "exp" ) factor | "e^" factor

A "/" divides by the one factor after it: 1 / N Σ_i … is (1 / N) Σ_i …. A sum reaches as far as the
products after it, up to the next + or −.
"""

from __future__ import annotations

from fractions import Fraction
from unicodedata import normalize

from pminusy.questions.expression import Expression
from pminusy.questions.letters import Letters
from pminusy.questions.tokens import GrammarError, Token, tokens

__all__ = ["LONGEST", "parse"]

LONGEST = 500
_DEEPEST = 40
_LARGEST_POWER = 9
_DIGITS = 6


def parse(text: str, letters: Letters) -> tuple[Expression, ...]:
    """The sides of an answer.

    Raises
    ------
    GrammarError
        What was expected, and where.
    """
    if len(text) > LONGEST:
        raise GrammarError(
            f"an answer has at most {LONGEST} characters, this one has {len(text):,}", LONGEST
        )
    reader = _Reader(tokens(normalize("NFC", text)), letters)
    sides = [reader.side()]
    while reader.take("="):
        sides.append(reader.side())
    if reader.now.kind != "end":
        raise reader.error("an operator or the end")
    return tuple(sides)


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, tokens: list[Token], letters: Letters) -> None:
        self._tokens, self._letters = tokens, letters
        self._place = self._depth = self._bars = 0

    @property
    def now(self) -> Token:
        """The token in turn."""
        return self._tokens[self._place]

    def _ahead(self, by: int = 1) -> Token:
        return self._tokens[min(self._place + by, len(self._tokens) - 1)]

    def _next(self) -> Token:
        token = self.now
        self._place += token.kind != "end"
        return token

    def take(self, *texts: str) -> bool:
        """Pass a token if it is one of these."""
        if self.now.kind != "end" and self.now.text in texts:
            self._place += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Pass this token."""
        if not self.take(text):
            raise self.error(f"“{text}”")

    def error(self, expected: str) -> GrammarError:
        """What was expected at the token in turn."""
        found = f"“{self.now.text}”" if self.now.kind != "end" else "the end"
        return GrammarError(f"expected {expected}, found {found}", self.now.at)

    def side(self) -> Expression:
        """A sum of terms."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise GrammarError("too many parentheses inside each other", self.now.at)
        terms = [self._signed()]
        while self.now.text in ("+", "-") and self.now.kind == "sign":
            terms.append(self._signed())
        self._depth -= 1
        return terms[0] if len(terms) == 1 else ("+", *terms)

    def _signed(self) -> Expression:
        if self.take("-"):
            return ("neg", self._term())
        self.take("+")
        return self._term()

    def _term(self) -> Expression:
        factors = [self._factor()]
        while True:
            if self.take("/"):
                above = factors[0] if len(factors) == 1 else ("*", *factors)
                factors = [("/", above, self._divisor())]
            elif self.take("*"):
                factors.append(self._divisor())
            elif self._begins_factor():
                factors.append(self._factor())
            else:
                return factors[0] if len(factors) == 1 else ("*", *factors)

    def _divisor(self) -> Expression:
        """A factor after an operator; a sign may stand before it."""
        return ("neg", self._divisor()) if self.take("-") else self._factor()

    def _begins_factor(self) -> bool:
        token = self.now
        if token.text == "|":
            return not self._bars
        return token.kind in ("number", "name") or token.text in ("(", "∂", "Σ")

    def _factor(self) -> Expression:
        tree = self._atom()
        while True:
            token = self.now
            if token.kind == "power":
                self._next()
                tree = ("^", tree, "²³".index(token.text) + 2)
            elif token.text == "ᵀ" or (token.text == "'" and token.kind == "sign"):
                self._next()
                tree = ("T", tree)
            elif token.text == "." and self._ahead().text == "T":
                self._place += 2
                tree = ("T", tree)
            elif token.text == "^":
                self._next()
                tree = self._raised(tree)
            else:
                return tree

    def _raised(self, tree: Expression) -> Expression:
        if self.take("T"):
            return ("T", tree)
        bracket = self.take("(")
        if bracket and self.take("T"):
            self.expect(")")
            return ("T", tree)
        minus, token = self.take("-"), self.now
        if token.kind != "number" or not token.text.isdigit() or int(token.text) > _LARGEST_POWER:
            raise self.error(f"a whole power up to {_LARGEST_POWER}, or T")
        self._next()
        if bracket:
            self.expect(")")
        power = ("^", tree, int(token.text))
        return ("/", ("num", 1, 1), power) if minus else power

    def _atom(self) -> Expression:
        token = self.now
        if token.kind == "number":
            return self._number()
        if token.text == "(":
            return self._in_brackets()
        if token.text == "|":
            return self._absolute()
        if token.text == "∂":
            return self._derivative()
        if token.text == "Σ" or (token.kind == "name" and token.text in ("sum", "Sigma")):
            return self._sum()
        if token.kind == "name":
            return self._named()
        raise self.error("a quantity or a number")

    def _number(self) -> Expression:
        token = self._next()
        if token.text in ("1", "𝟏") and self.now.text in ("(", "[") and self._ahead(2).text == "=":
            return self._indicator()
        if token.text == "½":
            return ("num", 1, 2)
        if token.text == "𝟏":
            raise GrammarError("“𝟏” has no meaning alone", token.at)
        if len(token.text.replace(".", "")) > _DIGITS:
            raise GrammarError(f"a number has at most {_DIGITS} digits", token.at)
        value = Fraction(token.text)
        return ("num", value.numerator, value.denominator)

    def _indicator(self) -> Expression:
        close = {"(": ")", "[": "]"}[self._next().text]
        i = self._index()
        self.expect("=")
        j = self._index()
        self.expect(close)
        return ("delta", i, j)

    def _in_brackets(self) -> Expression:
        self.expect("(")
        bars, self._bars = self._bars, 0
        tree = self.side()
        self.expect(")")
        self._bars = bars
        return tree

    def _absolute(self) -> Expression:
        self.expect("|")
        self._bars += 1
        tree = self.side()
        self._bars -= 1
        self.expect("|")
        return ("abs", tree)

    def _derivative(self) -> Expression:
        self.expect("∂")
        above = self._in_brackets() if self.now.text == "(" else self._quantity(self._next())
        self.expect("/")
        self.expect("∂")
        return ("d", above, self._quantity(self._next()))

    def _sum(self) -> Expression:
        self._next()
        self.expect("_")
        bracket = self.take("(")
        index, left_out = self._index(), ""
        if self.take("≠"):
            left_out = self._index()
        if bracket:
            self.expect(")")
        return ("sum", index, left_out, self._body())

    def _body(self) -> Expression:
        return ("neg", self._body()) if self.take("-") else self._term()

    def _index(self) -> str:
        token = self.now
        if token.kind != "name" or len(token.text) != 1:
            raise self.error("an index, one letter")
        self._next()
        return self._canonical(token.text)

    def _canonical(self, letter: str) -> str:
        return "c" if letter == self._letters.true_class else letter

    def _named(self) -> Expression:
        token = self._next()
        name = token.text
        if name in ("ln", "log", "exp"):
            return ("fn", "exp" if name == "exp" else "ln", self._argument())
        if name == "e" and self.take("^"):
            return ("fn", "exp", self._exponent())
        of_its_own = name in self._letters.names and self._index_count() == 1  # δ_k = ∂L/∂z_k
        if name in ("δ", "delta") and not of_its_own:
            return self._delta(token)
        if name in ("N", "K", "D") and name not in self._letters.names:
            return ("size", name)
        if name[0] == "d" and name not in self._letters.names:
            return self._plain_derivative(token)
        return self._quantity(token)

    def _argument(self) -> Expression:
        """What a function is taken of: parentheses, or the one factor after it."""
        return ("neg", self._factor()) if self.take("-") else self._factor()

    def _exponent(self) -> Expression:
        if self.now.text == "(":
            return self._in_brackets()
        return ("neg", self._atom()) if self.take("-") else self._atom()

    def _delta(self, token: Token) -> Expression:
        found = self._indices()
        if len(found) != 2:
            raise GrammarError("δ has two indices: δ_ij", token.at)
        return ("delta", *found)

    def _plain_derivative(self, token: Token) -> Expression:
        """dL/dz_k and d(…)/dz_k, typed with a plain d."""
        rest = token.text[1:]
        above = self._quantity(Token("name", rest, token.at + 1)) if rest else self._in_brackets()
        self.expect("/")
        below = self._next()
        if below.kind != "name" or below.text[:1] != "d" or len(below.text) < 2:
            raise GrammarError("a derivative is typed dL/dz_k or ∂L/∂z_k", below.at)
        return ("d", above, self._quantity(Token("name", below.text[1:], below.at + 1)))

    def _quantity(self, token: Token) -> Expression:
        if token.text == "E" and self.now.text == "_" and self._ahead().text == "2":
            self._place += 2
            token = Token("name", "E_2", token.at)
        meanings = self._letters.names.get(token.text)
        if meanings is None:
            known = ", ".join(self._letters.shown[name] for name in self._letters.spaces)
            raise GrammarError(f"“{token.text}” is none of the letters here: {known}", token.at)
        indices = self._indices()
        for name in meanings:
            if len(indices) in _index_counts(self._letters.spaces[name]):
                return ("ref", name, *indices)
        wanted = len(self._letters.spaces[meanings[0]])
        raise GrammarError(
            f"{token.text} has {_count(wanted)}, here {_count(len(indices))}", token.at
        )

    def _index_count(self) -> int:
        place = self._place
        count = len(self._indices())
        self._place = place
        return count

    def _indices(self) -> tuple[str, ...]:
        """_kd, _{kd}, _k,d, [k,d] or [k][d]; none is ()."""
        if self.take("_"):
            if self.take("("):
                return self._until(")")
            token = self.now
            if token.kind != "name":
                raise self.error("an index, one letter")
            self._next()
            found = list(token.text)
            while self.now.text == "," and self._ahead().kind == "name":
                self._next()
                found += self._next().text
            return tuple(self._canonical(each) for each in found)
        found_in_brackets: tuple[str, ...] = ()
        while self.now.text == "[" and self.now.kind == "sign":
            self._next()
            found_in_brackets += self._until("]")
        return found_in_brackets

    def _until(self, close: str) -> tuple[str, ...]:
        found: list[str] = []
        while not self.take(close):
            token = self.now
            if token.text == "," and found:
                self._next()
                continue
            if token.kind != "name":
                raise self.error(f"an index or “{close}”")
            self._next()
            found += [self._canonical(each) for each in token.text]
        return tuple(found)


def _count(indices: int) -> str:
    words = ("no index", "one index", "two indices")
    return words[indices] if indices < len(words) else f"{indices} indices"


def _index_counts(spaces: str) -> tuple[int, ...]:
    """With how many indices a quantity may be typed: as a whole, entry by entry, or a row of W."""
    return tuple(range(len(spaces) + 1))
