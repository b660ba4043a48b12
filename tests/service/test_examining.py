"""Evaluations and audits of a space, as jobs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from recollect import service
from recollect.errors import Conflict, InvalidRequest
from recollect.model import (
    AuditRequest,
    ConsolidationStatus,
    EpisodeInput,
    EvaluateRequest,
    Job,
    Scope,
)
from recollect.service.examining import examine
from recollect.service.runtime import Runtime
from tests.engine.consolidation.test_audit import hospitals, spoilt


async def filled(runtime: Runtime, scope: Scope, size: int = 120) -> list[dict[str, Any]]:
    rows, _ = spoilt(hospitals(size, 1), 0.05, 2)
    records = [{"id": f"row-{place}", "fields": row} for place, row in enumerate(rows)]
    assert (await service.import_episodes(runtime, scope, records)).accepted == size
    return rows


async def run(runtime: Runtime, scope: Scope, kind: str, request: dict[str, Any]) -> Job:
    """The job, in this process."""
    space = runtime.memories.space(scope)
    jobs = runtime.audits if kind == "audit" else runtime.evaluations
    jobs._replace(jobs._folder / f"{space.uid}.request", request)
    return await examine(runtime, kind, space.space_id, space.uid)


def results(runtime: Runtime) -> list[bytes]:
    """What lies beside the store of jobs that ended."""
    return [path.read_bytes() for path in Path(runtime.settings.data).rglob("*.result")]


AUDIT = {"fields": None, "source_field": "by", "threshold": 0.5}
EVALUATION = {"fields": ["city", "score"], "cases": 60, "target_accuracy": 0.9}


async def test_an_audit_tells_its_suspects_page_by_page(runtime: Runtime, scope: Scope) -> None:
    rows = await filled(runtime, scope)
    assert (await service.get_audit(runtime, scope)).job.status is ConsolidationStatus.NONE
    job = await run(runtime, scope, "audit", AUDIT)
    assert (job.status, job.progress, job.episodes) == (ConsolidationStatus.SUCCEEDED, 1.0, 120)
    first = await service.get_audit(runtime, scope, limit=3)
    assert first.suspects is not None
    assert first.suspects > 3
    assert len(first.items) == 3
    second = await service.get_audit(runtime, scope, limit=1000, cursor=first.next_cursor)
    assert second.next_cursor is None
    items = [*first.items, *second.items]
    assert len(items) == first.suspects
    assert [item.chance for item in items] == sorted((item.chance for item in items), reverse=True)
    for item in items:
        assert rows[int(item.episode_id.removeprefix("row-"))][item.field] == item.value
        assert item.proposed != item.value
    assert {rate.source for rate in first.source_rates} == {"clerk 0", "clerk 1", "clerk 2"}


async def test_what_is_kept_of_an_audit_holds_no_values_and_tells_none_that_are_gone(
    runtime: Runtime, scope: Scope
) -> None:
    await filled(runtime, scope)
    await run(runtime, scope, "audit", AUDIT)
    await run(runtime, scope, "evaluation", EVALUATION)
    kept = b"".join(results(runtime))
    assert b"row-" in kept
    assert not [word for word in (b"montgomery", b"voluntary", b"clerk", b"hospital") if word in kept]
    gone, changed, *rest = (await service.get_audit(runtime, scope)).items
    await service.delete_episode(runtime, scope, gone.episode_id)
    await service.put_episode(runtime, scope, changed.episode_id, EpisodeInput({"city": "elsewhere"}))
    left = (await service.get_audit(runtime, scope)).items
    assert {item.episode_id for item in left}.isdisjoint({gone.episode_id, changed.episode_id})
    assert len(left) <= len(rest)
    await service.delete_space(runtime, scope)
    assert results(runtime) == []


async def test_an_evaluation_tells_the_quality_by_field(runtime: Runtime, scope: Scope) -> None:
    rows = await filled(runtime, scope)
    await run(runtime, scope, "evaluation", EVALUATION)
    found = await service.get_evaluation(runtime, scope)
    assert [each.field for each in found.fields] == ["city", "score"]
    city, score = (each.quality for each in found.fields)
    assert city.accuracy > 0.8 > city.base_rate
    assert city.mean_absolute_error is None
    assert score.mean_absolute_error is not None
    assert found.overall is not None
    assert found.overall.cases == city.cases + score.cases
    for case in found.worst:
        assert rows[int(case.episode_id.removeprefix("row-"))][case.field] == case.value != case.answered
    assert [case.confidence for case in found.worst] == sorted((c.confidence for c in found.worst), reverse=True)


async def test_a_job_runs_in_a_process_of_its_own(runtime: Runtime, scope: Scope) -> None:
    await filled(runtime, scope, 40)
    try:
        found = await service.evaluate_space(runtime, scope, EvaluateRequest(cases=10), wait=True)
        while not found.job.is_over:  # a loaded machine takes longer than a caller waits
            await asyncio.sleep(0.1)
            found = await service.get_evaluation(runtime, scope)
        assert found.job.status is ConsolidationStatus.SUCCEEDED, found.job
        assert found.overall is not None
    finally:
        await asyncio.to_thread(runtime.evaluations.close)


async def test_what_cannot_be_examined_is_refused(runtime: Runtime, scope: Scope) -> None:
    with pytest.raises(Conflict, match="needs 10"):
        await service.audit_space(runtime, scope, AuditRequest())
    await filled(runtime, scope, 20)
    with pytest.raises(InvalidRequest, match="'whre'"):
        await service.audit_space(runtime, scope, AuditRequest(fields=("whre",)))
    with pytest.raises(InvalidRequest, match="'whre'"):
        await service.evaluate_space(runtime, scope, EvaluateRequest(fields=("whre",)))


async def test_a_job_that_fails_says_so(runtime: Runtime, scope: Scope) -> None:
    await filled(runtime, scope, 20)
    job = await run(runtime, scope, "audit", {"fields": ["whre"], "source_field": None, "threshold": 0.5})
    assert (job.status, job.code) == (ConsolidationStatus.FAILED, "UNKNOWN_FIELD")
    assert (await service.get_audit(runtime, scope)).job.code == "UNKNOWN_FIELD"
