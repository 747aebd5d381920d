"""Vector code spelt out: numbers side by side, with Python's operators, as LLVM instructions.

The inner loops of the kernels are built here, not left to the compiler's loop vectoriser: whether
that finds a loop worth its while changes with the code around it, and a loop it leaves scalar is
ten times slower. A vector has 64 bytes on every processor; LLVM splits it where registers are
shorter.

The functions that make loops are called while Numba compiles a kernel: see `loops`, `head.narrow`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba.core import cgutils

__all__ = [
    "BYTES",
    "Lanes",
    "Loop",
    "counted_loop",
    "fma",
    "gathered",
    "lanes_of",
    "larger",
    "pointer",
    "where",
]

BYTES = 64
_INDEX = ir.IntType(64)
_SHORT = ir.IntType(32)
_DOUBLE = ir.DoubleType()


class Lanes:
    """Numbers in the lanes of a vector, or a single one; what an operator returns, its code."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    @property
    def count(self) -> int:
        """Number of lanes."""
        return int(getattr(self.value.type, "count", 1))

    @property
    def element(self) -> Any:
        """Type of one number."""
        return getattr(self.value.type, "element", self.value.type)

    def like(self, other: Any) -> Any:
        """LLVM value of another operand: lanes as they are, one number in every lane."""
        if isinstance(other, Lanes):
            if other.count == self.count:
                return other.value
            return _splat(self.builder, other.value, self.count)
        if self.count == 1:
            return ir.Constant(self.element, other)
        return ir.Constant(self.value.type, [other] * self.count)

    def _both(self, other: Any) -> tuple[Any, Any]:
        """LLVM values of two operands, as wide as the wider of them."""
        if isinstance(other, Lanes) and other.count > self.count:
            return other.like(self), other.value
        return self.value, self.like(other)

    def _new(self, value: Any) -> Lanes:
        return Lanes(self.builder, value)

    def __add__(self, other: Any) -> Lanes:
        return self._new(self.builder.fadd(*self._both(other)))

    def __sub__(self, other: Any) -> Lanes:
        return self._new(self.builder.fsub(*self._both(other)))

    def __mul__(self, other: Any) -> Lanes:
        return self._new(self.builder.fmul(*self._both(other)))

    def __truediv__(self, other: Any) -> Lanes:
        return self._new(self.builder.fdiv(*self._both(other)))

    def __lt__(self, other: Any) -> Lanes:
        return self._new(self.builder.fcmp_ordered("<", self.value, self.like(other)))

    def at_least(self, other: Any) -> Lanes:
        """Whether a number is not below another; not for NaN."""
        return self._new(self.builder.fcmp_ordered(">=", self.value, self.like(other)))

    def at_least_zero(self) -> Lanes:
        """Whether an integer is not negative."""
        return self._new(self.builder.icmp_signed(">=", self.value, self.like(0)))

    def both(self, other: Lanes) -> Lanes:
        """Whether two conditions hold."""
        return self._new(self.builder.and_(self.value, other.value))

    def either(self, other: Lanes) -> Lanes:
        """Whether one of two conditions holds."""
        return self._new(self.builder.or_(self.value, other.value))

    def opposite(self) -> Lanes:
        """Whether a condition does not hold."""
        return self._new(self.builder.not_(self.value))

    def negative(self) -> Lanes:
        """Number with the other sign."""
        return self._new(self.builder.fneg(self.value))

    def same(self, other: Any) -> Lanes:
        """Whether numbers, or integers, are equal."""
        if isinstance(self.element, ir.IntType):
            return self._new(self.builder.icmp_signed("==", self.value, self.like(other)))
        return self._new(self.builder.fcmp_ordered("==", self.value, self.like(other)))

    def bits(self) -> Lanes:
        """The bits of the numbers as integers."""
        return self._new(self.builder.bitcast(self.value, self._twin(_BITS[str(self.element)])))

    def numbers(self) -> Lanes:
        """Numbers with these bits."""
        return self._new(self.builder.bitcast(self.value, self._twin(_NUMBERS[self.element.width])))

    def left(self, places: int) -> Lanes:
        """Bits moved to the left."""
        return self._new(self.builder.shl(self.value, self.like(places)))

    def right(self, places: int) -> Lanes:
        """Bits moved to the right, the sign kept."""
        return self._new(self.builder.ashr(self.value, self.like(places)))

    def less(self, other: Any) -> Lanes:
        """Difference of integers."""
        return self._new(self.builder.sub(self.value, self.like(other)))

    def counted(self) -> Lanes:
        """Integers as float64."""
        return self._new(self.builder.sitofp(self.value, self._twin(_DOUBLE)))

    def _twin(self, element: Any) -> Any:
        return element if self.count == 1 else ir.VectorType(element, self.count)

    def halves(self) -> tuple[Lanes, Lanes]:
        """First and second half of the lanes."""
        half = self.count // 2
        return self._part(range(half)), self._part(range(half, 2 * half))

    def _part(self, which: Any) -> Lanes:
        chosen = list(which)
        if len(chosen) == 1:
            return self._new(
                self.builder.extract_element(self.value, ir.Constant(_SHORT, chosen[0]))
            )
        index = ir.Constant(ir.VectorType(_SHORT, len(chosen)), chosen)
        undefined = ir.Constant(self.value.type, ir.Undefined)
        return self._new(self.builder.shuffle_vector(self.value, undefined, index))

    def wide(self) -> tuple[Lanes, ...]:
        """The numbers as float64: in two vectors if they are float32."""
        if self.element == _DOUBLE or self.count == 1:
            return (self.double(),)
        return tuple(half.double() for half in self.halves())

    def rounded(self, kind: Any) -> Lanes:
        """Float64 numbers in another floating type."""
        if kind == _DOUBLE:
            return self
        return self._new(self.builder.fptrunc(self.value, self._twin(kind)))

    def double(self) -> Lanes:
        """The numbers as float64, in as many lanes."""
        if self.element == _DOUBLE:
            return self
        return self._new(self.builder.fpext(self.value, self._twin(_DOUBLE)))

    def reduced(self, join: Callable[[Lanes, Lanes], Lanes]) -> Lanes:
        """All lanes joined, in pairs."""
        lanes = self
        while lanes.count > 1:
            lanes = join(*lanes.halves())
        return lanes


