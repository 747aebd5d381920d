"""The fit benchmark's table and figure, from what was measured."""

from __future__ import annotations

import math
from statistics import geometric_mean, median
from typing import Any

from benchmarks.harness import DOCS, paste
from benchmarks.problems import PROBLEMS

__all__ = ["GAPS", "best_peer", "in_words", "show"]

GAPS = (1e-4, 1e-6, 1e-8)
SCIKIT_LEARN = ("lbfgs", "newton-cg", "newton-cholesky", "saga")
_FIGURE = DOCS / "benchmarks" / "fit.svg"

Times = dict[str, float | None]


def _runs(at: dict[str, Any], peer: str) -> dict[str, Any]:
    """A peer's runs by type, those that were done."""
    found = at["peers"].get(peer, {})
    return {} if "skipped" in found else found


def _traces(at: dict[str, Any]) -> list[Any]:
    """All fits of ours: those that were measured again, or those beside the peers."""
    return at.get("ours") or [
        trace for peer in at["peers"] for run in _runs(at, peer).values() for trace in run["ours"]
    ]


def _reference(at: dict[str, Any]) -> float:
    """The best objective found by anyone."""
    values = [
        value
        for peer in at["peers"]
        for run in _runs(at, peer).values()
        for trace in (run["trace"], *run["ours"])
        for _, value in trace
    ]
    values += [value for trace in at.get("ours", []) for _, value in trace]
    return float(min([at["reference"]["objective"], *values]))


def _time_to(trace: list[Any], target: float) -> float | None:
    return next((seconds for seconds, value in trace if value <= target), None)


def _ours(at: dict[str, Any], gap: float) -> float | None:
    """Median over all our fits."""
    target = _reference(at) * (1 + gap)
    found = [_time_to(trace, target) for trace in _traces(at)]
    return median(t for t in found if t is not None) if found and None not in found else None


def _peer(at: dict[str, Any], peer: str, gap: float) -> float | None:
    """With whichever type was quicker."""
    target = _reference(at) * (1 + gap)
    found = [_time_to(run["trace"], target) for run in _runs(at, peer).values()]
    return min((t for t in found if t is not None), default=None)


def _limit(at: dict[str, Any]) -> float:
    limits = [run["limit"] for peer in at["peers"] for run in _runs(at, peer).values()]
    return float(max(limits, default=math.nan))


def best_peer(at: dict[str, Any], gap: float = 1e-6) -> str | None:
    """scikit-learn's quickest solver; the one that came nearest where none arrived."""
    times = {peer: _peer(at, peer, gap) for peer in SCIKIT_LEARN if _runs(at, peer)}
    arrived = {peer: t for peer, t in times.items() if t is not None}
    if arrived:
        return min(arrived, key=lambda peer: arrived[peer])
    least = {
        peer: min(value for run in _runs(at, peer).values() for _, value in run["trace"])
        for peer in times
    }
    return min(least, key=lambda peer: least[peer], default=None)


def speed_up(at: dict[str, Any], gap: float) -> tuple[float, bool] | None:
    """The best scikit-learn solver's time over ours, and whether it is only a lower bound.

    Where no solver arrived, all that is known is that the limit was not enough.
    """
    mine = _ours(at, gap)
    times = [_peer(at, peer, gap) for peer in SCIKIT_LEARN if _runs(at, peer)]
    if mine is None or not times:
        return None
    arrived = [t for t in times if t is not None]
    if arrived:
        return min(arrived) / mine, False
    stopped = [
        run["limit"]
        for peer in SCIKIT_LEARN
        for run in _runs(at, peer).values()
        if _was_stopped(run)
    ]
    return (min(stopped) / mine, True) if stopped else None


def in_words(at: dict[str, Any], peer: str, dtype: str) -> str:
    """One run, for the terminal."""
    run, target = at["peers"][peer][dtype], _reference(at)
    times = [_time_to(run["trace"], target * (1 + gap)) for gap in GAPS]
    own = [
        median([t for trace in run["ours"] if (t := _time_to(trace, target * (1 + gap)))] or [0.0])
        for gap in GAPS
    ]
    limit = run["limit"] if _was_stopped(run) else None
    return f"{_cells(times, limit)} s, ours {_cells(own, None)} s"


def _was_stopped(run: dict[str, Any]) -> bool:
    """Whether a run met its limit; otherwise it ended by itself."""
    return bool(run["trace"][-1][0] > 0.6 * run["limit"])


def _cells(times: Any, limit: float | None) -> str:
    missed = "–" if limit is None else f"> {limit:.3g}"
    return " / ".join(missed if t is None else f"{t:.2f}" for t in times)


