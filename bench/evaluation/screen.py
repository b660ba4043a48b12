"""docs/benchmarks.md: docs/evaluation.md on one screen, a line for each thing that is measured, its losses named.

`python -m bench.evaluation.screen` writes it anew; `make evaluate` does so, too. Nothing is measured here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bench.report import DOCS

LOSSES_NAMED = 3
_BAR = re.compile(r"(?<!\\)\|")  # between cells, and not within one
HEAD = ("| what | reached | best other | rows | behind the best other | of what must be reached, missed |",
        "|---|--:|--:|--:|--:|---|")  # fmt: skip
PREFACE = """# Benchmarks on one screen

Made by `python -m bench.evaluation.screen` from [how good it is](evaluation.md), which has every row and how it is
measured. *Reached* and *best other* are those of the first row of its kind; the best other is the best of the other
methods, or a published one. *Behind* counts the rows in which it is better than Recollect. Missed goals are named with
what was reached and what must be. [Speed](performance.md) has the times.
"""


class Row(NamedTuple):
    """A line of a table of docs/evaluation.md."""

    what: str
    data: str
    measured: str
    n: str
    must: str
    aim: str
    reached: str
    baseline: str
    ceiling: str
    verdict: str

    @property
    def is_behind(self) -> bool:
        """Whether the best other method is better, where it is said which way is better."""
        bound = self.must or self.aim
        if not (bound and self.baseline):
            return False
        reached, other = _number(self.reached), _number(self.baseline)
        return reached > other if bound.startswith("<=") else reached < other

    @property
    def loss(self) -> str:
        """How a missed goal is named; "" where none is."""
        if "falls short" not in self.verdict:
            return ""
        name = self.what.removeprefix("... ")
        return f"{name}, {self.data}: {self.reached.strip('*')} of {self.must}"


def groups(page: str) -> Mapping[str, Sequence[Row]]:
    """The rows of the page by what they measure: rows that begin with dots belong to the one above."""
    found: dict[str, list[Row]] = {}
    name = ""
    for row in _rows(page):
        if not row.what.startswith("... "):
            name = row.what
        found.setdefault(name, []).append(row)
    return found


def _rows(page: str) -> Iterator[Row]:
    is_told = False
    for line in page.splitlines():
        cells = [cell.strip() for cell in _BAR.split(line.strip("|"))]
        if not line.startswith("|"):
            is_told = False
        elif tuple(cells) == Row._fields:
            is_told = True
        elif is_told and not line.startswith("|--"):
            yield Row(*cells)


def _number(text: str) -> float:
    return float(text.strip("*").replace(",", ""))


def screen(page: str) -> str:
    """The page's groups, a line each."""
    found = groups(page)
    lines = [PREFACE, *HEAD]
    for name, rows in found.items():
        first = rows[0]
        losses = list(dict.fromkeys(row.loss for row in rows if row.loss))
        named = "; ".join(losses[:LOSSES_NAMED]) + (
            f"; {len(losses) - LOSSES_NAMED} more" * (len(losses) > LOSSES_NAMED)
        )
        behind = sum(row.is_behind for row in rows)
        missed = f"{len([row for row in rows if row.loss])}: {named}" if losses else ""
        lines.append(
            f"| {name} | {first.reached.strip('*')} | {first.baseline} | {len(rows)} | {behind or ''} | {missed} |"
        )
    every = [row for rows in found.values() for row in rows]
    lines += [
        "",
        f"Of {len(every)} rows {sum('holds' in row.verdict for row in every)} hold what they must, "
        f"{sum('aim' in row.verdict for row in every)} reach what they aim at, too, "
        f"{sum(bool(row.loss) for row in every)} fall short, "
        f"and in {sum(row.is_behind for row in every)} another method is better.",
    ]
    return "\n".join(lines) + "\n"


def write() -> None:
    """Write the screen from the page as it is."""
    page = (DOCS / "evaluation.md").read_text("utf-8")
    (DOCS / "benchmarks.md").write_text(screen(page), encoding="utf-8")


if __name__ == "__main__":
    write()
