"""Which stored cells are probably wrong: a noisy channel whose rates are learned from the cells themselves.

Rows in which two values are exchanged, or a run of values stands one column too far, are found first
(`engine.consolidation.displaced`) and asked as if they were put right. Every cell x of a field is then asked of a
memory that lacks it (`Block.without`), which gives P(y). It was either taken down right,

    R(x) = a P(x) + b d n(x) / N + c q(x)      a + b + c = 1, per field; d = sqrt(1 - max P(y), y other than x)

that is as predicted, or as values of the field are (the less, the surer the prediction), or as a new one (q: its
spelling, its capitals and its form, or its place on the field's line near those predicted:
`engine.consolidation.spelling`), or with the chance e of the field it is something else taken down wrong, by kinds of
error with shares K:

    W(x) = a sum_y P(y) [K_typo typo(x | y) + K_elsewhere elsewhere(x) + K_other n(x) / N]     a value of the field
         + c sum_t q(t(x)) K_t                                     its own in other capitals, or times a power of ten
         + K_missing marker(x)                                     a word that says that nothing is known
         + K_garbled q'(x)                                         what nobody can say; q' is q whatever the form

`engine.consolidation.channel` finds all rates by expectation maximisation over the cells, without a label. Where a
field names the source of an episode, each source has a rate of its own, drawn to that of all.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.answer.block import Block
from engine.answer.schema import Schema
from engine.consolidation.channel import CASE, ELSEWHERE, KINDS, OTHER, TYPO, Cell, Channel, Choice
from engine.consolidation.displaced import Displaced, find_displaced
from engine.consolidation.spelling import Spelling, changed, form_of, spellings_of
from engine.memory.arrays import Floats
from engine.memory.traces import Traces
from engine.memory.values import Value, place
from engine.priors import AUDIT_CONSIDERED, AUDIT_LEAST_CHANCE, AUDITED_AT_ONCE, FAR_OUT

Report = Callable[[float], None]
_TOLD = {TYPO: KINDS[TYPO], CASE: KINDS[TYPO], ELSEWHERE: KINDS[ELSEWHERE]}  # of the other kinds: `other`


@dataclass(frozen=True, slots=True)
class Suspect:
    """A cell that is probably wrong: the chance of that, the value it should probably have and the chance of it.

    `chance` and `proposed_chance` lie in [0, 1], the second given that the cell is wrong; `kind` is `typo`
    (other capitals too), `elsewhere` or `other`; `taken_from` the row and the field where the proposed value stands,
    `change` what is done to it there (`changed`); `support` the rows that carry it, with their weights.
    """

    row: int
    field: str
    value: Value
    chance: float
    proposed: Value | None
    proposed_chance: float
    kind: str
    support: tuple[tuple[int, float], ...] = ()
    taken_from: tuple[int, str] | None = None
    change: str = ""


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


def audit(
    traces: Traces,
    schema: Schema,
    *,
    fields: Sequence[str] | None = None,
    source_field: str | None = None,
    threshold: float = 0.5,
    markers: Collection[str] = (),
    report: Report = lambda _: None,
) -> Audited:
    """Ask every cell of the fields (all by default) and tell those that are wrong with more than `threshold`.

    `markers` are texts that may say that nothing is known.
    """
    spellings = spellings_of(traces.columns)
    displaced = find_displaced(traces, spellings)
    asking = _Asking(traces, Block(traces, schema), spellings, displaced, frozenset(markers))
    names = [name for name in traces.columns if (fields is None or name in fields) and name != source_field]
    cells = asking.cells(names, source_field, report)
    channel = Channel(cells, spellings, traces.size)
    channel.settle()
    suspects, chances = [], {}
    for cell in cells:
        moved = displaced[cell.row].chance.get(cell.name, 0.0) if cell.row in displaced else 0.0
        chances[cell.row, cell.name] = chance = moved + (1.0 - moved) * cell.wrong
        if chance > threshold:
            suspects.append(asking.moved(cell, chance) if moved > cell.wrong else asking.suspect(cell, chance))
    suspects.sort(key=lambda each: -each.chance)
    return Audited(len(cells), tuple(suspects), channel.rate, channel.sources(), chances)


class _Asking:
    """Every cell with what the rest of the memory says of it."""

    def __init__(
        self,
        traces: Traces,
        block: Block,
        spellings: Mapping[str, Spelling],
        displaced: Mapping[int, Displaced],
        markers: frozenset[str],
    ) -> None:
        self._traces, self._block, self._spellings = traces, block, spellings
        self._displaced, self._markers = displaced, markers
        self._homes = _homes(traces)

    def cells(self, names: Sequence[str], source_field: str | None, report: Report) -> list[Cell]:
        """The cells of these fields that have others beside them."""
        sources = self._traces.columns.get(source_field) if source_field is not None else None
        found = []
        for begin in range(0, self._traces.size, AUDITED_AT_ONCE):
            some = range(begin, min(begin + AUDITED_AT_ONCE, self._traces.size))
            stored = {row: self._traces.fields(row) for row in some}
            asked = {name: self._asked(name, stored) for name in names}
            told = {name: self._told(name, each) for name, each in asked.items()}
            for row in some:
                for name in names:
                    if row not in asked[name]:
                        continue
                    cell = self._cell(row, name, asked[name][row], next(told[name]))
                    code = -1 if sources is None else int(sources.codes[row])
                    cell.source = None if sources is None or code < 0 else str(sources.values[code])
                    cell.elsewhere = _elsewhere(self._homes, stored[row], name)
                    found.append(cell)
                report((row + 1) / self._traces.size)
        return found

    def _asked(self, name: str, stored: Mapping[int, Mapping[str, Value]]) -> dict[int, dict[str, Value]]:
        """The cue of each cell of a field that has others beside it, by row."""
        asked = {}
        for row, fields in stored.items():
            if name in fields and len(fields) > 1:
                known = self._displaced[row].repaired(fields) if row in self._displaced else fields
                asked[row] = {each: value for each, value in known.items() if each != name}
        return asked

    def _told(self, name: str, asked: Mapping[int, Mapping[str, Value]]) -> Iterator[Floats]:
        """P(y) float64[V] for each of these cells."""
        for generals in self._block.without(name, list(asked.items())):
            yield from (1.0 - generals.novel)[:, None] * generals.posterior

    def suspect(self, cell: Cell, chance: float) -> Suspect:
        """What is told of a cell by the channel."""
        column, best = self._traces.columns[cell.name], cell.best
        value = self._traces.fields(cell.row)[cell.name]
        kind = _TOLD.get(cell.kind, KINDS[OTHER])
        if best is None:
            return Suspect(cell.row, cell.name, value, chance, None, 0.0, kind)
        if best.change:
            told = changed(value, best.change)
            where = (cell.row, cell.name)
            return Suspect(cell.row, cell.name, value, chance, told, cell.best_share, kind, (), where, best.change)
        cue = self._traces.fields(cell.row)
        del cue[cell.name]
        support = self._block.support(cue, cell.name, best.code)
        where = (int((column.codes == best.code).argmax()), cell.name)
        told = column.values[best.code]
        return Suspect(cell.row, cell.name, value, chance, told, cell.best_share, kind, support, where)

    def moved(self, cell: Cell, chance: float) -> Suspect:
        """What is told of a cell whose value is another field's."""
        stored = self._traces.fields(cell.row)
        home = self._displaced[cell.row].home[cell.name]
        told = (cell.row, cell.name, stored[cell.name], chance)
        if home is None or home not in stored:
            best = cell.best
            if best is None or best.change:
                return Suspect(*told, None, 0.0, KINDS[ELSEWHERE])
            column = self._traces.columns[cell.name]
            where = (int((column.codes == best.code).argmax()), cell.name)
            return Suspect(*told, column.values[best.code], cell.best_share, KINDS[ELSEWHERE], (), where)
        sure = self._displaced[cell.row].chance[cell.name] / chance
        return Suspect(*told, stored[home], sure, KINDS[ELSEWHERE], (), (cell.row, home))

    def _cell(self, row: int, name: str, cue: Mapping[str, Value], p: Floats) -> Cell:
        spelling, column = self._spellings[name], self._traces.columns[name]
        code = int(column.codes[row])
        count = int(column.counts[code]) - 1
        most = np.argsort(-p, kind="stable")[:AUDIT_CONSIDERED]
        candidates = dict.fromkeys([*most[p[most] > AUDIT_LEAST_CHANCE].tolist(), *spelling.near(code)])
        choices = [
            _choice(spelling, code, each, float(p[each])) for each in candidates if each != code and column.counts[each]
        ]
        doubt = math.sqrt(max(0.0, 1.0 - max((choice.p for choice in choices), default=0.0)))
        new, flat = self._as_new(spelling, cue, code, p, choices)
        marker = str(column.values[code])
        is_far = spelling.line is None or new <= 2.0 * FAR_OUT * spelling.line.anywhere
        own = float(p[code]) if count else 0.0
        return Cell(
            row,
            name,
            code,
            own,
            count,
            new,
            flat,
            0.0,
            choices,
            doubt,
            marker if marker in self._markers and is_far else None,
        )

    def _as_new(
        self, spelling: Spelling, cue: Mapping[str, Value], code: int, p: Floats, choices: list[Choice]
    ) -> tuple[float, float]:
        """q(x) but for its oddness, and whatever its form; what x stands for if it was changed joins the choices."""
        value, line = spelling.column.values[code], spelling.line
        if line is None or math.isnan(place(value)):
            letters = spelling.letters(value, code)
            choices += [Choice(code, letters, change=change) for change in spelling.recasings(code)]
            new = spelling.or_shared(value, letters)
            new += sum(share for home, share in spelling.copies.items() if home in cue and cue[home] == value)
            return new, letters
        units = line.units(value)
        meant = [changed(value, change) for change in units]
        weights = p.copy()
        weights[code] = weights[code] if spelling.column.counts[code] > 1 else 0.0
        density = line.density(weights, line.place(np.array([place(each) for each in (value, *meant)])))
        for change, there, chance in zip(units, meant, density[1:].tolist(), strict=True):
            if spelling.has_form(form_of(there), code):
                met = spelling.column.find(there)
                known = float(p[met]) if met >= 0 else 0.0
                choices.append(Choice(code, chance / len(units), change=change, known=known / len(units)))
        return float(density[0]), line.anywhere


def _choice(spelling: Spelling, code: int, other: int, p: float) -> Choice:
    """Another value of the field as what the cell may stand for."""
    edits, letters = spelling.edits(code, other)
    length = max(len(spelling.texts[other]), edits)
    return Choice(other, p, edits, length, letters, spelling.is_recased(code, other))


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
