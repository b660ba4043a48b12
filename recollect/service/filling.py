"""Tables in, tables out: every blank cell answered from what a memory has, many rows as one pass."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TypeVar

import engine
from engine import Block, CueInput, Missing, NotConverged, Options, Predicted, Schema, Traces
from recollect.errors import DeadlineExceeded
from recollect.memory import SpaceMemory
from recollect.memory.space import FIXED_CELLS
from recollect.model import Cue, CueNote, Fields, FilledCell, Filling, FillRequest, HeldOut, Interval, Scope, Source
from recollect.service import refusals
from recollect.service.completions import not_converged, read_cue
from recollect.service.cues import unknown_field
from recollect.service.fieldnames import require_fields
from recollect.service.filters import missing_of
from recollect.service.promising import Bar, Blanks, Judged, first_cells, more_cells, pick
from recollect.service.runtime import Runtime
from recollect.service.turns import Turn

PIECE = 16  # rows answered in one turn
_SOURCES = {str(source): source for source in Source}
BLOCK_SHARE = 0.2  # of what a single completion takes, where rows are one pass

FoundRow = tuple[int, Sequence[Predicted]]
Asked = tuple[CueInput, tuple[str, ...]]
Asker = Callable[[Sequence[Asked]], Sequence[Sequence[Predicted]]]
T = TypeVar("T")
R = TypeVar("R")
Work = Callable[[SpaceMemory, Sequence[T]], list[R]]


async def fill(runtime: Runtime, scope: Scope, request: FillRequest) -> Filling:
    """Answer every blank cell of a table; raises InsufficientEvidence in a space without episodes.

    A target that no episode has stays blank; raises InvalidRequest where all of them are such.
    """
    request = _without_missing(request, missing_of(await runtime.space(scope)))
    notes = await _notes_of_columns(runtime, scope, request)
    desk = _Desk(runtime, scope, request)
    blanks = blank_cells(request)
    bar, held_out = Bar(request.threshold), None
    if request.target_accuracy is not None:
        judged = await desk.judge(first_cells(request, blanks))
        judged += await desk.judge(more_cells(request, blanks, judged, request.target_accuracy))
        bar, held_out = pick(judged, request.target_accuracy, blanks)
    cells = [cell for row, found in await desk.ask(blanks) for cell in told(row, found, bar)]
    return replace(filling(cells, blanks, bar, held_out), cue_notes=notes)


async def _notes_of_columns(runtime: Runtime, scope: Scope, request: FillRequest) -> tuple[CueNote, ...]:
    """A note of every column that no episode has a field for; raises InvalidRequest where no target has one."""
    async with runtime.turns.at(scope, is_one_of_many=True) as turn:
        known, targets = turn.memory.traces.columns, request.targets or ()
        if known and targets and known.keys().isdisjoint(targets):
            require_fields(turn.memory.traces, {("targets", str(n)): name for n, name in enumerate(targets)})
        named = dict.fromkeys(chain(chain.from_iterable(request.rows), targets))
        return tuple(unknown_field(turn.memory, name) for name in named if known and name not in known)


def _without_missing(request: FillRequest, missing: Missing) -> FillRequest:
    """The table with every cell blank that stands for no value."""
    columns = request.targets or tuple(dict.fromkeys(name for row in request.rows for name in row))
    rows = [{name: value for name, value in row.items() if value not in missing} for row in request.rows]
    return replace(request, rows=rows, targets=columns)


def blank_cells(request: FillRequest) -> Blanks:
    """The rows with blanks, and which cells of them to fill."""
    columns = request.targets or tuple(dict.fromkeys(name for row in request.rows for name in row))
    found = ((place, tuple(name for name in columns if name not in row)) for place, row in enumerate(request.rows))
    return [(place, names) for place, names in found if names]


def told(row: int, predicted: Sequence[Predicted], bar: Bar) -> Iterator[FilledCell]:
    """The answers of one row in the terms of the model."""
    for each in predicted:
        filled, found = bar.passes(each.name, each.confidence), each.interval
        lies = None if found is None else Interval(found.low, found.high, found.mass)
        source = _SOURCES[each.source]
        yield FilledCell(row, each.name, each.value, each.confidence, source, each.supporters, filled, lies)


def filling(cells: Sequence[FilledCell], blanks: Blanks, bar: Bar, held_out: HeldOut | None) -> Filling:
    """All that was found."""
    blank = sum(len(names) for _, names in blanks)
    return Filling(tuple(cells), blank, sum(each.filled for each in cells), bar.least, held_out)


class _Desk:
    """Where the rows of one request are answered, piece by piece, each in a turn of its own at the space."""

    def __init__(self, runtime: Runtime, scope: Scope, request: FillRequest) -> None:
        self._runtime, self._scope, self._request = runtime, scope, request
        self._asker: Asker | None = None
        self._answers_for: tuple[SpaceMemory, tuple[int, int]] | None = None

    async def ask(self, rows: Blanks) -> list[FoundRow]:
        """The answers for blank cells, by row."""
        work = partial(self._ask_some, self._request.rows)
        return [each async for part in self._pieces(rows, work) for each in part]

    async def judge(self, cells: Sequence[tuple[int, str]]) -> list[Judged]:
        """How known cells of the table are answered."""
        return [each async for part in self._pieces(cells, self._judge_some) for each in part]

    async def _pieces(self, items: Sequence[T], do: Work[T, R]) -> AsyncIterator[list[R]]:
        for begin in range(0, len(items), PIECE):
            piece = items[begin : begin + PIECE]
            cells = partial(_cells, self._request, len(piece))
            async with self._runtime.turns.at(self._scope, cells, is_one_of_many=True) as turn:
                yield await turn.run(partial(self._work, turn, piece, do))

    def _work(self, turn: Turn, piece: Sequence[T], do: Work[T, R]) -> list[R]:
        self._open(turn.memory)
        done: list[R] = []
        step = 1 if self._request.may_be_stored else PIECE  # one pass is not broken off
        for begin in range(0, len(piece), step):
            if turn.has_left:
                raise DeadlineExceeded("Nobody waits for the table any more.")
            done += do(turn.memory, piece[begin : begin + step])
        return done

    def _ask_some(self, rows: Sequence[Fields], memory: SpaceMemory, blanks: Blanks) -> list[FoundRow]:
        assert self._asker is not None
        found = self._asker([(read_cue(memory, Cue(rows[row]))[0], names) for row, names in blanks])
        return [(row, answers) for (row, _), answers in zip(blanks, found, strict=True)]

    def _judge_some(self, memory: SpaceMemory, cells: Sequence[tuple[int, str]]) -> list[Judged]:
        assert self._asker is not None
        rows = self._request.rows
        hidden = [{other: value for other, value in rows[row].items() if other != name} for row, name in cells]
        asked = [(read_cue(memory, Cue(known))[0], (name,)) for known, (_, name) in zip(hidden, cells, strict=True)]
        return [
            Judged(name, each.confidence, engine.is_answer(memory.traces.columns[name], each.code, rows[row][name]))
            for (row, name), answers in zip(cells, self._asker(asked), strict=True)
            for each in answers
        ]

    def _open(self, memory: SpaceMemory) -> None:
        """Make ready for the memory as it is now: what was worked out for it before a write is void."""
        if not memory.traces.size:
            raise refusals.empty_space()
        if self._answers_for is None or self._answers_for[0] is not memory or self._answers_for[1] != memory.state:
            self._asker = asker(memory.traces, memory.schema(), may_be_stored=self._request.may_be_stored)
            self._answers_for = memory, memory.state


def _cells(request: FillRequest, rows: int, memory: SpaceMemory) -> float:
    """What some rows will touch, as `completions.cells` counts it."""
    share = 1.0 if request.may_be_stored else BLOCK_SHARE
    return rows * (FIXED_CELLS + share * memory.traces.size * len(memory.traces.columns))


def asker(traces: Traces, schema: Schema, *, may_be_stored: bool) -> Asker:
    """What answers rows: as one pass where they are new events, else each by itself."""
    if not may_be_stored:
        block = Block(traces, schema)
        return lambda asked: block.ask_all([(cue.values, names) for cue, names in asked])
    return lambda asked: [_complete(traces, schema, cue, names) for cue, names in asked]


def _complete(traces: Traces, schema: Schema, cue: CueInput, names: tuple[str, ...]) -> Sequence[Predicted]:
    try:
        answer = engine.complete(traces, cue, Options(names, settles=False), schema)
    except NotConverged as failure:
        raise not_converged(failure) from failure
    why = engine.explain(answer, 0)
    return [
        Predicted(
            name,
            field.value,
            field.code,
            field.confidence,
            why.fields[name].source,
            why.fields[name].supporters,
            field.interval,
        )
        for name, field in answer.fields.items()
    ]