def table(store: dict[str, Any]) -> str:
    """Markdown: seconds to each gap."""
    gaps = " / ".join(f"{gap:.0e}".replace("e-0", "e-") for gap in GAPS)
    peers = dict.fromkeys(p for at in store["problems"].values() for p in at["peers"])
    lines = [
        f"Seconds to a relative gap of {gaps}; “> …” was stopped there, “–” ended "
        "by itself before.",
        "",
        f"| problem (N, D, K) | ours | best of scikit-learn | ratio | {' | '.join(peers)} |",
        f"| --- | {'--- | ' * (3 + len(peers))}",
    ]
    for name, at in store["problems"].items():
        if not _traces(at):
            continue
        shape = ", ".join(f"{n:,}" for n in at["shape"])
        ratios = [speed_up(at, gap) for gap in GAPS]
        cells = [
            f"{name} ({shape})",
            _cells([_ours(at, gap) for gap in GAPS], None),
            best_peer(at) or "–",
            " / ".join("–" if r is None else f"{'> ' * r[1]}{r[0]:.1f}" for r in ratios),
            *(_peer_cell(at, peer) for peer in peers),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _peer_cell(at: dict[str, Any], peer: str) -> str:
    if not _runs(at, peer):
        return str(at["peers"].get(peer, {}).get("skipped", "not measured"))
    limit = _limit(at) if any(_was_stopped(run) for run in _runs(at, peer).values()) else None
    return _cells([_peer(at, peer, gap) for gap in GAPS], limit)


def remarks(store: dict[str, Any]) -> list[str]:
    """The geometric mean, memory and compilation."""
    measured = {name: at for name, at in store["problems"].items() if _traces(at)}
    found = {name: speed_up(at, 1e-6) for name, at in measured.items()}
    ratios = {name: r for name, r in found.items() if r is not None}
    lines = []
    if ratios:
        bounds = [name for name, (_, bound) in ratios.items() if bound]
        mean = geometric_mean([r for r, _ in ratios.values()])
        least = min(ratios, key=lambda name: ratios[name][0])
        lines.append(
            f"Against the best scikit-learn solver of each problem, to 1e-6: {mean:.1f} × as fast "
            f"(geometric mean of {len(ratios)} problems"
            + (f"; lower bounds for {', '.join(bounds)}" if bounds else "")
            + f"), least {ratios[least][0]:.1f} × on {least}."
        )
    missed = [name for name, r in found.items() if r is None]
    if missed:
        lines.append(f"Not in that mean, because ours or no peer arrived: {', '.join(missed)}.")
    again = [name for name, at in store["problems"].items() if at.get("ours")]
    if again:
        lines.append(f"Ours were measured again, later than the peers, on {', '.join(again)}.")
    lines += store.get("notes", [])
    empty = [name for name in PROBLEMS if name not in measured]
    if empty:
        lines.append(f"Not measured yet: {', '.join(empty)}.")
    peaks = [
        f"{name} " + " / ".join(f"{mb:.0f} ({who})" for who, mb in at["peak_mb"].items())
        for name, at in store["problems"].items()
        if at["peak_mb"]
    ]
    if peaks:
        lines.append(
            "Peak memory of a fit beyond the loaded problem, MB, float32, each in a process of "
            f"its own: {'; '.join(peaks)}."
        )
    if store.get("compile"):
        parts = ", ".join(f"{seconds:.0f} s {kind}" for kind, seconds in store["compile"].items())
        lines.append(f"Compilation, once on a machine and not in these times: {parts}.")
    return lines


def figure(store: dict[str, Any]) -> None:
    """Relative gap against seconds, a panel a problem; nothing without Matplotlib."""
    try:
        import matplotlib as mpl
    except ImportError:
        print("matplotlib: not installed, no figure")
        return

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "fit", "font.size": 8, "svg.fonttype": "none"}
    from matplotlib import pyplot as plt

    problems = {n: at for n, at in store["problems"].items() if _traces(at)}
    across = min(3, len(problems))
    down = -(-len(problems) // across)
    page, axes = plt.subplots(
        down, across, figsize=(3.1 * across, 2.4 * down), squeeze=False, layout="constrained"
    )
    colours = {peer: f"C{1 + i}" for i, peer in enumerate((*SCIKIT_LEARN, "sklearnex lbfgs"))}
    colours["cyanure"] = "C7"
    for axis in axes.flat[len(problems) :]:
        axis.set_axis_off()
    for axis, (name, at) in zip(axes.flat, problems.items(), strict=False):
        best = _reference(at)
        for peer, colour in colours.items():
            for dtype, run in _runs(at, peer).items():
                style = "-" if dtype == "float32" else "--"
                _line(axis, run["trace"], best, color=colour, lw=1, ls=style, label=peer)
        own = min(_traces(at), key=lambda trace: trace[-1][0])
        _line(axis, own, best, color="black", lw=2, label="pminusy")
        axis.set(title=name, xscale="log", yscale="log", ylim=(1e-9, 10))
        axis.grid(visible=True, alpha=0.25)
    for axis in axes[:, 0]:
        axis.set_ylabel("relative gap")
    for axis in axes[-1]:
        axis.set_xlabel("seconds")
    labels = {
        label: handle
        for axis in axes.flat
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    page.legend(labels.values(), labels.keys(), loc="outside lower center", ncols=4, frameon=False)
    page.savefig(_FIGURE, metadata={"Date": None})
    plt.close(page)


def _line(axis: Any, trace: list[Any], best: float, **style: Any) -> None:
    """The least gap so far."""
    seconds, gaps, least = [], [], math.inf
    for at, value in trace:
        least = min(least, max((value - best) / abs(best), 1e-10))
        seconds.append(max(at, 1e-3))
        gaps.append(least)
    axis.plot(seconds, gaps, **style)


def show(store: dict[str, Any]) -> None:
    """Print, draw and paste."""
    if not any(_traces(at) for at in store["problems"].values()):
        return
    text = "\n".join(
        [
            "### Softmax regression: time to the same objective",
            "",
            table(store),
            "",
            *[part for line in remarks(store) for part in (line, "")],
            "![relative gap against seconds](benchmarks/fit.svg)",
            "",
            "Dashed: float64. Each peer with the number of BLAS threads it is quickest with.",
        ]
    )
    print(text)
    figure(store)
    paste(DOCS / "benchmarks.md", "fit", text)
