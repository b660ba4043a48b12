"""A table on its own, in no space: what a file's own rows say of its cells, on this machine."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

import engine
from engine import Block, Predicted, Schema, Traces
from recollect.errors import Unavailable
from recollect.memory.table import as_traces
from recollect.model import (
    Audit,
    AuditRequest,
    ConsolidationStatus,
    EpisodeGroup,
    EvaluateRequest,
    Evaluation,
    FieldEvaluation,
    Fields,
    FieldType,
    FilledCell,
    Filling,
    FillRequest,
    Interval,
    Job,
    Source,
    SourceRate,
    SuspectCell,
    WorstCase,
)
from recollect.service.examining import (
    MOST_GROUPS,
    audit_traces,
    evaluate_traces,
    require_episodes,
    require_learnable,
    worst,
)
from recollect.service.filling import filling, told
from recollect.service.promising import (
    Bar,
    Beliefs,
    Blanks,
    Judged,
    as_believed,
    beliefs,
    first_cells,
    more_cells,
    pick,
)

LEARNED_CASES = 300  # held out of each column, to pick a threshold for what was learned
PIECE = 250  # rows a process takes at a time
DONE = Job(ConsolidationStatus.SUCCEEDED, 1.0)
Report = Callable[[float], None]


def fill_alone(
    request: FillRequest,
    blanks: Blanks,
    *,
    workers: int = 1,
    learns: bool = False,
    report: Callable[[int], None] = lambda _: None,
    report_learning: Report = lambda _: None,
) -> Filling:
    """Fill a table from its own rows, in `workers` processes; `report` hears how many rows were answered.

    How far each column's confidences can be believed is told by some of its known cells, each asked as if it were
    blank, and so is the threshold of a target accuracy. With `learns` the table's regularities are learned before; then
    these cells' whole rows are taken out, for what was learned has seen them, and without a target none are asked.
    """
    traces = as_traces(request.rows)
    judged: list[Judged] = []
    if learns:
        require_learnable(traces)
        if request.target_accuracy is not None:
            judged = _judge_learned(traces, blanks, report_learning)
    table = _Table(request, Block(traces, _schema(traces, learns=learns, report=report_learning)))
    with _processes(table, workers) as run:
        if not learns:
            judged = list(chain.from_iterable(run(_judge, first_cells(request, blanks))))
            if request.target_accuracy is not None:
                more = more_cells(request, blanks, judged, request.target_accuracy)
                judged += chain.from_iterable(run(_judge, more))
        believed = beliefs(judged)
        bar, held_out = Bar(request.threshold), None
        if request.target_accuracy is not None:
            kept = [as_believed(each, believed) for each in judged]
            bar, held_out = pick(kept, request.target_accuracy, blanks)
        cells: list[FilledCell] = []
        together = sorted(blanks, key=lambda blank: blank[1])  # rows with the same blanks are compared as one
        for rows, found in run(partial(_ask, bar, believed), together):
            report(rows)
            cells += [
                FilledCell(*cell[:7], Interval(*cell[7]) if cell[7] else None)  # type: ignore[call-arg]
                for cell in found
            ]
    cells.sort(key=lambda cell: cell.row)
    return filling(cells, blanks, bar, held_out)


def _schema(traces: Traces, *, learns: bool, report: Report) -> Schema:
    """What rows are answered by; whether one is a stored event is not asked, so that takes no kernels."""
    learned = None
    if learns and traces.size >= engine.MIN_EPISODES:
        learned = engine.consolidate(traces, lambda _stage, share: report(share))
    return engine.attach(traces, learned, kernels={})


def _judge_learned(traces: Traces, blanks: Blanks, report: Report) -> list[Judged]:
    """How known cells of the columns with blanks are answered by what was learned from the other rows."""
    names = [name for name in dict.fromkeys(name for _, names in blanks for name in names) if name in traces.columns]

    def attach(rest: Traces) -> Schema:
        return _schema(rest, learns=True, report=report)

    cases = engine.hold_out(traces, attach, fields=names, cases=LEARNED_CASES)
    return [Judged(case.field, case.confidence, case.is_right) for case in cases]


def evaluate_alone(
    rows: Sequence[Fields], request: EvaluateRequest, report: Report, *, learns: bool = False
) -> Evaluation:
    """How well a table would fill gaps like its own; rows are told by their place, as text."""
    traces = as_traces(rows)
    require_episodes(traces, "evaluation")
    if learns:
        require_learnable(traces)
    cases, qualities = evaluate_traces(traces, request, report, learns=learns)
    overall = qualities.pop("", None)
    fields = [FieldEvaluation(name, FieldType(traces.columns[name].kind), each) for name, each in qualities.items()]
    wrong = (
        WorstCase(
            str(case.row), case.field, rows[case.row][case.field], case.said, case.confidence, Source(case.source)
        )
        for case in worst(cases)
    )
    return Evaluation(DONE, request.target_accuracy, overall, tuple(fields), tuple(wrong))


def audit_alone(rows: Sequence[Fields], request: AuditRequest, report: Report) -> Audit:
    """Which cells of a table are probably wrong; rows are told by their place, as text."""
    traces = as_traces(rows)
    require_episodes(traces, "audit")
    found = audit_traces(traces, request, report)
    groups = engine.alike(traces, MOST_GROUPS)
    return Audit(
        DONE,
        cells=found.cells,
        suspects=len(found.suspects),
        field_rates=found.field_rates,
        source_rates=tuple(SourceRate(source, *rate) for source, rate in found.source_rates.items()),
        groups=tuple(EpisodeGroup(tuple(map(str, same)), name) for same, name in groups),
        items=tuple(
            SuspectCell(
                str(each.row),
                each.field,
                each.value,
                each.chance,
                each.kind,
                each.proposed,
                each.proposed_chance,
                tuple((str(row), weight) for row, weight in each.support),
            )
            for each in found.suspects
        ),
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """A table and what answers its rows."""

    request: FillRequest
    block: Block


_inherited: list[_Table] = []  # what processes have from the one that made them
Run = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]


@contextmanager
def _processes(table: _Table, workers: int) -> Iterator[Run]:
    """A way to work through a list piece by piece, in order: in processes that inherit the table, or here; raises
    Unavailable where one of them is lost."""

    def pieces(work: Sequence[Any]) -> Iterator[Sequence[Any]]:
        return (work[begin : begin + PIECE] for begin in range(0, len(work), PIECE))

    _inherited.append(table)
    gc.freeze()  # the table is there to the end: no collection needs to look through it
    try:
        if workers == 1 or "fork" not in multiprocessing.get_all_start_methods():
            yield lambda do, work: map(do, pieces(work))
        else:
            pool = ProcessPoolExecutor(workers, multiprocessing.get_context("fork"))
            try:
                yield lambda do, work: pool.map(do, pieces(work))
            finally:
                pool.shutdown(cancel_futures=True)
    except BrokenProcessPool as lost:
        detail = "A process at work on the table was ended before it was done: nothing was filled."
        raise Unavailable(detail) from lost
    finally:
        gc.unfreeze()
        _inherited.pop()


def _ask(bar: Bar, believed: Beliefs, piece: Blanks) -> tuple[int, list[tuple[Any, ...]]]:
    """How many rows were answered, and their cells: as tuples, which go from process to process fastest."""
    table = _inherited[-1]
    asked = table.block.ask_all([(table.request.rows[row], names) for row, names in piece])
    answers = [[_believed(each, believed) for each in found] for found in asked]
    cells = (cell for (row, _), found in zip(piece, answers, strict=True) for cell in told(row, found, bar))
    return len(piece), [
        (
            *(each.row, each.field, each.value, each.confidence, each.source, each.supporters, each.filled),
            each.interval and (each.interval.low, each.interval.high, each.interval.mass),
        )
        for each in cells
    ]


def _believed(answer: Predicted, believed: Beliefs) -> Predicted:
    """The answer with the confidence that can be believed; a source is named for what is more likely right than not."""
    if answer.name not in believed:
        return answer
    confidence = believed[answer.name](answer.confidence)
    source = answer.source if confidence >= engine.CLAIMED else Source.IMAGINED.value
    return replace(answer, confidence=confidence, source=source)


def _judge(piece: Sequence[tuple[int, str]]) -> list[Judged]:
    table = _inherited[-1]
    rows, columns = table.request.rows, table.block.traces.columns
    hidden = [(row, name, {other: value for other, value in rows[row].items() if other != name}) for row, name in piece]
    return [
        Judged(name, answer.confidence, engine.is_answer(columns[name], answer.code, rows[row][name]))
        for (row, name), answer in zip(piece, table.block.ask_without(hidden), strict=True)
    ]
