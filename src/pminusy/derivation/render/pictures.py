"""Pictures of a derivation as inline SVG: the graph of the computation, the loss along one logit.

Each has a title for those who do not see it, and every number in it stands in the text as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import numpy as np

from pminusy.derivation.render.document import safe
from pminusy.derivation.statements.line import Table
from pminusy.derivation.steps.chapters import Overview, Steps
from pminusy.derivation.values.digits import as_text
from pminusy.derivation.values.result_value import ResultValue

__all__ = ["heat_map", "network_graph", "pictures", "svg"]

_MOST_NODES = 6
_MOST_LAYERS = 24
_PLAIN = frozenset({"label smoothing ε", "class weights w", "sample weight ω"})
"""Options that change the target alone: the loss is S lse(z) − Σ q z with each of them."""

_STRONGEST = 0.55
"""Opacity of the largest entry: ink on it has a contrast above 6, in the dark too."""


class _Letters(NamedTuple):
    """Letters of the logits, the probabilities and the loss, as the page has them."""

    z: str
    p: str
    L: str


@dataclass(frozen=True, eq=False)
class _Plain:
    """A sample whose loss is S lse(z) − Σ q z: logits, probabilities, mass, gradient, loss."""

    names: tuple[str, ...]
    z: Any
    p: Any
    q: Any
    g: Any
    loss: float
    along: int
    letters: _Letters


def svg(title: str, parts: Sequence[str], width: float, height: float) -> str:
    """A picture with its title."""
    return (
        f'<svg role="img" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f"{''.join(parts)}</svg>"
    )


def pictures(derivation: Steps) -> str:
    """The graph of the computation and the loss along one logit, of a sample that has few classes.

    With a temperature, a cap, a z-loss or another base the graph has other nodes: there is none.
    """
    sample = _plain(derivation)
    if sample is None:
        return ""
    digits = min(derivation.digits, 4)
    drawn = _graph(sample, digits) if len(sample.names) <= _MOST_NODES else ""
    return f"<figure>{drawn}{_curve(sample, digits)}</figure>"


def _plain(derivation: Steps) -> _Plain | None:
    summary = derivation.summary
    if not summary.classes or not _PLAIN.issuperset(summary.options):
        return None
    z = _logits(derivation, len(summary.classes))
    if z is None or not np.isfinite(z).all():
        return None
    p, q, g = (
        np.array([float(v) for v in each])
        for each in (summary.probabilities, summary.targets, summary.gradient)
    )
    along = summary.true_class if summary.true_class is not None else int(np.abs(g).argmax())
    if along < 0 or not q.any():
        return None
    names = tuple(safe(name, 14) for name in summary.classes)
    letters = _Letters(*map(derivation.notation.text, _Letters._fields))
    return _Plain(names, z, p, q, g, float(summary.loss), along, letters)


def _logits(derivation: Steps, K: int) -> Any:
    """The logits of the row that is derived, where there are as many as classes."""
    for chapter, _ in derivation.contents:
        at = chapter.context.numbers
        if at.environment.symbols.keys() >= {"z", "p"}:
            with at.working():
                z = np.array([float(v) for v in at.array("z")])
            return z if z.shape == (K,) else None
    return None


def _graph(sample: _Plain, digits: int) -> str:
    """From the logits to the loss: values in the nodes, gradients below them."""
    K = len(sample.names)
    rows = [46 + 64 * k for k in range(K)]
    middle = (rows[0] + rows[-1]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        by_p = np.where(sample.q != 0, -sample.q / sample.p, 0.0)
    z, p, L = sample.letters
    parts = [_text(70, 16, z), _text(240, 16, p), _text(410, 16, L)]
    for j in rows:
        parts += [f'<line x1="116" y1="{j}" x2="194" y2="{k}" class="edge"/>' for k in rows]
        parts.append(f'<line x1="286" y1="{j}" x2="364" y2="{middle}" class="edge"/>')
    for k, y in enumerate(rows):
        parts += _node(70, y, f"{sample.names[k]}: {as_text(sample.z[k], digits)}",
                       f"∂{L}/∂{z} = {as_text(sample.g[k], digits)}")  # fmt: skip
        parts += _node(240, y, as_text(sample.p[k], digits, rest=True),
                       f"∂{L}/∂{p} = {as_text(by_p[k], digits)}")  # fmt: skip
    parts += _node(410, middle, as_text(sample.loss, digits), f"∂{L}/∂{L} = 1")
    return svg("Computation graph: values above, gradients below", parts, 460, rows[-1] + 46)


def _node(x: float, y: float, value: str, gradient: str) -> Iterator[str]:
    yield f'<rect x="{x - 46}" y="{y - 14}" width="92" height="28" rx="6" class="node"/>'
    yield _text(x, y + 5, value)
    yield _text(x, y + 28, gradient, "gradient")


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "middle") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{named}>{escape(text)}</text>'


def _curve(sample: _Plain, digits: int) -> str:
    """L as a function of one logit, the others held still, and its tangent there."""
    c, steps = sample.along, np.linspace(-4.0, 4.0, 65)
    moved = np.repeat(sample.z[None], len(steps), axis=0)
    moved[:, c] += steps
    top = moved.max(axis=1)
    lse = top + np.log(np.exp(moved - top[:, None]).sum(axis=1))
    loss = sample.q.sum() * lse - moved @ sample.q
    tangent = loss[32] + sample.g[c] * steps
    low = min(float(loss.min()), 0.0)
    high = max(float(loss.max()), low + 1e-9) * 1.05
    left, right, bottom, above = 56.0, 396.0, 190.0, 24.0

    def place(t: float, value: float) -> str:
        x = left + (t + 4) / 8 * (right - left)
        y = bottom - (value - low) / (high - low) * (bottom - above)
        return f"{x:.1f},{y:.1f}"

    inside = [(t, v) for t, v in zip(steps, tangent, strict=True) if low <= v <= high]
    curve = " ".join(place(t, v) for t, v in zip(steps, loss, strict=True))
    line = " ".join(place(t, v) for t, v in (inside[0], inside[-1]))
    x, y = place(0.0, float(loss[32])).split(",")
    z, letters = sample.z[c], sample.letters
    parts = [
        f'<line x1="{left}" y1="{bottom}" x2="{right}" y2="{bottom}" class="axis"/>',
        f'<line x1="{left}" y1="{above}" x2="{left}" y2="{bottom}" class="axis"/>',
        f'<polyline points="{curve}" class="curve"/>',
        f'<polyline points="{line}" class="tangent"/>',
        f'<circle cx="{x}" cy="{y}" r="4" class="point"/>',
        _text(left, bottom + 16, as_text(z - 4, 3)), _text(right, bottom + 16, as_text(z + 4, 3)),
        _text(226, bottom + 16, as_text(z, 3)),
        _text(226, bottom + 34, f"{letters.z} of {sample.names[c]}, the others held still"),
        _text(left - 6, bottom + 4, as_text(low, 3), anchor="end"),
        _text(left - 6, above + 8, as_text(high, 3), anchor="end"), _text(left, 14, letters.L),
        _text(right, above + 8, f"slope {as_text(sample.g[c], digits)}", "gradient", "end"),
    ]  # fmt: skip
    return svg(f"Loss along the logit of {sample.names[c]}, with its tangent", parts, 410, 232)


def heat_map(
    shown: ResultValue, digits: int, names: Sequence[str], z: str = "z", p: str = "p"
) -> str:
    """The Jacobian of p by z as colours: blue below 0, orange above, stronger where larger."""
    n, cell, left, above = shown.shape[0], 52, 84, 44
    top = max(abs(value) for value in shown.entries.values()) or 1
    parts = [_text(left + n * cell / 2, 14, f"by the logit {z} of …"),
             _text(0, 14, f"{p} of …", anchor="start")]  # fmt: skip
    for k in range(n):
        name = safe(names[k] if k < len(names) else str(k), 8)
        parts.append(_text(left + k * cell + cell / 2, above - 8, name))
        parts.append(_text(left - 8, above + k * cell + cell / 2 + 4, name, anchor="end"))
    for (i, j), value in shown.entries.items():
        opacity = _STRONGEST * float(abs(value) / top)
        side = "raised" if value < 0 else "lowered"
        x, y = left + j * cell, above + i * cell
        parts.append(
            f'<rect x="{x + 1}" y="{y + 1}" width="{cell - 2}" height="{cell - 2}" rx="3" '
            f'class="{side}" fill-opacity="{opacity:.3f}" stroke="var(--rule)"><title>row {i}, '
            f"column {j}: {as_text(value, digits)}</title></rect>"
            + _text(x + cell / 2, y + cell / 2 + 4, as_text(value, 2))
        )
    title = "Heat map of the Jacobian: positive on the diagonal, negative off it"
    return svg(title, parts, left + n * cell + 2, above + n * cell + 2)


def network_graph(summary: Overview) -> str:
    """The layers in a column: what each gives on the way down, what comes back on the way up."""
    forward, backward = (_rows(summary.tables, name) for name in ("forwards", "backwards"))
    layers = [row for row in forward if row[0] in {back[0] for back in backward}]
    if not layers or len(layers) > _MOST_LAYERS:
        return ""
    back = {row[0]: row for row in backward}
    parts = [_text(150, 16, "forwards ↓"), _text(410, 16, "‖∂L/∂ …‖ ↑", "gradient")]
    for place, row in enumerate(layers):
        y = 44 + 62 * place
        title = f"{row[0]}  {safe(row[1], 30)}"
        parts += [
            f'<rect x="20" y="{y - 16}" width="260" height="32" rx="6" class="node"/>',
            _text(150, y + 5, title),
            f'<line x1="150" y1="{y + 16}" x2="150" y2="{y + 46}" class="edge"/>',
            _text(160, y + 36, row[3], anchor="start"),
            f'<line x1="330" y1="{y + 46}" x2="330" y2="{y + 16}" class="edge"/>',
            _text(340, y + 36, back[row[0]][2], "gradient", "start"),
        ]
    last = 44 + 62 * len(layers)
    parts += [f'<rect x="20" y="{last - 16}" width="360" height="32" rx="6" class="node"/>',
              _text(200, last + 5, f"the head: L = {as_text(summary.loss, 5)}")]  # fmt: skip
    drawn = svg("The network: values down, norms of gradients up", parts, 480, last + 24)
    return f"<figure>{drawn}</figure>"


def _rows(tables: Sequence[Table], name: str) -> list[tuple[str, ...]]:
    return [row for table in tables if name in table.head for row in table.rows]
