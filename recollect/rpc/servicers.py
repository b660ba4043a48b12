"""The operations over gRPC: each translates, calls the service and replies. Named as in the contract."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import asdict

from recollect import service
from recollect.errors import InvalidRequest, RecollectError
from recollect.model import CompleteRequest
from recollect.rpc import learning, reading, statuses, writing
from recollect.rpc.guard import Call
from recollect.rpc.importing import import_messages
from recollect.rpc.v1 import completion_pb2, episode_pb2, learning_pb2, space_pb2, system_pb2


async def complete(call: Call, request: completion_pb2.CompleteRequest) -> completion_pb2.CompleteResponse:
    """Complete one partial episode."""
    reading.check(reading.question_faults(request))
    asked = reading.question(request, verbose=request.verbose)
    completed = await service.complete(call.runtime, call.scope, asked)
    return writing.completion(completed, verbose=request.verbose, encoding=request.vector_encoding)


async def complete_batch(
    call: Call, request: completion_pb2.CompleteBatchRequest
) -> completion_pb2.CompleteBatchResponse:
    """Complete many partial episodes; one that fails does not fail the rest."""
    reading.check(reading.batch_faults(request))
    asked = [_read_item(index, item) for index, item in enumerate(request.items)]
    sound = [each for each in asked if isinstance(each, CompleteRequest)]
    completed = iter(await service.complete_batch(call.runtime, call.scope, sound))
    response = completion_pb2.CompleteBatchResponse()
    for index, (item, each) in enumerate(zip(request.items, asked, strict=True)):
        outcome = next(completed) if isinstance(each, CompleteRequest) else each
        if isinstance(outcome, RecollectError):
            response.items.add(index=index, problem=statuses.status_of(outcome))
            response.failed += 1
        else:
            result = writing.completion(outcome, verbose=item.verbose, encoding=item.vector_encoding)
            response.items.add(index=index, result=result)
            response.succeeded += 1
    return response


async def complete_stream(
    call: Call, request: completion_pb2.CompleteStreamRequest
) -> AsyncGenerator[completion_pb2.CompleteProgress, None]:
    """Complete one partial episode and tell what happens."""
    reading.check(reading.question_faults(request))
    asked = reading.question(request, verbose=True)
    async with aclosing(service.complete_stream(call.runtime, call.scope, asked)) as events:
        async for event in events:
            yield writing.progress(event, request.vector_encoding)


async def fill(call: Call, request: completion_pb2.FillRequest) -> completion_pb2.FillResponse:
    """Fill the blank cells of a table."""
    reading.check(reading.fill_faults(request))
    return writing.filling(await service.fill(call.runtime, call.scope, reading.fill_request(request)))


async def probability(call: Call, request: completion_pb2.ProbabilityRequest) -> completion_pb2.ProbabilityResponse:
    """Tell how probable a statement is."""
    reading.check(reading.probability_faults(request))
    return writing.stated(await service.probability(call.runtime, call.scope, reading.probability_request(request)))


async def recall(call: Call, request: episode_pb2.RecallRequest) -> episode_pb2.RecallResponse:
    """Rank the stored episodes by likeness to a cue."""
    reading.check(reading.cue_faults(request, "") + reading.as_of_faults(request, ""))
    limit, as_of = reading.recall_limit(request), reading.as_of(request)
    cue = reading.cue(request.partial_episode, "/partial_episode")
    found = await service.recall(call.runtime, call.scope, cue, limit, reading.episode_filter(request.filter), as_of)
    return episode_pb2.RecallResponse(
        items=writing.recalled(found.items), cue_notes=map(writing.cue_note, found.cue_notes)
    )


async def create_episode(call: Call, request: episode_pb2.CreateEpisodeRequest) -> episode_pb2.CreateEpisodeResponse:
    """Store a new episode."""
    written = await service.create_episode(
        call.runtime, call.scope, reading.required_episode(request), idempotency_key=call.idempotency_key
    )
    return episode_pb2.CreateEpisodeResponse(episode=writing.episode(written.episode), replayed=written.replayed)


async def get_episode(call: Call, request: episode_pb2.GetEpisodeRequest) -> episode_pb2.GetEpisodeResponse:
    """One stored episode."""
    encoding = reading.encoding(request)
    stored = await service.get_episode(call.runtime, call.scope, reading.episode_id(request))
    return episode_pb2.GetEpisodeResponse(episode=writing.episode(stored, encoding))


async def put_episode(call: Call, request: episode_pb2.PutEpisodeRequest) -> episode_pb2.PutEpisodeResponse:
    """Store an episode under a given id."""
    written = await service.put_episode(
        call.runtime,
        call.scope,
        reading.episode_id(request),
        reading.required_episode(request),
        **reading.condition(request),
        idempotency_key=call.idempotency_key,
    )
    return episode_pb2.PutEpisodeResponse(
        episode=writing.episode(written.episode), created=written.created, replayed=written.replayed
    )


async def delete_episode(call: Call, request: episode_pb2.DeleteEpisodeRequest) -> episode_pb2.DeleteEpisodeResponse:
    """Erase one episode."""
    revision = await service.delete_episode(
        call.runtime,
        call.scope,
        reading.episode_id(request),
        **reading.condition(request),
        idempotency_key=call.idempotency_key,
    )
    return episode_pb2.DeleteEpisodeResponse(revision=revision)


async def list_episodes(call: Call, request: episode_pb2.ListEpisodesRequest) -> episode_pb2.ListEpisodesResponse:
    """A page of stored episodes."""
    encoding, where = reading.encoding(request), reading.episode_filter(request.filter)
    page = await service.list_episodes(call.runtime, call.scope, where, **reading.page(request))
    return episode_pb2.ListEpisodesResponse(
        items=[writing.episode(each, encoding) for each in page.items], next_cursor=page.next_cursor
    )


async def forget_episodes(call: Call, request: episode_pb2.ForgetEpisodesRequest) -> episode_pb2.ForgetEpisodesResponse:
    """Count, or erase, the episodes that a filter finds."""
    receipt = await service.forget_episodes(
        call.runtime,
        call.scope,
        reading.required_filter(request),
        dry_run=request.dry_run if request.HasField("dry_run") else True,
        expected_count=reading.expected_count(request),
        proof=request.proof,
        idempotency_key=call.idempotency_key,
    )
    return writing.forget_receipt(receipt)


async def prove_forgetting(
    call: Call, request: episode_pb2.ProveForgettingRequest
) -> episode_pb2.ProveForgettingResponse:
    """Whether what was erased still speaks in the answers."""
    cues = reading.probes(request)
    found = await service.prove_forgetting(call.runtime, call.scope, cues, request.revision)
    return episode_pb2.ProveForgettingResponse(**asdict(found))


async def merge_episodes(call: Call, request: episode_pb2.MergeEpisodesRequest) -> episode_pb2.MergeEpisodesResponse:
    """Make several episodes one, and tell how they were."""
    receipt = await service.merge_episodes(
        call.runtime,
        call.scope,
        reading.merge_request(request),
        **reading.condition(request),
        idempotency_key=call.idempotency_key,
    )
    return writing.merge_receipt(receipt)


async def unmerge_episodes(
    call: Call, request: episode_pb2.UnmergeEpisodesRequest
) -> episode_pb2.UnmergeEpisodesResponse:
    """Take a merge back by its receipt."""
    receipt = reading.merge_receipt(request)
    done = await service.unmerge_episodes(call.runtime, call.scope, receipt, idempotency_key=call.idempotency_key)
    return episode_pb2.UnmergeEpisodesResponse(**asdict(done))


async def import_episodes(
    call: Call, requests: AsyncIterator[episode_pb2.ImportEpisodesRequest]
) -> AsyncGenerator[episode_pb2.ImportEpisodesResponse, None]:
    """Store the episodes of every message and tell what became of them."""
    async with aclosing(import_messages(call, requests)) as outcomes:
        async for outcome in outcomes:
            yield outcome


async def create_feedback(
    call: Call, request: learning_pb2.CreateFeedbackRequest
) -> learning_pb2.CreateFeedbackResponse:
    """Say whether a completed field was right."""
    given = learning.feedback_input(request)
    taken = await service.create_feedback(call.runtime, call.scope, given, idempotency_key=call.idempotency_key)
    return learning.feedback(taken)


async def consolidate(call: Call, request: learning_pb2.ConsolidateRequest) -> learning_pb2.ConsolidateResponse:
    """Learn regularities from the stored episodes."""
    state = await service.consolidate(call.runtime, call.scope, wait=request.wait)
    return learning_pb2.ConsolidateResponse(consolidation=learning.consolidation(state))


async def get_consolidation(
    call: Call, request: learning_pb2.GetConsolidationRequest
) -> learning_pb2.GetConsolidationResponse:
    """How the last consolidation went or is going."""
    state = await service.get_consolidation(call.runtime, call.scope)
    return learning_pb2.GetConsolidationResponse(consolidation=learning.consolidation(state))


async def evaluate_space(call: Call, request: learning_pb2.EvaluateSpaceRequest) -> learning_pb2.EvaluateSpaceResponse:
    """Measure how well the space would fill gaps like its own."""
    asked = learning.evaluate_request(request)
    found = await service.evaluate_space(call.runtime, call.scope, asked, wait=request.wait)
    return learning_pb2.EvaluateSpaceResponse(evaluation=learning.evaluation(found))


async def get_evaluation(call: Call, request: learning_pb2.GetEvaluationRequest) -> learning_pb2.GetEvaluationResponse:
    """How the last evaluation went or is going."""
    found = await service.get_evaluation(call.runtime, call.scope)
    return learning_pb2.GetEvaluationResponse(evaluation=learning.evaluation(found))


async def audit_space(call: Call, request: learning_pb2.AuditSpaceRequest) -> learning_pb2.AuditSpaceResponse:
    """Find the stored cells that are probably wrong."""
    asked = learning.audit_request(request)
    found = await service.audit_space(call.runtime, call.scope, asked, wait=request.wait)
    return learning_pb2.AuditSpaceResponse(audit=learning.audit(found))


async def get_audit(call: Call, request: learning_pb2.GetAuditRequest) -> learning_pb2.GetAuditResponse:
    """How the last audit went or is going, and a page of what it found."""
    found = await service.get_audit(call.runtime, call.scope, **reading.page(request))
    return learning_pb2.GetAuditResponse(audit=learning.audit(found))


async def list_patterns(call: Call, request: learning_pb2.ListPatternsRequest) -> learning_pb2.ListPatternsResponse:
    """The regularities that the space has learned."""
    page = await service.list_patterns(call.runtime, call.scope, **reading.page(request))
    return learning_pb2.ListPatternsResponse(items=map(learning.pattern, page.items), next_cursor=page.next_cursor)


async def get_calibration(
    call: Call, request: learning_pb2.GetCalibrationRequest
) -> learning_pb2.GetCalibrationResponse:
    """How far the space's confidences can be trusted."""
    found = await service.get_calibration(call.runtime, call.scope, **learning.calibration_of(request))
    return learning.calibration(found)


