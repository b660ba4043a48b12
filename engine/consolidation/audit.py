"""Which stored cells are probably wrong: a noisy channel whose rates are learned from the cells themselves.

Every cell x of a field is asked of a memory that lacks it (`Block.without`), which gives P(y). It was either
taken down right,

    R(x) = a P(x) + b d n(x) / N + c q(x)      a + b + c = 1, per field; d = sqrt(1 - max P(y), y other than x)

that is as predicted, or as values of the field are (the less, the surer the prediction), or as a new one (q: its
spelling under the field's own pairs of letters, its place on the field's line), or with the chance e of the field it
is another value taken down wrong,

    W(x) = a sum_y P(y) [ T typo(x | y) + S elsewhere(x) + O n(x) / N ]

by edits, each of a letter drawn from those that errors bring in, by a value that belongs to another field, or
by one at random. All rates are found by expectation maximisation over the cells, without a label. A value whose
other cells are mostly wrong is trusted as much less; an error met before is likelier than one made up anew.
Where a field names the source of an episode, each source has a rate of its own, drawn to that of all.

Sources: Shannon 1948 and Brill & Moore 2000 (noisy channel); Dempster, Laird & Rubin 1977 (EM); Dawid & Skene
1979 (rates of sources without labels).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from rapidfuzz.distance import OSA, Levenshtein

from engine.answer.block import Block
from engine.answer.schema import Schema
from engine.memory.columns import Column
from engine.memory.traces import Traces
from engine.memory.values import Value
from engine.recollection.similarity import name_nearness

# Of an error, before any is known: a typing error, a value of another field, one at random.
TYPO, ELSEWHERE, RANDOM = 0.85, 0.05, 0.10
# The shares a, b, c of a field count as so many cells of its own, and its rate of errors as so many.
PRIOR_READING, PRIOR_READING_CELLS, PRIOR_RATE_CELLS = (0.7, 0.2, 0.1), 30.0, 100.0
FIRST_RATE = 0.02
SOURCE_CELLS = 100.0  # as which the rate of all sources counts in that of one
MADE_UP = 5.0  # errors of a value that are made up anew, beside those met
CONSIDERED = 12  # values that a cell may stand for
LEAST_CHANCE = 1e-5
KINDS_OF_EDIT = 3.0  # a letter more, one less, another
PRIOR_ERRORS, PRIOR_EDITS = 20.0, 24.0  # as which what is known of errors counts before any is met
ROUNDS, SETTLED = 12, 0.02
LETTER_PSEUDOCOUNT = 0.5

Report = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A cell that is probably wrong: the chance of that, the value it should probably have and the chance of it.

    `chance` and `proposed_chance` lie in [0, 1], the second given that the cell is wrong; `kind` is `typo`,
    `elsewhere` or `other`; `support` the rows that carry the proposed value, with their weights.
    """

    row: int
    field: str
    value: Value
    chance: float
    proposed: Value | None
    proposed_chance: float
    kind: str
    support: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found: the suspects, likeliest first, among so many cells, and the rates of errors.

    `chances` gives every cell's chance of being wrong, by row and field; rates lie in [0, 1].
    """

    cells: int
    suspects: tuple[Suspect, ...]
    field_rates: Mapping[str, float]
    source_rates: Mapping[str, tuple[int, float]]
    chances: Mapping[tuple[int, str], float]


@dataclass(slots=True)
class _Choice:
    """A value that a cell may stand for: its code, P(y), and the edits that made the cell of it."""

    code: int
    p: float
    edits: int
    length: int
    letters: str


@dataclass(slots=True)
class _Cell:
    """One cell: its code, P(x), how many others have its value, log q(x), and what else it may stand for."""

    row: int
    name: str
    code: int
    p: float
    count: int
    log_new: float
    elsewhere: float
    choices: list[_Choice]
    doubt: float = 1.0  # how far the field is open to exceptions here
    source: str | None = None
    wrong: float = 0.0
    best: _Choice | None = None
    best_share: float = 0.0
    kind: str = "other"
    met: float = 0.0  # how far this cell counts as an error of its best choice


def audit(
    traces: Traces,
    schema: Schema,
    *,
    fields: Sequence[str] | None = None,
    source_field: str | None = None,
    threshold: float = 0.5,
    report: Report = lambda _: None,
) -> Audited:
    """Ask every cell of the fields (all by default) and tell those that are wrong with more than `threshold`."""
    names = [name for name in traces.columns if (fields is None or name in fields) and name != source_field]
    block = Block(traces, schema)
    cells = _ask(traces, block, names, source_field, report)
    channel = _Channel(traces, cells)
    channel.settle()
    accused = sorted((cell for cell in cells if cell.wrong > threshold), key=lambda cell: -cell.wrong)
    suspects = [_suspect(traces, block, cell) for cell in accused]
    chances = {(cell.row, cell.name): cell.wrong for cell in cells}
    return Audited(len(cells), tuple(suspects), channel.rate, channel.sources(), chances)


def _suspect(traces: Traces, block: Block, cell: _Cell) -> Suspect:
    column, best = traces.columns[cell.name], cell.best
    support: tuple[tuple[int, float], ...] = ()
    if best is not None:
        cue = traces.fields(cell.row)
        del cue[cell.name]
        support = block.support(cue, cell.name, best.code)
    proposed = None if best is None else column.values[best.code]
    told = cell.row, cell.name, column.values[cell.code], cell.wrong
    return Suspect(*told, proposed, cell.best_share, cell.kind, support)


def _ask(traces: Traces, block: Block, names: Sequence[str], source_field: str | None, report: Report) -> list[_Cell]:
    """Every cell with what the rest of the memory says of it."""
    spellings = {name: _Spelling(traces.columns[name]) for name in names}
    homes = _homes(traces)
    sources = traces.columns.get(source_field) if source_field is not None else None
    cells = []
    for row in range(traces.size):
        known = traces.fields(row)
        told = None if sources is None or sources.codes[row] < 0 else str(sources.values[sources.codes[row]])
        for name in names:
            if name not in known or len(known) < 2:
                continue
            cue = {each: value for each, value in known.items() if each != name}
            cell = _cell(block, row, name, cue, spellings[name])
            cell.source = told
            cell.elsewhere = _elsewhere(homes, known, name)
            cells.append(cell)
        report((row + 1) / traces.size)
    return cells


def _cell(block: Block, row: int, name: str, cue: Mapping[str, Value], spelling: _Spelling) -> _Cell:
    general, counts = block.without(row, name, cue)
    column = block.traces.columns[name]
    code = int(column.codes[row])
    p = (1.0 - general.novel) * general.posterior
    count = int(counts[code])
    most = np.argsort(-p, kind="stable")[:CONSIDERED]
    candidates = dict.fromkeys([*most[p[most] > LEAST_CHANCE].tolist(), *spelling.near(code)])
    choices = [spelling.choice(code, each, float(p[each])) for each in candidates if each != code and counts[each] > 0]
    own = float(p[code]) if count else 0.0
    doubt = math.sqrt(max(0.0, 1.0 - max((choice.p for choice in choices), default=0.0)))
    return _Cell(row, name, code, own, count, spelling.log_new(code), 0.0, choices, doubt)


class _Spelling:
    """How the values of one field are written: q of each, and the edits from one to another."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self._texts = [str(value) for value in column.values]
        self._is_text = column.kind in ("category", "text")
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._firsts: Counter[str] = Counter()
        for text in self._texts if self._is_text else ():
            self._pairs.update(_pairs(text))
            self._firsts.update(first for first, _ in _pairs(text))
        self._alphabet = len({letter for text in self._texts for letter in text}) + 2
        self._spots = _spots(column)
        self._near: dict[int, list[int]] = {}
        self._edits: dict[tuple[int, int], tuple[int, str]] = {}
        self._new: dict[int, float] = {}

    def log_new(self, code: int) -> float:
        """log q: a new value of the field's comes out as this one; its own letters do not speak for it."""
        if not self._is_text:
            return -math.log(self._spots)
        if code not in self._new:
            pairs = _pairs(self._texts[code])
            own, firsts = Counter(pairs), Counter(first for first, _ in pairs)
            self._new[code] = sum(
                math.log(
                    (self._pairs[pair] - own[pair] + LETTER_PSEUDOCOUNT)
                    / (self._firsts[pair[0]] - firsts[pair[0]] + LETTER_PSEUDOCOUNT * self._alphabet)
                )
                for pair in pairs
            )
        return self._new[code]

    def near(self, code: int) -> list[int]:
        """The commoner values of the field that are spelt much alike."""
        if self.column.kind != "category" or not isinstance(self.column.values[code], str):
            return []
        if code not in self._near:
            near = name_nearness(self.column, self._texts[code])
            found = np.flatnonzero((near > 0.0) & (self.column.counts > self.column.counts[code]))
            self._near[code] = found[np.argsort(-near[found], kind="stable")][:CONSIDERED].tolist()
        return self._near[code]

    def choice(self, code: int, other: int, p: float) -> _Choice:
        """The other value as what the cell may stand for."""
        if (code, other) not in self._edits:
            written, meant = self._texts[code], self._texts[other]
            self._edits[code, other] = _edits(meant, written)
        edits, letters = self._edits[code, other]
        return _Choice(other, p, edits, max(len(self._texts[other]), edits), letters)


