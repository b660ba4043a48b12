"""The noisy channel of an audit: the rates of errors, and every cell's chance of being one, found in turn.

The formulas stand in `engine.consolidation.audit`. All rates are found by expectation maximisation over the cells,
drawn to their priors. A value whose other cells are mostly wrong is trusted as much less; an error met before is
likelier than one made up anew; a text that says that nothing is known is likelier met in one field if it is in others.

Sources: Shannon 1948 and Brill & Moore 2000 (noisy channel); Dempster, Laird & Rubin 1977 (EM); Dawid & Skene
1979 (rates of sources without labels).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.consolidation.spelling import CASES, Spelling, form_of
from engine.memory.arrays import Floats
from engine.priors import (
    AUDIT_ERROR_KINDS,
    AUDIT_FIRST_RATE,
    AUDIT_KIND_ERRORS,
    AUDIT_RATE_CELLS,
    AUDIT_READING,
    AUDIT_READING_CELLS,
    AUDIT_ROUNDS,
    AUDIT_SETTLED,
    AUDIT_SOURCE_CELLS,
    EDITS_OF_ERRORS,
    ERRORS_MADE_UP,
    KINDS_OF_EDIT,
    LETTER_PSEUDOCOUNT,
    MARKER_ERRORS,
    MARKER_RIGHT,
)

KINDS = ("typo", "elsewhere", "other", "case", "unit", "missing", "garbled")
TYPO, ELSEWHERE, OTHER, CASE, UNIT, MISSING_MARK, GARBLED = range(len(KINDS))


@dataclass(slots=True)
class Choice:
    """What a cell may stand for: a value of the field (`code`), or its own value changed (`change`).

    `p` is P(y) of the one, the chance of the other as a new value; `edits` made the cell of it, with these `letters`.
    """

    code: int
    p: float
    edits: int = 0
    length: int = 0
    letters: str = ""
    is_recased: bool = False
    change: str = ""
    known: float = 0.0  # P(y) of the changed value, where the field has it


@dataclass(slots=True)
class Cell:
    """One cell: its code, P(x), how many others have its value, q(x) but for its oddness, and what it may stand for."""

    row: int
    name: str
    code: int
    p: float
    count: int
    new: float
    flat: float  # q'(x), whatever its form and wherever it lies
    elsewhere: float
    choices: list[Choice]
    doubt: float  # how far the field is open to exceptions here
    marker: str | None = None  # as which the value says that nothing is known
    source: str | None = None
    oddness: float = 1.0
    is_odd: bool = False  # whether no value that is right has its form
    wrong: float = 0.0
    best: Choice | None = None
    best_share: float = 0.0
    kind: int = OTHER
    met: float = 0.0  # how far this cell counts as a typing error of its best choice
    kinds: Floats = field(default_factory=lambda: np.zeros(len(KINDS)))  # how far it counts as an error of each kind


class Channel:
    """The rates of errors, and every cell's chance of being one."""

    def __init__(self, cells: Sequence[Cell], spellings: Mapping[str, Spelling], size: int) -> None:
        self._cells, self._spellings = cells, spellings
        self._others = max(1, size - 1)
        names = list(dict.fromkeys(cell.name for cell in cells))
        self.rate = dict.fromkeys(names, AUDIT_FIRST_RATE)
        self._rate_of_all = AUDIT_FIRST_RATE
        self._reading = dict.fromkeys(names, AUDIT_READING)
        self._kinds = np.array(AUDIT_ERROR_KINDS)
        self._source_odds: dict[str | None, float] = defaultdict(lambda: 1.0)
        letters = {each for cell in cells for choice in cell.choices for each in choice.letters}
        self._letters = {each: 1.0 / (len(letters) + 1) for each in letters}
        self._again = 1.0 - 1.0 / EDITS_OF_ERRORS
        self._markers = dict.fromkeys((cell.marker for cell in cells if cell.marker), 1.0 / MARKER_ERRORS)
        self._of_value: dict[tuple[str, int], tuple[float, int]] = {}
        self._met: dict[tuple[str, int, int], float] = defaultdict(float)
        self._met_of: dict[tuple[str, int], float] = defaultdict(float)

    def settle(self) -> None:
        """Judge the cells and learn from that, until it changes little."""
        for _ in range(AUDIT_ROUNDS):
            before = np.array([cell.wrong for cell in self._cells])
            self._tally()
            readings = [self._judge(cell) for cell in self._cells]
            self._learn(readings)
            if not len(before) or np.abs(before - [cell.wrong for cell in self._cells]).max() < AUDIT_SETTLED:
                return

    def sources(self) -> dict[str, tuple[int, float]]:
        """Per source, how many of its cells were asked and the share of them that is wrong."""
        found: dict[str, list[float]] = defaultdict(list)
        for cell in self._cells:
            if cell.source is not None:
                found[cell.source].append(cell.wrong)
        return {name: (len(chances), float(np.mean(chances))) for name, chances in found.items()}

    def _tally(self) -> None:
        """Count by value how far its cells are wrong, and which errors were met."""
        totals: dict[tuple[str, int], list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._met.clear()
        self._met_of.clear()
        for cell in self._cells:
            total = totals[cell.name, cell.code]
            total[0] += cell.wrong
            total[1] += 1
            if cell.best is not None and cell.met:
                self._met[cell.name, cell.best.code, cell.code] += cell.met
                self._met_of[cell.name, cell.best.code] += cell.met
        self._of_value = {key: (wrong, int(count)) for key, (wrong, count) in totals.items()}
        for name, spelling in self._spellings.items():
            right = spelling.column.counts.astype(np.float64)
            for code in range(len(right)):
                right[code] -= self._of_value.get((name, code), (0.0, 0))[0]
            spelling.reweigh(right)
        odd = {key: self._oddness(*key) for key in self._of_value}
        for cell in self._cells:
            cell.oddness, cell.is_odd = odd[cell.name, cell.code]

    def _oddness(self, name: str, code: int) -> tuple[float, bool]:
        spelling = self._spellings[name]
        value = spelling.column.values[code]
        return spelling.oddness(value, code), not spelling.has_form(form_of(value), code)

    def _judge(self, cell: Cell) -> tuple[float, float, float]:
        """Set what is known of one cell; the shares a, b, c of its being right."""
        wrong, count = self._of_value[cell.name, cell.code]
        trust = 1.0 - (wrong - cell.wrong) / (count - 1) if count > 1 else 1.0
        a, b, c = self._reading[cell.name]
        new = cell.new * cell.oddness
        said = 1.0 if cell.marker is None else MARKER_RIGHT
        trust *= said * self._realness(cell.count, self._spellings[cell.name].first_share * new)
        usual = trust * cell.count / self._others
        right = (a * trust * cell.p, b * cell.doubt * usual, said * c * new)
        weighed = list(self._weigh(cell, usual + 0.05 * new))
        unknown = np.zeros(len(KINDS))
        if cell.marker is not None:
            unknown[MISSING_MARK] = self._kinds[MISSING_MARK] * self._markers[cell.marker]
        unknown[GARBLED] = self._kinds[GARBLED] * cell.flat * cell.is_odd
        told = sum((parts for _, parts in weighed), np.zeros(len(KINDS)))
        total = float(told.sum() + unknown.sum())
        odds = self.rate[cell.name] / (1.0 - self.rate[cell.name]) * self._source_odds[cell.source]
        all_right = sum(right)
        cell.wrong = odds * total / (odds * total + all_right + 1e-300)
        cell.kinds = cell.wrong * (told + unknown) / max(total, 1e-300)
        self._choose(cell, weighed, unknown)
        scale = (1.0 - cell.wrong) / (all_right + 1e-300)
        return right[0] * scale, right[1] * scale, right[2] * scale

    def _realness(self, count: int, new: float) -> float:
        """By how much less than n/N each cell of a value says that it is one of the field: the first came as a new one.

        (v q(x) / (n/N))^(1/(n + 1)), v the share of cells that are the first of their value: one cell's part in
        v q(x) (n/N)^n, for values come as from an urn (Blackwell & MacQueen 1973).
        """
        if not count:
            return 1.0
        return min(1.0, math.exp(math.log((new + 1e-300) * self._others / count) / (count + 1)))

    def _choose(self, cell: Cell, weighed: Sequence[tuple[Choice, Floats]], unknown: Floats) -> None:
        """Which of the choices the cell most likely stands for, and how the error came about."""
        cell.best, cell.best_share, cell.met = None, 0.0, 0.0
        cell.kind = int(np.argmax(cell.kinds))
        if cell.kind == MISSING_MARK or not weighed:  # whatever stood there, the value as it is says nothing of it
            by_p = max((choice for choice, _ in weighed), key=lambda each: each.p, default=None)
            cell.best = by_p
            cell.best_share = by_p.p if by_p is not None else 0.0
            return
        best, parts = max(weighed, key=lambda each: float(each[1].sum()))
        weight, total = float(parts.sum()), sum(float(each.sum()) for _, each in weighed) + float(unknown.sum())
        if weight > 0.0:
            cell.best, cell.best_share = best, weight / total
            cell.met = cell.wrong * float(parts[TYPO]) / total
            cell.kind = int(np.argmax(parts)) if weight >= float(unknown.sum()) else cell.kind

    def _weigh(self, cell: Cell, random: float) -> Iterator[tuple[Choice, Floats]]:
        """What the cell may stand for, each with its weight by kind of error."""
        a, _, c = self._reading[cell.name]
        spelling = self._spellings[cell.name]
        for choice in cell.choices:
            parts = np.zeros(len(KINDS))
            if choice.change:
                is_case = choice.change in CASES
                own = spelling.case_share(choice.change) if is_case else 1.0
                parts[CASE if is_case else UNIT] = c * choice.p * own + a * choice.known
                yield choice, parts * self._kinds
                continue
            wrong, count = self._of_value.get((cell.name, choice.code), (0.0, 1))
            p = a * choice.p * (1.0 - wrong / max(1, count))
            if choice.is_recased:
                parts[CASE] = p / len(CASES)
            else:
                own = cell.met if cell.best is not None and cell.best.code == choice.code else 0.0
                met = max(0.0, self._met[cell.name, choice.code, cell.code] - own)
                met_of = max(0.0, self._met_of[cell.name, choice.code] - own)
                parts[TYPO] = p * (met + ERRORS_MADE_UP * self._typo(choice)) / (met_of + ERRORS_MADE_UP)
            parts[ELSEWHERE] = p * cell.elsewhere
            parts[OTHER] = p * random
            yield choice, parts * self._kinds

    def _typo(self, choice: Choice) -> float:
        """The chance of exactly these edits: how many, where, and of which letters."""
        if not choice.edits or choice.edits > max(1, choice.length // 2):
            return 0.0
        places = math.lgamma(choice.length + 1) - math.lgamma(choice.edits + 1)
        places -= math.lgamma(choice.length - choice.edits + 1)
        letters = sum(math.log(self._letters[each]) for each in choice.letters) - choice.edits * math.log(KINDS_OF_EDIT)
        return (1.0 - self._again) * math.exp((choice.edits - 1) * math.log(self._again) - places + letters)

    def _learn(self, readings: Sequence[tuple[float, float, float]]) -> None:
        """The rates that make what was found likeliest, each drawn to its prior."""
        wrong, asked = defaultdict[str, float](float), Counter(cell.name for cell in self._cells)
        shares = {name: AUDIT_READING_CELLS * np.array(AUDIT_READING) for name in self.rate}
        kinds = AUDIT_KIND_ERRORS * np.array(AUDIT_ERROR_KINDS)
        by_source: dict[str | None, list[float]] = defaultdict(lambda: [0.0, 0.0])
        markers = dict.fromkeys(self._markers, 1.0)
        for cell, reading in zip(self._cells, readings, strict=True):
            wrong[cell.name] += cell.wrong
            shares[cell.name] += reading
            kinds += cell.kinds
            expected = by_source[cell.source]
            expected[0] += cell.wrong
            expected[1] += self.rate[cell.name]
            if cell.marker is not None:
                markers[cell.marker] += float(cell.kinds[MISSING_MARK])
        self._kinds = kinds / kinds.sum()
        self._markers = {
            each: met / (sum(markers.values()) - len(markers) + MARKER_ERRORS) for each, met in markers.items()
        }
        total = sum(wrong.values()) + AUDIT_FIRST_RATE * AUDIT_RATE_CELLS
        self._rate_of_all = total / (len(self._cells) + AUDIT_RATE_CELLS)
        for name in self.rate:
            drawn = wrong[name] + AUDIT_RATE_CELLS * self._rate_of_all
            self.rate[name] = min(0.5, drawn / (asked[name] + AUDIT_RATE_CELLS))
            self._reading[name] = tuple((shares[name] / shares[name].sum()).tolist())
        self._learn_edits()
        pull = AUDIT_SOURCE_CELLS * self._rate_of_all
        for source, (found, expected_errors) in by_source.items():
            if source is not None:
                self._source_odds[source] = (found + pull) / (expected_errors + pull)

    def _learn_edits(self) -> None:
        """How many edits an error has, and which letters it brings in."""
        letters: dict[str, float] = defaultdict(float)
        errors = AUDIT_KIND_ERRORS
        edits = errors * EDITS_OF_ERRORS
        for cell in self._cells:
            if cell.best is not None and cell.met > 0.01:
                edits, errors = edits + cell.met * cell.best.edits, errors + cell.met
                for letter in cell.best.letters:
                    letters[letter] += cell.met
        self._again = 1.0 - errors / edits
        met = sum(letters.values()) + LETTER_PSEUDOCOUNT * len(self._letters)
        self._letters = {each: (letters[each] + LETTER_PSEUDOCOUNT) / met for each in self._letters}