async def list_duplicates(
    call: Call, request: learning_pb2.ListDuplicatesRequest
) -> learning_pb2.ListDuplicatesResponse:
    """Pairs of episodes that probably tell of one event."""
    found = await service.list_duplicates(call.runtime, call.scope, **learning.pairs_of(request))
    return learning_pb2.ListDuplicatesResponse(items=map(learning.duplicate, found))


async def list_contradictions(
    call: Call, request: learning_pb2.ListContradictionsRequest
) -> learning_pb2.ListContradictionsResponse:
    """What episodes say differently of one event or entity."""
    found = await service.list_contradictions(call.runtime, call.scope, **learning.pairs_of(request))
    return learning_pb2.ListContradictionsResponse(items=map(learning.contradiction, found))


async def get_threshold(call: Call, request: learning_pb2.GetThresholdRequest) -> learning_pb2.GetThresholdResponse:
    """From which confidence on answers may be acted upon."""
    found = await service.get_threshold(call.runtime, call.scope, **learning.threshold_of(request))
    return learning.threshold(found)


async def list_spaces(call: Call, request: space_pb2.ListSpacesRequest) -> space_pb2.ListSpacesResponse:
    """The memory spaces that the key may see."""
    page = await service.list_spaces(call.runtime, call.scope, **reading.page(request))
    return space_pb2.ListSpacesResponse(
        items=[writing.space(each) for each in page.items], next_cursor=page.next_cursor
    )