class _Channel:
    """The rates of errors, and every cell's chance of being one, found in turn."""

    def __init__(self, traces: Traces, cells: Sequence[_Cell]) -> None:
        self._cells = cells
        self._others = max(1, traces.size - 1)
        names = list(dict.fromkeys(cell.name for cell in cells))
        self.rate = dict.fromkeys(names, FIRST_RATE)
        self._rate_of_all = FIRST_RATE
        self._reading = dict.fromkeys(names, PRIOR_READING)
        self._source_odds: dict[str | None, float] = defaultdict(lambda: 1.0)
        letters = {each for cell in cells for choice in cell.choices for each in choice.letters}
        self._letters = {each: 1.0 / (len(letters) + 1) for each in letters}
        self._again = 1.0 - PRIOR_ERRORS / PRIOR_EDITS
        self._of_value: dict[tuple[str, int], tuple[float, int]] = {}
        self._met: dict[tuple[str, int, int], float] = defaultdict(float)
        self._met_of: dict[tuple[str, int], float] = defaultdict(float)

    def settle(self) -> None:
        """Judge the cells and learn from that, until it changes little."""
        for _ in range(ROUNDS):
            before = np.array([cell.wrong for cell in self._cells])
            self._tally()
            readings = [self._judge(cell) for cell in self._cells]
            self._learn(readings)
            if not len(before) or np.abs(before - [cell.wrong for cell in self._cells]).max() < SETTLED:
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

    def _judge(self, cell: _Cell) -> tuple[float, float, float]:
        """Set what is known of one cell; the shares a, b, c of its being right."""
        wrong, count = self._of_value[cell.name, cell.code]
        trust = 1.0 - (wrong - cell.wrong) / (count - 1) if count > 1 else 1.0
        a, b, c = self._reading[cell.name]
        new = math.exp(cell.log_new)
        usual = trust * cell.count / self._others
        right = (a * trust * cell.p, b * cell.doubt * usual, c * new)
        weighed = list(self._weigh(cell, a, usual + 0.05 * new))
        total = sum(weight for _, weight, _ in weighed)
        odds = self.rate[cell.name] / (1.0 - self.rate[cell.name]) * self._source_odds[cell.source]
        all_right = sum(right)
        cell.wrong = odds * total / (odds * total + all_right + 1e-300)
        cell.best, cell.best_share, cell.met, cell.kind = None, 0.0, 0.0, "other"
        if total > 0.0:
            best, weight, parts = max(weighed, key=lambda each: each[1])
            cell.best, cell.best_share = best, weight / total
            cell.kind = max(zip(parts, ("typo", "elsewhere", "other"), strict=True))[1]
            cell.met = cell.wrong * parts[0] / total
        scale = (1.0 - cell.wrong) / (all_right + 1e-300)
        return right[0] * scale, right[1] * scale, right[2] * scale

    def _weigh(
        self, cell: _Cell, a: float, random: float
    ) -> Iterator[tuple[_Choice, float, tuple[float, float, float]]]:
        """The other values that a cell may stand for, each with its weight and what that is made of."""
        for choice in cell.choices:
            wrong, count = self._of_value.get((cell.name, choice.code), (0.0, 1))
            p = a * choice.p * (1.0 - wrong / max(1, count))
            own = cell.met if cell.best is not None and cell.best.code == choice.code else 0.0
            met = max(0.0, self._met[cell.name, choice.code, cell.code] - own)
            met_of = max(0.0, self._met_of[cell.name, choice.code] - own)
            typo = (met + MADE_UP * self._typo(choice)) / (met_of + MADE_UP)
            parts = p * TYPO * typo, p * ELSEWHERE * cell.elsewhere, p * RANDOM * random
            yield choice, sum(parts), parts

    def _typo(self, choice: _Choice) -> float:
        """The chance of exactly these edits: how many, where, and of which letters."""
        if not choice.edits or choice.edits > max(1, choice.length // 2):
            return 0.0
        places = math.lgamma(choice.length + 1) - math.lgamma(choice.edits + 1)
        places -= math.lgamma(choice.length - choice.edits + 1)
        letters = sum(math.log(self._letters[each]) for each in choice.letters) - choice.edits * math.log(KINDS_OF_EDIT)
        return (1.0 - self._again) * math.exp((choice.edits - 1) * math.log(self._again) - places + letters)

    def _learn(self, readings: Sequence[tuple[float, float, float]]) -> None:
        """The rates that make what was found likeliest, each drawn to its prior."""
        wrong, asked = Counter[str](), Counter[str]()
        shares = {name: PRIOR_READING_CELLS * np.array(PRIOR_READING) for name in self.rate}
        letters, edits, errors = Counter[str](), PRIOR_EDITS, PRIOR_ERRORS
        by_source: dict[str | None, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for cell, reading in zip(self._cells, readings, strict=True):
            wrong[cell.name] += cell.wrong  # type: ignore[assignment]
            asked[cell.name] += 1
            shares[cell.name] += reading
            expected = by_source[cell.source]
            expected[0] += cell.wrong
            expected[1] += self.rate[cell.name]
            if cell.best is not None and cell.met > 0.01:
                edits, errors = edits + cell.met * cell.best.edits, errors + cell.met
                for letter in cell.best.letters:
                    letters[letter] += cell.met  # type: ignore[assignment]
        total = sum(wrong.values()) + FIRST_RATE * PRIOR_RATE_CELLS
        self._rate_of_all = total / (len(self._cells) + PRIOR_RATE_CELLS)
        for name in self.rate:
            drawn = wrong[name] + PRIOR_RATE_CELLS * self._rate_of_all
            self.rate[name] = min(0.5, drawn / (asked[name] + PRIOR_RATE_CELLS))
            self._reading[name] = tuple((shares[name] / shares[name].sum()).tolist())
        self._again = 1.0 - errors / edits
        met = sum(letters.values()) + LETTER_PSEUDOCOUNT * len(self._letters)
        self._letters = {each: (letters[each] + LETTER_PSEUDOCOUNT) / met for each in self._letters}
        pull = SOURCE_CELLS * self._rate_of_all
        for source, (found, expected_errors) in by_source.items():
            if source is not None:
                self._source_odds[source] = (found + pull) / (expected_errors + pull)


def _edits(meant: str, written: str) -> tuple[int, str]:
    """The edits from one text to another, and the letters that they bring in; two letters swapped are one edit."""
    steps = Levenshtein.editops(meant, written)
    letters = "".join(written[step.dest_pos] for step in steps if step.tag != "delete")
    swaps = len(steps) - OSA.distance(meant, written)
    return len(steps) - swaps, letters[2 * swaps :]


def _pairs(text: str) -> list[tuple[str, str]]:
    ended = f"\x02{text}\x03"
    return list(pairwise(ended))


def _spots(column: Column) -> float:
    """How many places a new value of a line may take; of other kinds, how many values there are, and one more."""
    live = np.unique(column.numbers[~np.isnan(column.numbers) & (column.counts > 0)])
    if column.kind not in ("number", "time") or len(live) < 2:
        return column.distinct + 1.0
    return min(1e9, 1.0 + float((live[-1] - live[0]) / max(np.diff(live).min(), 1e-12)))


def _homes(traces: Traces) -> dict[str, list[tuple[str, float]]]:
    """Per written value, the fields it is of and its share there; what holds for one field alone is of no use."""
    homes: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for name, column in traces.columns.items():
        for value, count in zip(column.values, column.counts.tolist(), strict=True):
            homes[str(value)].append((name, count / max(1, column.present)))
    return homes


def _elsewhere(homes: Mapping[str, list[tuple[str, float]]], known: Mapping[str, Value], name: str) -> float:
    """The chance that an error puts this value in the field: one of its own episode's, or of another field's."""
    written, others = str(known[name]), max(1, len(known) - 1)
    beside = sum(str(value) == written for other, value in known.items() if other != name)
    share = sum(share for home, share in homes[written] if home != name)
    return 0.5 * (beside + share) / others
