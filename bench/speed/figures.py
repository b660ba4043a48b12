"""Figures of speed: what was measured, beside what, and what it must be; as JSON, as a table, and compared."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent.parent
NOTABLE = 1.25  # runs differ by less on a shared machine


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `twin` is measured in the same run, `ratio` is value / twin; `must` and `aim` bound
    the value, or the ratio where `of_ratio`; lower is better unless `is_rate`. Where something was timed often,
    `value` and `p99` are this process's processor time, `wall` and `wall_p99` the clock's."""

    row: str
    case: str
    value: float
    unit: str
    size: int = 0
    twin: float | None = None
    twin_is: str = ""
    must: float | None = None
    aim: float | None = None
    of_ratio: bool = False
    is_rate: bool = False
    p99: float | None = None
    wall: float | None = None
    wall_p99: float | None = None

    @property
    def ratio(self) -> float | None:
        """Value in units of the twin."""
        return None if not self.twin else self.value / self.twin

    @property
    def verdict(self) -> str:
        """aim, must, short, or nothing where nothing is demanded."""
        measured = self.ratio if self.of_ratio else self.value
        if measured is None or self.must is None:
            return ""
        for name, bound in (("aim", self.aim), ("must", self.must)):
            if bound is not None and (measured >= bound if self.is_rate else measured <= bound):
                return name
        return "short"


@dataclass(frozen=True, slots=True)
class Timed:
    """p50 and p99 of one thing done often: milliseconds of wall and of this process's processor time."""

    wall_p50: float
    wall_p99: float
    cpu_p50: float
    cpu_p99: float

    @classmethod
    def of(cls, wall_s: Sequence[float], cpu_s: Sequence[float]) -> Timed:
        """From seconds."""
        quantiles = [float(np.quantile(each, q)) * 1e3 for each in (wall_s, cpu_s) for q in (0.5, 0.99)]
        return cls(*quantiles)

    def figure(self, row: str, case: str, size: int, **demanded: Any) -> Figure:
        """One line of the table."""
        return Figure(
            row,
            case,
            self.cpu_p50,
            "ms",
            size,
            p99=self.cpu_p99,
            wall=self.wall_p50,
            wall_p99=self.wall_p99,
            **demanded,
        )


def exponent(values: Iterable[tuple[int, float]]) -> float | None:
    """How cost grows with size over the last decade there is, None where there is none."""
    known = sorted(values)
    if len(known) < 2:
        return None
    (small, before), (large, after) = known[-2:]
    return float(np.log(after / before) / np.log(large / small))


def save(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures with what they were made on."""
    document = {"made": origin(), "figures": [asdict(figure) for figure in figures]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> list[Figure]:
    """Read what `save` wrote."""
    return [Figure(**figure) for figure in json.loads(path.read_text(encoding="utf-8"))["figures"]]


def renewed(before: Sequence[Figure], after: Sequence[Figure]) -> list[Figure]:
    """The figures of a run, in the places that they had in the run before, and what only that one has."""
    new = {(f.row, f.case, f.size, f.twin_is): f for f in after}
    kept = [new.pop((f.row, f.case, f.size, f.twin_is), f) for f in before]
    return kept + list(new.values())


def origin() -> dict[str, str]:
    """Commit, interpreter and processor."""
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    names = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return {
        "commit": found.stdout.strip() or "unknown",
        "python": platform.python_version(),
        "processor": next(names, platform.processor()),
    }


def table(figures: Iterable[Figure]) -> str:
    """The figures as Markdown."""
    rows = [
        "| row | case | episodes | measured | p99 | wall | wall p99 | twin | ratio | must | aim | |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for f in figures:
        bound = "× " if f.of_ratio else ""
        cells = [
            f.row,
            f.case,
            f"{f.size:,}" if f.size else "",
            f"{_number(f.value)} {f.unit}",
            *("" if each is None else _number(each) for each in (f.p99, f.wall, f.wall_p99)),
            "" if f.twin is None else f"{_number(f.twin)} ({f.twin_is})",
            "" if f.ratio is None else _number(f.ratio),
            "" if f.must is None else f"{bound}{_number(f.must)}",
            "" if f.aim is None else f"{bound}{_number(f.aim)}",
            {"short": "**short**"}.get(f.verdict, f.verdict),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def compare(before: Iterable[Figure], after: Iterable[Figure]) -> str:
    """What changed notably between two runs, the largest change first."""
    known = {(f.row, f.case, f.size): f for f in before}
    changes = []
    for f in after:
        old = known.get((f.row, f.case, f.size))
        if old is None or not old.value or not f.value:
            continue
        factor = f.value / old.value
        if max(factor, 1 / factor) >= NOTABLE:
            changes.append((abs(np.log(factor)), f, old, (factor > 1) == f.is_rate))
    lines = [f"{len(known)} figures before; {len(changes)} changed by a factor of {NOTABLE} or more."]
    for _, f, old, is_better in sorted(changes, key=lambda change: -change[0]):
        sign = "better" if is_better else "worse"
        where = f" at {f.size:,}" if f.size else ""
        lines.append(f"  {sign:6} {f.row}, {f.case}{where}: {_number(old.value)} -> {_number(f.value)} {f.unit}")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