async def get_space(call: Call, request: space_pb2.GetSpaceRequest) -> space_pb2.GetSpaceResponse:
    """One memory space."""
    space = await service.get_space(call.runtime, call.within(reading.space_id(request)))
    return space_pb2.GetSpaceResponse(space=writing.space(space))


async def put_space(call: Call, request: space_pb2.PutSpaceRequest) -> space_pb2.PutSpaceResponse:
    """Create a memory space, or change it to these settings."""
    scope = call.within(reading.space_id(request))
    draft = reading.space_draft(request.space)
    space, created = await service.put_space(call.runtime, scope, draft, **reading.condition(request))
    return space_pb2.PutSpaceResponse(space=writing.space(space), created=created)


async def patch_space(call: Call, request: space_pb2.PatchSpaceRequest) -> space_pb2.PatchSpaceResponse:
    """Change some of a memory space's settings."""
    scope = call.within(reading.space_id(request))
    changes = reading.space_changes(request.patch)
    space = await service.patch_space(call.runtime, scope, changes, **reading.condition(request))
    return space_pb2.PatchSpaceResponse(space=writing.space(space))


async def delete_space(call: Call, request: space_pb2.DeleteSpaceRequest) -> space_pb2.DeleteSpaceResponse:
    """Erase a memory space and everything in it."""
    scope = call.within(reading.space_id(request))
    await service.delete_space(call.runtime, scope, **reading.condition(request))
    return space_pb2.DeleteSpaceResponse()