_BITS = {"float": _SHORT, "double": _INDEX}
_NUMBERS = {32: ir.FloatType(), 64: _DOUBLE}


def _splat(builder: Any, value: Any, count: int) -> Any:
    kind = ir.VectorType(value.type, count)
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_SHORT, 0))
    return builder.shuffle_vector(
        first, undefined, ir.Constant(ir.VectorType(_SHORT, count), [0] * count)
    )


def _size(kind: Any) -> int:
    return 8 if kind == _DOUBLE else 4


def lanes_of(kind: Any) -> int:
    """Numbers of an LLVM type in one vector."""
    return 8 if kind == _DOUBLE else 16


def fma(a: Lanes, b: Any, c: Any) -> Lanes:
    """a · b + c rounded once."""
    return _called("fma", a, b, c)


def larger(a: Lanes, b: Any) -> Lanes:
    """Larger of two numbers; `a` where one is NaN."""
    return where(a < b, b, a)


def where(condition: Lanes, a: Any, b: Any) -> Lanes:
    """`a` where the condition holds, `b` elsewhere; one of them is Lanes."""
    model = a if isinstance(a, Lanes) else b
    if isinstance(a, Lanes) and isinstance(b, Lanes) and b.count > a.count:
        model = b
    builder = model.builder
    return Lanes(builder, builder.select(condition.value, model.like(a), model.like(b)))


def _called(name: str, a: Lanes, *others: Any) -> Lanes:
    kind = a.value.type
    letter = "f64" if a.element == _DOUBLE else "f32"
    full = f"llvm.{name}.{letter}" if a.count == 1 else f"llvm.{name}.v{a.count}{letter}"
    arguments = [a.value, *(a.like(other) for other in others)]
    function = cgutils.get_or_insert_function(
        a.builder.module, ir.FunctionType(kind, [kind] * len(arguments)), full
    )
    return Lanes(a.builder, a.builder.call(function, arguments))


