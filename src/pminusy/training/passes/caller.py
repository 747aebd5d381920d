"""Passes over a source: kernels over its blocks, threads over the tiles of a block.

Of rows in memory, keeps the logits between passes where they fit the workspace: at the point where
the solver stands (Z) and along its direction (A). Then a line search costs no product with X.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.core.softmax import plain_softmax
from pminusy.kernels.runtime import memory, threads
from pminusy.training.implementation import implementation
from pminusy.training.passes.non_negligible import SelectedClasses
from pminusy.training.passes.specification import PADDING, TILE, RowSubset
from pminusy.training.sources.protocol import Block, Source

__all__ = ["Passes", "Point", "Selection", "Sums"]

Array = NDArray[Any]
Point = tuple[Array, Array]  # W and b, as the kernels take them

_SMALL = 1 << 19  # multiplications below which compiling, or loading what is compiled, costs more
_TILES_A_THREAD = 4
_ROWS_OF_A_SUM = 1 << 14  # in float32, where features are sparse: few of them see most rows
_ENTRIES_AT_A_TIME = 1 << 15


class Sums(NamedTuple):
    """What a pass adds up: loss, its gradient in W and b, and the slope along a direction."""

    loss: float
    G: Array
    g: Array
    slope: float = 0.0


class Selection(NamedTuple):
    """The selected classes of all rows: those with p (1 − p) ≥ threshold."""

    threshold: float
    parts: dict[tuple[int, int], SelectedClasses]  # of the tiles of each thread

    def sums(self) -> tuple[Array, Array]:
        """Σ S p (1 − p), and Σ S p over the rows where a class is negligible, both (K,)."""
        parts = self.parts.values()
        curvature, rest = sum(p.curvature for p in parts), sum(p.rest for p in parts)
        return np.asarray(curvature), np.maximum(rest, 0.0)


class Passes:
    """The passes of one source, in one type of arithmetic.

    Logits are kept for one point (W, b) at a time: the last that `point`, `commit` or `gradient`
    went to. A pass over kept logits is given its point, and refuses any other.

    Parameters
    ----------
    source
        Where rows come from.
    dtype
        Type of the arithmetic.
    workspace
        Bytes that may be kept between passes.
    """

    def __init__(self, source: Source, dtype: type[np.floating[Any]], workspace: int) -> None:
        self.source, self.dtype = source, dtype
        D, K = source.features, source.classes
        self.shape = (D, K) if source.sparse else (K, D)
        self.at: tuple[Array, Array] | None = None  # W and b that the kept logits are of
        self._at: Point | None = None  # the kept logits are those of this very object
        self.count = 0.0  # visits to X so far: a forward and a backward product are one
        itemsize = np.dtype(dtype).itemsize
        tiles = [-(-rows // TILE) for rows in source.block_rows]
        needed = 2 * sum(tiles) * TILE * K * itemsize
        # A look along a line needs the targets: of rows that are read anew, a whole visit, from
        # which the gradient comes as well. There kept logits would only add one.
        self.stored = needed <= workspace and source.held is source
        kept = tiles if self.stored else [0] * len(tiles)
        self._Z = [np.zeros((n, K, TILE), dtype) for n in kept]
        self._A = [np.zeros((n, K, TILE), dtype) for n in kept]
        self._sums: list[tuple[Array, Array]] = []
        work = source.rows * source.features * source.classes
        self.small = work < _SMALL
        self._kernels = implementation("passes", work, _SMALL)
        self._non_negligible = implementation("non_negligible", work, _SMALL)

    def stand(self, at: Point) -> None:
        """Be at a point that was not visited; for passes that keep no logits."""
        assert not self.stored, "the kept logits are of another point"
        self._at = at

    def point(self, at: Point, selection: Selection | None = None) -> Sums:
        """Loss and gradient at a point; its logits are kept where there is room.

        Without room, the selected classes of every row are noted in the same visit, if asked for.
        """
        W, b = self._at = at

        def run(i: int, block: Block, tiles: tuple[int, int], G: Array, g: Array) -> Any:
            if selection is not None:
                found = selection.parts[tiles]
                return self._non_negligible.point(
                    block.X,
                    block.targets,
                    W,
                    b,
                    block.rows,
                    tiles,
                    selection.threshold,
                    found,
                    G,
                    g,
                )
            return self._kernels.point(
                block.X, block.targets, W, b, block.rows, tiles, self._Z[i], G, g
            )

        return self._sum(run, 1.0)

    def step(self, V: Array, v: Array) -> Sums:
        """Loss, slope and gradient one step along (V, v); its logits are kept."""

        def run(i: int, block: Block, tiles: tuple[int, int], G: Array, g: Array) -> Any:
            return self._kernels.step(
                block.X, block.targets, V, v, block.rows, tiles, self._Z[i], self._A[i], G, g
            )

        return self._sum(run, 1.0)

    def commit(self, step: float, at: Point) -> None:
        """Move the kept logits `step` times the direction, to a point."""
        self._at = at
        for Z, A in zip(self._Z, self._A, strict=True):

            def run(part: int, Z: Array = Z, A: Array = A) -> None:
                first, last = _share(Z.shape[0], part, threads.get_num_threads())
                for t in range(first, last):  # tile by tile: no second array of that size
                    Z[t] += Z.dtype.type(step) * A[t]

            threads.run(run, threads.get_num_threads())

    def gradient(self, step: float, at: Point) -> Sums:
        """Move the kept logits to a point, and take loss and gradient there."""
        self._at = at

        def run(i: int, block: Block, tiles: tuple[int, int], G: Array, g: Array) -> Any:
            return self._kernels.gradient(
                block.X, block.targets, block.rows, tiles, self._Z[i], self._A[i], step, G, g
            )

        return self._sum(run, 0.5)

    def restriction(self, step: float) -> tuple[float, float, float]:
        """Loss, slope and curvature along the direction, from kept logits."""
        loss = slope = curve = 0.0
        for i, block in enumerate(self.source.blocks()):

            def run(_: int, tiles: tuple[int, int], i: int = i, block: Block = block) -> Any:
                Z, A = self._Z[i], self._A[i]
                return self._kernels.restriction(block.targets, block.rows, tiles, Z, A, step)

            for a, b, c in _each(run, block.rows):
                loss, slope, curve = loss + a, slope + b, curve + c
        return loss, slope, curve

    def hvp(self, at: Point, V: Array, v: Array) -> Sums:
        """Hessian at the point of the kept logits times (V, v)."""
        W, b = self._kept(at)

        def run(i: int, block: Block, tiles: tuple[int, int], G: Array, g: Array) -> Any:
            return self._kernels.hvp(
                block.X, block.targets, W, b, V, v, block.rows, tiles, self._Z[i], G, g
            )

        return self._sum(run, 1.0)

    def curvature(self, at: Point, *, diagonal: bool) -> Sums:
        """Diagonal of the Hessian in b, and in W if asked, at the point of the kept logits."""
        W, b = self._kept(at)

        def run(i: int, block: Block, tiles: tuple[int, int], G: Array, g: Array) -> Any:
            room = G if diagonal else G[:0]
            return self._kernels.curvature(
                block.X, block.targets, W, b, block.rows, tiles, self._Z[i], room, g
            )

        return self._sum(run, 1.0 if diagonal else 0.0)

    def pick(self, at: Point, selection: Selection) -> None:
        """Note the selected classes of every row, from the kept logits of a point."""
        self._kept(at)
        (block,) = self.source.blocks()

        def run(_: int, tiles: tuple[int, int]) -> None:
            found = selection.parts[tiles]
            self._non_negligible.pick(
                block.targets, block.rows, tiles, self._Z[0], selection.threshold, found
            )

        _each(run, block.rows)

    def selection_times(
        self, selection: Selection, S: Array, V: Array, v: Array
    ) -> tuple[Array, Array]:
        """Curvature on selected classes times (V, v); S (rows,) are target masses."""
        (block,) = self.source.blocks()

        def run(_: int, tiles: tuple[int, int]) -> tuple[Array, Array]:
            G, g = np.zeros(V.shape, V.dtype), np.zeros(v.size, V.dtype)
            self._non_negligible.times(
                block.X, block.rows, tiles, S, selection.parts[tiles], V, v, G, g
            )
            return G, g

        (G, g), *others = _each(run, block.rows)
        for part_G, part_g in others:
            G += part_G
            g += part_g
        return G, g

    def room_for_selection(self, threshold: float, a_row: float) -> Selection:
        """Where selected classes can be noted, about `a_row` of them for each row."""
        (block,) = self.source.blocks()
        tiles, parts = _tiles(block.rows), _parts(block.rows)
        found = {}
        for part in range(parts):
            share = _share(tiles, part, parts)
            rows = (share[1] - share[0]) * TILE
            room = int((1.25 * a_row + 1) * rows) + self.source.classes
            sums = np.zeros((2, self.source.classes))
            found[share] = SelectedClasses(
                np.zeros(rows + 1, np.int64), np.empty(room, np.int32), np.empty(room, np.float32),
                *sums,
            )  # fmt: skip
        return Selection(threshold, found)

    def row_curvature(self, at: Point) -> Array:
        """Σ_k p (1 − p) of every row (N,), from the kept logits of a point."""
        self._kept(at)
        return _row_curvature(self._Z[0])[: self.source.rows]

    def probabilities(self, rows: Array, X: Array, at: Point) -> Array:
        """Probabilities (n, K) of rows in memory, whose inputs are X, at a point."""
        if not self.stored:
            return self.probabilities_of(X, at)
        self._kept(at)
        return plain_softmax(self._Z[0][rows // TILE, :, rows % TILE])[1]

    def probabilities_of(self, X: Array, at: Point) -> Array:
        """Probabilities (n, K) of inputs at a point."""
        W, b = at
        z = X.astype(self.dtype) @ (W[:, : b.size] if self.source.sparse else W.T) + b
        return plain_softmax(z)[1]

    def probabilities_of_tiles(self, first: int, last: int, X: Array, at: Point) -> Array:
        """Probabilities (n, K) of the rows from one number, a multiple of 64, to another."""
        if not self.stored:
            return self.probabilities_of(X, at)
        self._kept(at)
        p = plain_softmax(self._Z[0][first // TILE : -(-last // TILE)], axis=1)[1]
        return np.asarray(p.swapaxes(1, 2).reshape(-1, p.shape[1])[: last - first])

    def moments(self) -> tuple[Array, Array]:
        """Weighted means of every feature and of its square."""
        D = self.source.features
        total, square = np.zeros(D), np.zeros(D)
        for block in self.source.blocks():

            def run(_: int, tiles: tuple[int, int], block: Block = block) -> tuple[Array, Array]:
                part = np.zeros(D), np.zeros(D)
                omega = block.targets.omega
                self._kernels.moments(block.X, omega, block.rows, tiles, *part)
                return part

            for first, second in _each(run, block.rows):
                total, square = total + first, square + second
        weight = self.source.total_weight
        return total / weight, square / weight

    def note_visit(self, products: float) -> None:
        """Count a visit by its products with X; one to rows that are read anew is never less."""
        self.count += products if self.source.held is self.source else 1.0

    def _kept(self, at: Point) -> Point:
        """The point itself, which must be the one that the logits were kept for."""
        assert at is self._at, "logits are kept for another point: evaluate this one first"
        return at

    def _sum(self, run: Any, visits: float) -> Sums:
        """Sum over blocks and threads, always in the same order."""
        self.note_visit(visits)
        loss, slope, g = 0.0, 0.0, np.zeros(self.source.classes)
        G: Array | None = None
        for i, block in enumerate(self.source.blocks()):
            scratch = self._scratch(_parts(block.rows))

            def part(p: int, tiles: tuple[int, int], i: int = i, block: Block = block) -> Any:
                sums = scratch[p]  # noqa: B023  # used before the next block
                for array in sums:
                    array.fill(0.0)
                return run(i, block, tiles, *sums), *sums

            for result, _, part_g in _each(part, block.rows):
                value = result if isinstance(result, tuple) else (result or 0.0, 0.0)
                loss, slope = loss + value[0], slope + value[1]
                g += part_g
            G = self._added(G, [G_part for G_part, _ in scratch])
        return Sums(loss, np.zeros(self.shape) if G is None else G, g, slope)

    def _added(self, G: Array | None, parts: list[Array]) -> Array:
        """G and what threads have summed, in float64 and without columns that do not count."""
        total = memory.empty(self.shape, np.float64) if G is None else G
        step = max(1, _ENTRIES_AT_A_TIME // max(1, self.shape[1]))

        def add(block: int) -> None:
            rows = slice(block * step, (block + 1) * step)
            out = total[rows]
            if G is None:
                out.fill(0.0)
            for part in parts:
                out += part[rows, : self.shape[1]]

        threads.run(add, -(-self.shape[0] // step))
        return total

    def _scratch(self, parts: int) -> list[tuple[Array, Array]]:
        """Sums of every thread; kept, because touching fresh memory costs more than adding."""
        while len(self._sums) < parts:
            G = memory.empty(self.shape, np.float64)
            if self.source.sparse and self._few_rows(parts):  # as W is laid out
                D, K = self.shape
                G = memory.empty((D, -(-K // PADDING) * PADDING), self.dtype)
            self._sums.append((G, np.empty(self.source.classes)))
        return self._sums[:parts]

    def _few_rows(self, parts: int) -> bool:
        """Whether sums over a thread's rows are good enough in the type of the arithmetic."""
        return self.dtype == np.float64 or self.source.rows <= parts * _ROWS_OF_A_SUM


def _row_curvature(Z: Array) -> Array:
    out = np.empty((Z.shape[0], TILE), Z.dtype)
    for first in range(0, Z.shape[0], 256):
        e = plain_softmax(Z[first : first + 256], axis=1)[1]
        out[first : first + 256] = 1 - np.einsum("tki,tki->ti", e, e)
    return out.ravel()


def _each(run: Any, rows: RowSubset) -> list[Any]:
    """Run over the tiles of a block, one share a thread: run(number of the share, tiles)."""
    tiles, parts = _tiles(rows), _parts(rows)
    results: list[Any] = [None] * parts

    def work(part: int) -> None:
        results[part] = run(part, _share(tiles, part, parts))

    threads.run(work, parts)
    return results


def _parts(rows: RowSubset) -> int:
    return max(1, min(threads.get_num_threads(), _tiles(rows) // _TILES_A_THREAD))


def _share(tiles: int, part: int, parts: int) -> tuple[int, int]:
    return tiles * part // parts, tiles * (part + 1) // parts


def _tiles(rows: RowSubset) -> int:
    return -(-rows.number // TILE)
