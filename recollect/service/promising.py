"""What a table's known cells, asked as if they were blank, tell of its blanks: how far confidences can be believed, and
which confidence a wanted share of right ones needs.

Each column has a threshold of its own: what is sure of one is not of another, and a column of which half is wrong is no
better for another of which all is right. Some known cells of every column are asked as if they were blank, then more
of those that may reach the accuracy. Columns too short to show anything alone are judged together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

import engine
from recollect.model import FillRequest, HeldOut, HeldOutColumn

MOST_HELD_OUT = 8000  # cells of all columns
FIRST_HELD_OUT = 200  # of one; fewer where the columns are many
_SUREST, _NEAR = 20, 0.1  # a column is looked at further if so many of a first look come so near the accuracy
_SEED = 20240601

Blanks = Sequence[tuple[int, tuple[str, ...]]]
HeldOutCells = list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Judged:
    """One known cell asked as if it were blank: the confidence of the answer, and whether it was right."""

    field: str
    confidence: float
    is_right: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """How sure an answer must be to be filled in: `least`, or by field, where None or no entry means never."""

    least: float = 0.0
    by_field: Mapping[str, float | None] | None = None

    def passes(self, field: str, confidence: float) -> bool:
        """Whether an answer with that confidence is filled in."""
        if self.by_field is None:
            return confidence >= self.least
        own = self.by_field.get(field)
        return own is not None and confidence >= own


Beliefs = Mapping[str, engine.Platt]


def beliefs(judged: Sequence[Judged]) -> Beliefs:
    """How far the confidences of each column can be believed; a column without judged cells is left as it is."""
    return {name: engine.platt(*_arrays(of)) for name, of in _by_field(judged).items()}


def as_believed(judged: Judged, believed: Beliefs) -> Judged:
    """The cell with the confidence that can be believed."""
    return replace(judged, confidence=believed[judged.field](judged.confidence))


def first_cells(request: FillRequest, blanks: Blanks) -> HeldOutCells:
    """Some known cells of each column with blanks, of all as many."""
    known = _known(request, blanks)
    each = max(1, min(FIRST_HELD_OUT, MOST_HELD_OUT // max(1, len(known))))
    return [(place, name) for name, places in known.items() for place in sorted(places[:each])]


def more_cells(request: FillRequest, blanks: Blanks, judged: Sequence[Judged], accuracy: float) -> HeldOutCells:
    """Further known cells of the columns of which the first ones, as judged, leave hope for the accuracy."""
    asked = Counter(name for _, name in first_cells(request, blanks))
    hopeful = {name for name, of in _by_field(judged).items() if _is_hopeful(of, accuracy)}
    left = {name: places[asked[name] :] for name, places in _known(request, blanks).items() if name in hopeful}
    budget, chosen = MOST_HELD_OUT - asked.total(), list[tuple[int, str]]()
    for number, (name, places) in enumerate(sorted(left.items(), key=lambda each: len(each[1]))):
        share = max(0, budget // (len(left) - number))  # what a short column leaves is the others'
        chosen += [(place, name) for place in sorted(places[:share])]
        budget -= min(share, len(places))
    return chosen


def _is_hopeful(judged: Sequence[Judged], accuracy: float) -> bool:
    """Whether the surest answers come near the accuracy."""
    surest = sorted(judged, key=lambda each: -each.confidence)[:_SUREST]
    return sum(each.is_right for each in surest) >= (accuracy - _NEAR) * len(surest)


def _known(request: FillRequest, blanks: Blanks) -> dict[str, list[int]]:
    """Where the columns with blanks have values, each in an order of its own by lot."""
    rows = [(place, row) for place, row in enumerate(request.rows) if len(row) > 1]
    rng = np.random.default_rng(_SEED)
    return {
        name: rng.permutation(np.array([place for place, row in rows if name in row], dtype=np.intp)).tolist()
        for name in _missing(blanks)
    }


def _missing(blanks: Blanks) -> Counter[str]:
    """How many cells of each column are blank."""
    return Counter(name for _, names in blanks for name in names)


def pick(judged: Sequence[Judged], accuracy: float, blanks: Blanks) -> tuple[Bar, HeldOut]:
    """The thresholds of which known cells show an accuracy, and what to expect of them for the blanks."""
    missing, by_field = _missing(blanks), _by_field(judged)
    columns = {name: _shown(by_field.get(name, []), accuracy, name) for name in missing}
    columns |= _shown_together(
        {name: by_field.get(name, []) for name in missing if columns[name].threshold is None}, accuracy
    )
    filled = {name: missing[name] * each.share_filled for name, each in columns.items()}
    right = sum(filled[name] * each.accuracy for name, each in columns.items() if each.accuracy is not None)
    total = sum(filled.values())
    found = HeldOut(
        len(judged), total / max(1, missing.total()), right / total if total else None, tuple(columns.values())
    )
    bars = {name: each.threshold for name, each in columns.items()}
    return Bar(min((bar for bar in bars.values() if bar is not None), default=1.0), bars), found


def _by_field(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    ordered = sorted(judged, key=lambda each: each.field)
    return {name: list(of) for name, of in groupby(ordered, key=lambda each: each.field)}


def _shown(judged: Sequence[Judged], accuracy: float, name: str = "") -> HeldOutColumn:
    """The least threshold of which a column's cells show the accuracy."""
    found = engine.promise(*_arrays(judged), accuracy)
    if found.accuracy is None:
        return HeldOutColumn(name, found.n, None, 0.0, None)
    return HeldOutColumn(name, found.n, found.threshold, found.share, found.accuracy)


def _arrays(judged: Sequence[Judged]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The confidences, and which answers were right."""
    return np.array([each.confidence for each in judged]), np.array([each.is_right for each in judged], dtype=bool)


def _shown_together(short: Mapping[str, Sequence[Judged]], accuracy: float) -> dict[str, HeldOutColumn]:
    """The same of columns that show it together and of which none speaks against it."""
    short = {name: of for name, of in short.items() if 0 < len(of) < FIRST_HELD_OUT}
    common = _shown([each for of in short.values() for each in of], accuracy)
    if common.threshold is None:
        return {}
    found = {}
    for name, of in short.items():
        kept = [each.is_right for each in of if each.confidence >= common.threshold]
        if kept and sum(kept) >= accuracy * len(kept):
            found[name] = HeldOutColumn(name, len(of), common.threshold, len(kept) / len(of), sum(kept) / len(kept))
    return found
