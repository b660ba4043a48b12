"""The pictures of the evaluation: reliability, risk and coverage, capacity, energy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

from bench.evaluation.pooled import Pool, diagrams

Json = dict[str, Any]
SIZE = (5.2, 3.6)
COLOURS = ("#1b5e9e", "#d1662a", "#3d8a4f", "#8b5aa8", "#a33b3b", "#6f6f6f")


def draw(folder: Path, results: Mapping[str, Json]) -> list[tuple[str, str]]:
    """(file, title) of every picture that what was measured allows."""
    made: list[tuple[str, str]] = []
    outcomes = [o for result in results.values() for o in result["outcomes"]]
    if outcomes:
        made.append(_reliability(folder, Pool(outcomes)))
    made += _risk(folder, results.get("new", {}).get("raw", {}))
    curve = results.get("capacity", {}).get("raw", {}).get("curve")
    if curve:
        made.append(_capacity(folder, curve))
    traces = [t for result in results.values() for t in result["dynamics"]["traces"][:20]]
    if traces:
        made.append(_energy(folder, traces))
    table = results.get("refusals", {}).get("raw", {}).get("table")
    if table:
        made.append(_refusals(folder, table))
    return made


def _reliability(folder: Path, pool: Pool) -> tuple[str, str]:
    figure, axes = plt.subplots(figsize=(4.6, 4.4))
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1)
    for (name, made), colour in zip(diagrams(pool).items(), COLOURS, strict=False):
        axes.plot(
            [b[1] for b in made],
            [b[2] for b in made],
            "o-",
            markersize=3,
            linewidth=1.8 if name == "all" else 1,
            color=colour,
            label=name,
        )
    axes.set(
        xlabel="confidence",
        ylabel="share right",
        title=f"Reliability, all tasks (n = {pool.n:,})",
        xlim=(0, 1),
        ylim=(0, 1),
    )
    axes.legend(frameon=False, fontsize=8)
    return _save(folder, figure, "reliability", "Reliability of the confidences, all tasks, by source")


def _risk(folder: Path, raw: Json) -> list[tuple[str, str]]:
    curves = {k: v for k, v in raw.items() if k.startswith("new ") and v["ours"].get("risk")}
    if not curves:
        return []
    figure, panels = plt.subplots(1, len(curves), figsize=(3.6 * len(curves), 3.2), squeeze=False)
    for axes, (name, found) in zip(panels[0], curves.items(), strict=True):
        for (method, m), colour in zip(
            {"Recollect": found["ours"], **found["baselines"]}.items(), COLOURS, strict=False
        ):
            points = m.get("risk") or []
            axes.plot(
                [p[0] for p in points],
                [p[1] for p in points],
                color=colour,
                linewidth=1.8 if method == "Recollect" else 1,
                label=method,
            )
        axes.set(xlabel="coverage", ylabel="share wrong", title=name.removeprefix("new "), xlim=(0, 1), ylim=(0, None))
        axes.title.set_fontsize(9)
    panels[0][0].legend(frameon=False, fontsize=7)
    return [_save(folder, figure, "risk-coverage", "Risk and coverage on new events")]


def _capacity(folder: Path, curve: list[list[float]]) -> tuple[str, str]:
    figure, axes = plt.subplots(figsize=SIZE)
    for removed, colour in zip(sorted({c[1] for c in curve}), COLOURS, strict=False):
        for wrong, style in ((0.0, "o-"), (0.1, "s--")):
            points = sorted(c for c in curve if c[1] == removed and c[2] == wrong)
            label = f"{removed:.0%} removed" + (", 10 % wrong" if wrong else "")
            axes.plot(
                [p[0] for p in points],
                [p[3] for p in points],
                style,
                color=colour,
                markersize=4,
                linewidth=1.3,
                label=label,
            )
            axes.plot([p[0] for p in points], [p[4] for p in points], ":", color="#777777", linewidth=1)
    axes.set(
        xscale="log",
        xlabel="stored episodes",
        ylabel="share of removed fields right",
        title="Capacity (dotted: the oracle)",
        ylim=(0, 1.02),
    )
    axes.legend(frameon=False, fontsize=7)
    return _save(folder, figure, "capacity", "Capacity against the oracle")


def _energy(folder: Path, traces: list[list[float]]) -> tuple[str, str]:
    figure, axes = plt.subplots(figsize=SIZE)
    for trace in traces:
        axes.plot(range(len(trace)), [e - trace[0] for e in trace], color=COLOURS[0], linewidth=0.6, alpha=0.5)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="sweep", ylabel="energy less its start, nats", title=f"The energy never rises ({len(traces)} runs)")
    return _save(folder, figure, "energy", "Energy of the attractor, sweep by sweep")


def _refusals(folder: Path, table: Json) -> tuple[str, str]:
    figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.2))
    for axes, measure in zip(panels, ("confidence", "match"), strict=True):
        answerable = sorted(table["answerable"][measure])
        for kind, colour in zip([k for k in table if k != "answerable"], COLOURS, strict=False):
            x = [i / len(answerable) for i in range(len(answerable))]
            y = [sum(v < t for v in table[kind][measure]) / len(table[kind][measure]) for t in answerable]
            axes.plot(x, y, color=colour, linewidth=1.4, label=kind)
        axes.axvline(0.05, color="#bbbbbb", linewidth=1)
        axes.set(
            xlabel="answerable cues refused", ylabel="refused", title=f"by {measure}", xlim=(0, 0.5), ylim=(0, 1.02)
        )
    panels[0].legend(frameon=False, fontsize=8)
    return _save(folder, figure, "refusals", "Refusals of foreign and recombined cues")


def _save(folder: Path, figure: Any, name: str, title: str) -> tuple[str, str]:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(folder / f"{name}.png", dpi=110, metadata={"Software": None})
    plt.close(figure)
    return f"{name}.png", title