async def get_space_stats(call: Call, request: space_pb2.GetSpaceStatsRequest) -> space_pb2.GetSpaceStatsResponse:
    """What a memory space holds."""
    stats = await service.get_space_stats(call.runtime, call.within(reading.space_id(request)))
    return writing.space_stats(stats)


async def get_limits(call: Call, request: system_pb2.GetLimitsRequest) -> system_pb2.GetLimitsResponse:
    """What the service takes at most."""
    return system_pb2.GetLimitsResponse(limits=await service.get_limits(call.runtime))


async def get_version(call: Call, request: system_pb2.GetVersionRequest) -> system_pb2.GetVersionResponse:
    """Which software answers."""
    version = await service.get_version(call.runtime)
    return system_pb2.GetVersionResponse(
        version=version.version, engine_version=version.engine_version, api_version=version.api_version
    )


async def get_whoami(call: Call, request: system_pb2.GetWhoamiRequest) -> system_pb2.GetWhoamiResponse:
    """What the caller's key may do."""
    caller = await service.get_whoami(call.runtime, call.caller)
    return system_pb2.GetWhoamiResponse(
        key_id=caller.key_id,
        is_anonymous=caller.is_anonymous,
        actions=caller.actions,
        sees_every_space=caller.spaces is None,
        spaces=caller.spaces or (),
    )


def _read_item(index: int, item: completion_pb2.CompleteRequest) -> CompleteRequest | InvalidRequest:
    """A batch item, or why it cannot be read."""
    try:
        return reading.question(item, verbose=item.verbose, at=f"/items/{index}")
    except InvalidRequest as error:
        return error
