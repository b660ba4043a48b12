"""One measurement under way: its data, its sample, and what it has found so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bench.datasets import Dataset
from bench.evaluation.laboratory import Laboratory, Reply

Json = dict[str, Any]
T = TypeVar("T")
SEED = 20240601


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; `row` names its row of the requirements, n what it was measured on."""

    row: str
    data: str
    what: str
    reached: float
    n: int
    baseline: float | None = None
    ceiling: float | None = None


@dataclass(slots=True)
class Trial:
    """What a protocol works with and reports to. `short`: the "row set" that fall short so far; None: unknown.

    `tables` is a folder of lots of ordinary tables; None where the caller has none.
    """

    laboratory: Laboratory
    folder: Path
    is_fast: bool
    report: Callable[[str], None]
    figures: list[Figure] = field(default_factory=list)
    outcomes: list[list[Any]] = field(default_factory=list)
    raw: Json = field(default_factory=dict)
    short: frozenset[str] | None = None
    tables: Path | None = None

    def data(self, name: str) -> Dataset:
        """A data set of the evaluation folder."""
        return Dataset(self.folder / name)

    def sample(self, items: Sequence[T], full: int | None, fast: int, *, salt: int = 0) -> list[T]:
        """All of the items, or a seeded sample of this size in their own order."""
        size = fast if self.is_fast else full
        if size is None or size >= len(items):
            return list(items)
        chosen = np.random.default_rng(SEED + salt).choice(len(items), size, replace=False)
        return [items[i] for i in sorted(chosen.tolist())]

    def figure(
        self,
        row: str,
        data: str,
        what: str,
        reached: float,
        n: int,
        *,
        baseline: float | None = None,
        ceiling: float | None = None,
    ) -> None:
        """Report one number."""
        self.figures.append(Figure(row, data, what, float(reached), n, baseline, ceiling))

    def table(self, title: str, told: str, columns: Sequence[str], lines: Sequence[Sequence[str | float]]) -> None:
        """Report a table for the page; the first cell of a line names it."""
        self.raw.setdefault("tables", []).append(
            {"title": title, "told": told, "columns": list(columns), "lines": [list(line) for line in lines]}
        )

    def judge(self, task: str, reply: Reply, target: str, expected: Any, *, within: int = 3) -> bool:
        """Note the outcome of one completed field and say whether it is right."""
        ranked = reply.ranked(target)
        assert reply.completion is not None
        attribution = reply.completion.attribution.get(target)
        if not ranked or attribution is None:
            return False
        rights = [reply.is_right(target, value, expected) for value, _ in ranked[: within + 1]]
        self.outcomes.append(
            [
                task,
                target,
                str(attribution.source.value),
                round(attribution.confidence, 6),
                int(rights[0]),
                round(reply.completion.metacognitive_confidence or 0.0, 6),
                int(any(rights)),
                round(reply.match, 6),
            ]
        )
        return rights[0]
