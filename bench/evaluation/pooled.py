"""What all tasks together show: calibration, sources, metacognition, alternatives, dynamics."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.evaluation.measures import auroc, bins, ece, ece_floor
from bench.evaluation.trial import SEED, Figure

Json = dict[str, Any]
Column = npt.NDArray[Any]
MOST_PER_TASK = 1000
LEAST_PER_GROUP = 200
LEAST_PER_FIELD, WORST_FIELDS = 500, 5  # of fewer answers sampling alone makes an ECE of .05 to .07
SOURCES = ("recalled", "reconstructed", "consolidated", "imagined")


class Pool:
    """The outcomes of all tasks, no task with more than `most` of them (a seeded sample)."""

    def __init__(self, outcomes: Sequence[Sequence[Any]], most: int = MOST_PER_TASK) -> None:
        rng = np.random.default_rng(SEED)
        by_task: dict[str, list[Sequence[Any]]] = {}
        for outcome in outcomes:
            by_task.setdefault(_kind(outcome[0]), []).append(outcome)
        kept: list[Sequence[Any]] = []
        for task in sorted(by_task):
            rows = by_task[task]
            if len(rows) > most:
                rows = [rows[i] for i in sorted(rng.choice(len(rows), most, replace=False))]
            kept += rows
        columns = list(zip(*kept, strict=True))
        self.task = np.array([_kind(task) for task in columns[0]])
        self.field = np.array([f"{t.split(' ')[0]} {f}" for t, f in zip(*columns[:2], strict=True)])
        self.source = np.array(columns[2])
        self.confidence, self.right, self.meta, self.within, self.match = (
            np.array(c, dtype=float) for c in columns[3:8]
        )
        self.n = len(kept)

    def groups(self, key: Column, least: int = LEAST_PER_GROUP, below: float = math.inf) -> dict[str, Column]:
        """bool masks of the groups with at least `least` outcomes and fewer than `below`."""
        return {str(name): key == name for name in np.unique(key) if least <= (key == name).sum() < below}


def _kind(task: str) -> str:
    """The sets with removed fields count as one task, or their many easy answers would outweigh the rest."""
    return task.partition(" ")[2] if " removed" in task else task


def figures(pool: Pool, whole: Pool) -> list[Figure]:
    """Every pooled row; fields are judged by the `whole` of their answers, few of which are left in the pool."""
    found: list[Figure] = []

    def add(row: str, data: str, what: str, reached: float, n: int, **beside: float | None) -> None:
        found.append(Figure(row, data, what, float(reached), int(n), **beside))

    _calibration(pool, whole, add)
    _attribution(pool, add)
    _metacognition(pool, add)
    add("within", "all", "truth within winner + 3", pool.within.mean(), pool.n, baseline=float(pool.right.mean()))
    for task, mask in pool.groups(pool.task).items():
        within, right = float(pool.within[mask].mean()), float(pool.right[mask].mean())
        add("within_task", task, "truth within winner + 3", within, mask.sum(), baseline=right)
    return found


def _calibration(pool: Pool, whole: Pool, add: Callable[..., None]) -> None:
    c, r = pool.confidence, pool.right
    add("calibration", "all", "ECE (15 equal-mass bins)", ece(c, r), pool.n, ceiling=ece_floor(c))
    by_field = whole.groups(whole.field, LEAST_PER_FIELD)
    of_few = whole.groups(whole.field, LEAST_PER_GROUP, LEAST_PER_FIELD)
    for row, what, of, groups in (
        ("calibration_field", "field", whole, by_field),
        ("calibration_field_few", "field, few answers", whole, of_few),
        ("calibration_source", "source", pool, pool.groups(pool.source)),
        ("calibration_task", "task", pool, pool.groups(pool.task)),
    ):
        c, r = of.confidence, of.right
        errors = {name: (ece(c[m], r[m]), int(m.sum()), ece_floor(c[m])) for name, m in groups.items()}
        order = sorted(errors, key=lambda name: -errors[name][0])
        for name in order[:WORST_FIELDS] if what.startswith("field") else order:
            error, n, floor = errors[name]
            add(row, name, f"ECE of the {what}", error, n, ceiling=floor)


def _attribution(pool: Pool, add: Callable[..., None]) -> None:
    share: dict[str, float] = {}
    for source in SOURCES:
        mask = pool.source == source
        if mask.sum() >= 20:
            share[source] = float(pool.right[mask].mean())
            row = "attribution" if source == "recalled" else "attribution_label"
            add(row, "all", f"right when {source}", share[source], mask.sum())
    values = [share[s] for s in SOURCES if s in share]
    ordered = all(a > b for a, b in pairwise(values)) and len(values) == len(SOURCES)
    add("attribution_order", "all", "recalled > reconstructed > consolidated > imagined", float(ordered), pool.n)


def _metacognition(pool: Pool, add: Callable[..., None]) -> None:
    right = pool.right > 0.5
    add(
        "metacognition",
        "all",
        "AUROC of confidence for being right",
        auroc(pool.confidence[right], pool.confidence[~right]),
        pool.n,
    )
    order = np.argsort(pool.meta, kind="stable")
    bottom, _, top = np.array_split(order, 3)
    low, high = (ece(pool.confidence[part], pool.right[part]) for part in (bottom, top))
    add(
        "metacognition_thirds",
        "all",
        f"ECE {high:.3f} of the top third by metacognition over {low:.3f} of the bottom",
        high / low,
        pool.n,
    )


def dynamics_figures(dynamics: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """The attractor over every completion of every protocol."""
    runs = sum(int(d["runs"]) for d in dynamics)
    if not runs:
        return []
    total = {
        key: sum(float(d[key]) for d in dynamics)
        for key in ("rises", "within_theta", "miscounted", "failures", "sweeps")
    }
    what = f"over {runs:,} runs"
    return [
        Figure("energy_rises", "all", f"energy increases {what}", total["rises"], runs),
        Figure("within_theta", "all", f"converged within 7 sweeps {what}", total["within_theta"] / runs, runs),
        Figure("sweeps", "all", "mean sweeps", total["sweeps"] / runs, runs),
        Figure("miscounted", "all", "reported count is not the number of energies", total["miscounted"], runs),
    ]


def diagrams(pool: Pool) -> dict[str, list[tuple[int, float, float]]]:
    """The bins of the reliability diagrams: overall and per source."""
    made = {"all": bins(pool.confidence, pool.right)}
    for source in SOURCES:
        mask = pool.source == source
        if mask.sum() >= 50:
            made[source] = bins(pool.confidence[mask], pool.right[mask], 10)
    return made
