"""Evaluations and audits of a space: begun like a consolidation, in a process of its own, read page by page.

What a job leaves beside the store names episodes and fields, never values: those are read from the memory when
somebody asks, so that what was erased or changed since is told no more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import engine
from engine import Case, Schema, Suspect, Traces
from recollect import telemetry
from recollect.errors import Conflict, RecollectError, SpaceNotFound
from recollect.memory import SpaceMemory
from recollect.model import (
    Audit,
    AuditRequest,
    CalibrationBin,
    ConsolidationStatus,
    EpisodeGroup,
    EvaluateRequest,
    Evaluation,
    FieldEvaluation,
    FieldValue,
    Job,
    Quality,
    Scope,
    Source,
    SourceRate,
    SuspectCell,
    WorstCase,
)
from recollect.service import cursors
from recollect.service.calibration import measure
from recollect.service.fieldnames import NamedFields, named_in, require_fields
from recollect.service.jobs import Jobs
from recollect.service.rules import MAX_PAGE_ITEMS
from recollect.service.runtime import Runtime
from recollect.tables import missing
from recollect.times import rfc3339

FEWEST = 10  # episodes that an examination needs
WORST = 50
MOST_SUSPECTS, MOST_GROUPS = 100_000, 1000
DEFAULT_PAGE = 100
WAIT_SHARE, POLL_S, TELL_EVERY_S = 0.9, 0.1, 0.2

Report = Callable[[float], None]
Json = dict[str, Any]


async def evaluate_space(runtime: Runtime, scope: Scope, request: EvaluateRequest, *, wait: bool = False) -> Evaluation:
    """Begin an evaluation, or join the one under way; `wait` until it is over or the deadline is near."""
    job = await _begin(runtime, scope, runtime.evaluations, asdict(request), named_in(request), wait=wait)
    if job.status is ConsolidationStatus.SUCCEEDED:
        return await get_evaluation(runtime, scope)
    return Evaluation(job)


async def get_evaluation(runtime: Runtime, scope: Scope) -> Evaluation:
    """The evaluation under way, or the last one with what it found."""
    space = await runtime.space(scope)
    told = await runtime.read(runtime.evaluations.read, space.uid)
    job = told or Job(ConsolidationStatus.NONE)
    found = await runtime.read(runtime.evaluations.read_result, space.uid)
    if job.status is not ConsolidationStatus.SUCCEEDED or found is None:
        return Evaluation(job)
    async with runtime.turns.at(scope) as turn:
        return _evaluation(turn.memory, job, found)


async def audit_space(runtime: Runtime, scope: Scope, request: AuditRequest, *, wait: bool = False) -> Audit:
    """Begin an audit, or join the one under way; `wait` until it is over or the deadline is near."""
    job = await _begin(runtime, scope, runtime.audits, asdict(request), named_in(request), wait=wait)
    return await get_audit(runtime, scope) if job.status is ConsolidationStatus.SUCCEEDED else Audit(job)


async def get_audit(runtime: Runtime, scope: Scope, *, limit: int = DEFAULT_PAGE, cursor: str | None = None) -> Audit:
    """The audit under way, or the last one with a page of what it found."""
    space = await runtime.space(scope)
    told = await runtime.read(runtime.audits.read, space.uid)
    job = told or Job(ConsolidationStatus.NONE)
    found = await runtime.read(runtime.audits.read_result, space.uid)
    bound_to = f"audit:{space.uid}:{job.finished_at}"
    begin = 0 if cursor is None else int(cursors.unseal(cursor, bound_to))
    if job.status is not ConsolidationStatus.SUCCEEDED or found is None:
        return Audit(job)
    end = begin + min(limit, MAX_PAGE_ITEMS)
    following = cursors.seal(str(end), bound_to) if end < len(found["suspects"]) else None
    async with runtime.turns.at(scope) as turn:
        return _audit(turn.memory, job, found, found["suspects"][begin:end], following)


async def examine(runtime: Runtime, kind: str, space_id: str, uid: int) -> Job:
    """Evaluate or audit a space here and now, whose lock this process has; how it ended.

    Where another machine does so already, that is left to it: its state.
    """
    jobs = {jobs.kind.name: jobs for jobs in (runtime.evaluations, runtime.audits)}[kind]
    job = jobs.read_own(uid) or Job(ConsolidationStatus.QUEUED, started_at=rfc3339(time.time()))
    with jobs.claimed(uid, job) as is_ours:
        return await _examine(runtime, jobs, space_id, uid, job) if is_ours else jobs.read(uid) or job


async def _examine(runtime: Runtime, jobs: Jobs[Job], space_id: str, uid: int, job: Job) -> Job:
    kind = jobs.kind.name
    try:
        with runtime.jobs.turn():
            space = runtime.store.get_space(space_id)
            if space is None or space.uid != uid:
                raise SpaceNotFound("The memory space does not exist any more.")
            memory = runtime.memories.afresh().bring(space)
            job = replace(
                job, status=ConsolidationStatus.RUNNING, space_revision=memory.revision, episodes=memory.traces.size
            )
            jobs.write(uid, job)
            work = _evaluate if kind == "evaluation" else _find_suspects
            jobs.write_result(
                uid, await asyncio.to_thread(work, memory, jobs.read_request(uid), _teller(jobs, uid, job))
            )
            job = replace(job, status=ConsolidationStatus.SUCCEEDED, progress=1.0, finished_at=rfc3339(time.time()))
    except SpaceNotFound:
        jobs.forget(uid)
        raise
    except Exception as fault:  # noqa: BLE001 - whatever it was, those who wait for the job must hear of it
        job = _failed(job, fault)
    jobs.write(uid, job)
    return job


async def _begin(
    runtime: Runtime, scope: Scope, jobs: Jobs[Job], request: Json, named: NamedFields, *, wait: bool
) -> Job:
    """The job, begun or joined. Raises Conflict for a space too small, InvalidRequest for a field it has not."""
    space = await runtime.space(scope)
    episodes = await runtime.read(runtime.store.count_episodes, space.uid)
    if episodes < FEWEST:
        raise _too_few(episodes, jobs.kind.name)
    if named:
        async with runtime.turns.at(scope) as turn:
            require_fields(turn.memory.traces, named)
    now = rfc3339(time.time())
    queued = Job(ConsolidationStatus.QUEUED, started_at=now, space_revision=space.revision, episodes=episodes)
    if not await runtime.read(jobs.is_elsewhere, space.uid):
        jobs.begin(runtime.settings, space.space_id, space.uid, queued, request)
    told = await runtime.read(jobs.read, space.uid)
    job = told or queued
    deadline = time.monotonic() + WAIT_SHARE * runtime.settings.request_timeout_s
    while wait and not job.is_over and time.monotonic() < deadline:
        await asyncio.sleep(POLL_S)
        told = await runtime.read(jobs.read, space.uid)
        job = told or job
    jobs.reap()
    return job


def require_episodes(traces: Traces, kind: str) -> None:
    """Raise Conflict where there are too few episodes to tell anything."""
    if traces.size < FEWEST:
        raise _too_few(traces.size, kind)


def _too_few(episodes: int, kind: str) -> Conflict:
    return Conflict(
        f"There are {episodes} episodes; an {kind} needs {FEWEST}.",
        code="TOO_FEW_EPISODES",
        context={"episodes": episodes, "required_episodes": FEWEST},
    )


def require_learnable(traces: Traces) -> None:
    """Raise Conflict where there are too few episodes to learn from."""
    if traces.size < engine.MIN_EPISODES:
        raise Conflict(
            f"There are {traces.size} episodes; learning needs {engine.MIN_EPISODES}.",
            code="TOO_FEW_EPISODES",
            context={"episodes": traces.size, "required_episodes": engine.MIN_EPISODES},
        )


def _teller(jobs: Jobs[Job], uid: int, job: Job) -> Report:
    """Writes the progress down, not too often."""
    told_at = 0.0

    def tell(share: float) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at >= TELL_EVERY_S:
            told_at = now
            jobs.write(uid, replace(job, progress=min(1.0, max(0.0, share))))

    return tell


def _failed(job: Job, fault: Exception) -> Job:
    code, detail = "EXAMINATION_FAILED", "The examination failed; what was found before is told no more."
    if isinstance(fault, RecollectError):
        code, detail = fault.code, fault.detail
    else:
        telemetry.log("examination_failed", level=logging.ERROR, fault=fault)
    now = rfc3339(time.time())
    return replace(job, status=ConsolidationStatus.FAILED, finished_at=now, code=code, detail=detail)


# Evaluation


def _evaluate(memory: SpaceMemory, request: Json, report: Report) -> Json:
    """What an evaluation leaves: qualities by field, and where the worst cases are."""
    has_learned = memory.learned is not None
    cases, qualities = evaluate_traces(memory.traces, EvaluateRequest(**request), report, learns=has_learned)
    return {
        "target_accuracy": request["target_accuracy"],
        "qualities": {name: asdict(each) for name, each in qualities.items()},
        "worst": [
            [memory.ids[case.row], case.field, _holder(memory, case.field, case.said), case.confidence, case.source]
            for case in worst(cases)
        ],
    }


def evaluate_traces(
    traces: Traces, request: EvaluateRequest, report: Report, *, learns: bool
) -> tuple[list[Case], dict[str, Quality]]:
    """The held-out cells of a memory and their quality, by field and, under the empty name, of all.

    What was learned of the whole is not put to use over a part of it: a memory that `learns` learns anew.
    """
    require_fields(traces, named_in(request))
    names = [name for name in traces.columns if request.fields is None or name in request.fields]

    def attach(rest: Traces) -> Schema:
        if not learns or rest.size < engine.MIN_EPISODES:
            return engine.attach(rest)
        return engine.attach(rest, engine.consolidate(rest, lambda _stage, share: report(0.5 * share)))

    cases = engine.hold_out(traces, attach, fields=names, cases=request.cases, report=report)
    by_name = {name: [case for case in cases if case.field == name] for name in names}
    chosen = {"": cases, **by_name}
    return cases, {name: _quality(of, request.target_accuracy) for name, of in chosen.items() if of}


def worst(cases: Sequence[Case], most: int = WORST) -> list[Case]:
    """The wrong answers that were surest."""
    return sorted((case for case in cases if not case.is_right), key=lambda case: -case.confidence)[:most]


def _quality(cases: Sequence[Case], accuracy: float) -> Quality:
    found = engine.quality(cases, accuracy)
    outcomes = [engine.Outcome(case.field, case.source, case.confidence, case.is_right) for case in cases]
    measured = measure(outcomes, None, 0)
    return Quality(
        cases=found.cases,
        accuracy=found.accuracy,
        base_rate=found.base_rate,
        neighbours_accuracy=found.neighbours,
        mean_confidence=found.confidence,
        log_loss=found.log_loss,
        base_log_loss=found.base_log_loss,
        ece=measured.ece,
        brier=measured.brier,
        bins=measured.bins,
        threshold=found.threshold,
        coverage=found.coverage,
        accuracy_kept=found.accuracy_kept,
        mean_absolute_error=found.mean_error,
        base_mean_absolute_error=found.base_mean_error,
    )


def _evaluation(memory: SpaceMemory, job: Job, found: Json) -> Evaluation:
    """A kept evaluation with the values that the memory has now."""
    qualities = {name: _read_quality(each) for name, each in found["qualities"].items()}
    overall = qualities.pop("", None)
    types = memory.field_types()
    fields = [FieldEvaluation(name, types[name], each) for name, each in qualities.items() if name in types]
    cases = []
    for episode_id, name, holder, confidence, source in found["worst"]:
        value, answered = _value(memory, episode_id, name, job), _value(memory, holder, name, job)
        if value is not None and answered is not None:
            cases.append(WorstCase(episode_id, name, value, answered, confidence, Source(source)))
    return Evaluation(job, found["target_accuracy"], overall, tuple(fields), tuple(cases))


def _read_quality(found: Json) -> Quality:
    return Quality(**{**found, "bins": tuple(CalibrationBin(**each) for each in found["bins"])})


# Audit


def _find_suspects(memory: SpaceMemory, request: Json, report: Report) -> Json:
    """What an audit leaves: where the suspects are and where their probable values stand."""
    traces = memory.traces
    found = audit_traces(traces, AuditRequest(**request), report)
    sources = None if request["source_field"] is None else traces.columns[request["source_field"]]
    return {
        "cells": found.cells,
        "field_rates": dict(found.field_rates),
        "source_field": request["source_field"],
        "source_rates": [
            [_holder_of_text(memory, sources, source), cells, rate]
            for source, (cells, rate) in found.source_rates.items()
        ],
        "groups": [[[memory.ids[row] for row in rows], name] for rows, name in engine.alike(traces, MOST_GROUPS)],
        "suspects": [_kept(memory, each) for each in found.suspects[:MOST_SUSPECTS]],
    }


def audit_traces(traces: Traces, request: AuditRequest, report: Report) -> engine.Audited:
    """The cells of a memory that are probably wrong."""
    require_fields(traces, named_in(request))
    return engine.audit(
        traces,
        engine.attach(traces),
        fields=request.fields,
        source_field=request.source_field,
        threshold=request.threshold,
        markers=missing.SURE | missing.LIKELY | missing.SENTINELS,
        report=report,
    )


def _kept(memory: SpaceMemory, suspect: Suspect) -> list[Any]:
    held = suspect.taken_from
    holder = None if held is None else [memory.ids[held[0]], held[1], suspect.change]
    evidence = [[memory.ids[row], weight] for row, weight in suspect.support]
    return [
        memory.ids[suspect.row],
        suspect.field,
        suspect.chance,
        suspect.kind,
        holder,
        suspect.proposed_chance,
        evidence,
    ]


def _audit(memory: SpaceMemory, job: Job, found: Json, page: Sequence[Any], following: str | None) -> Audit:
    """A kept audit with the values that the memory has now."""
    rates = []
    for episode_id, cells, rate in found["source_rates"]:
        source = _value(memory, episode_id, found["source_field"], job)
        if source is not None:
            rates.append(SourceRate(source, cells, rate))
    groups = ((tuple(_still(memory, ids, job)), name) for ids, name in found["groups"])
    return Audit(
        job,
        cells=found["cells"],
        suspects=len(found["suspects"]),
        field_rates=found["field_rates"],
        source_rates=tuple(rates),
        groups=tuple(EpisodeGroup(ids, name) for ids, name in groups if len(ids) > 1),
        items=tuple(_suspects(memory, job, page)),
        next_cursor=following,
    )


def _suspects(memory: SpaceMemory, job: Job, page: Sequence[Any]) -> Iterator[SuspectCell]:
    for episode_id, name, chance, kind, holder, share, evidence in page:
        value = _value(memory, episode_id, name, job)
        proposed = None if holder is None else _proposed(memory, holder, name, job)
        if value is not None and (holder is None or proposed is not None):
            known = tuple((each, weight) for each, weight in evidence if memory.row(each) is not None)
            yield SuspectCell(episode_id, name, value, chance, kind, proposed, share, known)


def _proposed(memory: SpaceMemory, holder: Sequence[str] | str, name: str, job: Job) -> FieldValue | None:
    """The value of an episode's field, changed as it says; a result of before names the episode alone."""
    episode_id, field, change = (holder, name, "") if isinstance(holder, str) else holder
    value = _value(memory, episode_id, field, job)
    return None if value is None else engine.changed(value, change)


def _still(memory: SpaceMemory, ids: Sequence[str], job: Job) -> Iterator[str]:
    """Those of the episodes that are as they were when the job ran."""
    return (each for each in ids if memory.is_unchanged(each, job.space_revision or 0))


def _value(memory: SpaceMemory, episode_id: str, name: str, job: Job) -> FieldValue | None:
    """What an episode has, None where it is gone or has changed since the job ran."""
    row = memory.row(episode_id)
    if row is None or not memory.is_unchanged(episode_id, job.space_revision or 0) or name not in memory.traces.columns:
        return None
    return memory.traces.fields(row).get(name)


def _holder(memory: SpaceMemory, name: str, value: FieldValue) -> str:
    """An episode that has the value."""
    column = memory.traces.columns[name]
    return memory.ids[int((column.codes == column.find(value)).argmax())]


def _holder_of_text(memory: SpaceMemory, column: Any, text: str) -> str:
    code = next(code for code, value in enumerate(column.values) if str(value) == text)
    return memory.ids[int((column.codes == code).argmax())]