def pointer(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Address of the first entry of an array with entries one after the other."""
    return context.make_array(kind)(context, builder, array).data


class Loop:
    """A walk over n entries, a vector at a time; the rest of them, and of a line, with a mask."""

    def __init__(self, builder: Any, count: int, n: Any) -> None:
        self.builder, self.count, self.n = builder, count, n

    def variable(self, start: Any) -> Any:
        """Memory for lanes that steps change; it ends up in a register."""
        return cgutils.alloca_once_value(self.builder, start)

    def steps(self, aligned: Any | None = None) -> Iterator[tuple[Any, Any | None]]:
        """Yield (offset, mask): where a step is, in LLVM's terms, and which lanes are meant.

        The caller builds the body for each of the two or three yields: with `aligned`, an address,
        a first step with a mask goes as far as the next multiple of 64 bytes there; then whole
        vectors (mask None); then the rest.
        """
        b = self.builder
        zero, one = ir.Constant(_INDEX, 0), ir.Constant(_INDEX, self.count)
        place = cgutils.alloca_once_value(b, zero)
        if aligned is not None:
            size = _size(aligned.type.pointee)
            address = b.ptrtoint(aligned, _INDEX)
            beyond = b.and_(b.neg(address), ir.Constant(_INDEX, BYTES - 1))
            head = b.udiv(beyond, ir.Constant(_INDEX, size))
            short = b.icmp_signed("<", head, self.n)
            head = b.select(short, head, self.n)
            with b.if_then(b.icmp_signed(">", head, zero)):
                yield zero, self._mask(head)
            b.store(head, place)
        with _while(b, lambda: b.icmp_signed("<=", b.add(b.load(place), one), self.n)):
            offset = b.load(place)
            yield offset, None
            b.store(b.add(offset, one), place)
        offset = b.load(place)
        with b.if_then(b.icmp_signed("<", offset, self.n)):
            yield offset, self._mask(b.sub(self.n, offset))

    def whole_steps(self) -> Iterator[Any]:
        """Yield the offset of a step over memory that is filled up to whole vectors."""
        b = self.builder
        place = cgutils.alloca_once_value(b, ir.Constant(_INDEX, 0))
        with _while(b, lambda: b.icmp_signed("<", b.load(place), self.n)):
            offset = b.load(place)
            yield offset
            b.store(b.add(offset, ir.Constant(_INDEX, self.count)), place)

    def _mask(self, n: Any) -> Any:
        b = self.builder
        kind = ir.VectorType(_SHORT, self.count)
        steps = ir.Constant(kind, list(range(self.count)))
        return b.icmp_signed("<", steps, _splat(b, b.trunc(n, _SHORT), self.count))

    def load(self, start: Any, offset: Any, mask: Any | None, filler: float = 0.0) -> Lanes:
        """Entries of a line of memory, the filler where the mask is not."""
        b = self.builder
        kind = ir.VectorType(start.type.pointee, self.count)
        place = b.bitcast(b.gep(start, [offset]), kind.as_pointer())
        size = _size(start.type.pointee)
        if mask is None:
            return Lanes(b, b.load(place, align=size))
        fill = ir.Constant(kind, [filler] * self.count)
        function = self._masked("load", kind, [place.type, _SHORT, mask.type, kind], kind)
        return Lanes(b, b.call(function, [place, ir.Constant(_SHORT, size), mask, fill]))

    def store(
        self, lanes: Lanes, start: Any, offset: Any, mask: Any | None, past_cache: bool = False
    ) -> None:
        """Write entries; `past_cache`, to an address that is a multiple of 64."""
        b = self.builder
        kind = lanes.value.type
        place = b.bitcast(b.gep(start, [offset]), kind.as_pointer())
        size = _size(start.type.pointee)
        if mask is not None:
            types = [kind, place.type, _SHORT, mask.type]
            function = self._masked("store", kind, types, ir.VoidType())
            b.call(function, [lanes.value, place, ir.Constant(_SHORT, size), mask])
            return
        written = b.store(lanes.value, place, align=BYTES if past_cache else size)
        if past_cache:
            written.set_metadata("nontemporal", b.module.add_metadata([ir.Constant(_SHORT, 1)]))

    def _masked(self, name: str, kind: Any, types: list[Any], result: Any) -> Any:
        letter = "f64" if kind.element == _DOUBLE else "f32"
        full = f"llvm.masked.{name}.v{self.count}{letter}.p0"
        return cgutils.get_or_insert_function(
            self.builder.module, ir.FunctionType(result, types), full
        )


@contextmanager
def _while(builder: Any, condition: Callable[[], Any]) -> Iterator[None]:
    """Build a loop around what is built inside."""
    test, body, after = (
        builder.append_basic_block(name) for name in ("lanes.test", "lanes.body", "lanes.after")
    )
    builder.branch(test)
    builder.position_at_end(test)
    builder.cbranch(condition(), body, after)
    builder.position_at_end(body)
    yield
    builder.branch(test)
    builder.position_at_end(after)


def counted_loop(builder: Any, n: Any) -> Iterator[Any]:
    """Yield the index of a loop from 0 to n − 1, once, to build its body."""
    with cgutils.for_range(builder, n, intp=_INDEX) as loop:
        yield loop.index


def gathered(builder: Any, start: Any, places: list[Any]) -> Lanes:
    """Entries from several places of a line of memory."""
    kind = ir.VectorType(start.type.pointee, len(places))
    value = ir.Constant(kind, ir.Undefined)
    for lane, place in enumerate(places):
        entry = builder.load(builder.gep(start, [place]))
        value = builder.insert_element(value, entry, ir.Constant(_SHORT, lane))
    return Lanes(builder, value)
