"""Completion: a partial episode in, the whole out, or a refusal that says what is missing."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter

import engine
from engine import Answer, CueInput, FieldAnswer, NotConverged, Options, Retrieved, Sweep
from recollect.errors import (
    ConvergenceFailure,
    DeadlineExceeded,
    Diagnosis,
    DimensionMismatch,
    Measurement,
    RecollectError,
    Violation,
)
from recollect.memory import SpaceMemory
from recollect.memory.space import FIXED_CELLS
from recollect.model import (
    Attribution,
    CompleteRequest,
    Completion,
    Cue,
    CueNote,
    Evidence,
    Hypothesis,
    Inclusion,
    Interval,
    ReconstructionStats,
    Scope,
    Source,
)
from recollect.service import asof, cuenoise, cues, gate, reasons, refusals, valuesets, watching
from recollect.service.runtime import Runtime
from recollect.service.turns import Turn
from recollect.store.recent import Told
from recollect.vectors import to_array

VECTOR_CELL_BYTES = 64  # of a vector are compared in the time that one value of a field takes
BATCH_SHARE = 0.9  # of a batch's time goes to its items; the rest is for telling what became of them


async def complete(
    runtime: Runtime, scope: Scope, request: CompleteRequest, *, is_one_of_many: bool = False
) -> Completion:
    """Complete one partial episode; raises InsufficientEvidence or ConvergenceFailure."""
    async with runtime.turns.at(scope, partial(cells, request), is_one_of_many=is_one_of_many) as turn:
        return await turn.run(partial(_last, runtime, turn, request))


async def complete_batch(
    runtime: Runtime, scope: Scope, requests: Sequence[CompleteRequest]
) -> list[Completion | RecollectError]:
    """Complete many, each by itself: one that fails gives its error and does not fail the rest.

    Each takes its own turn at the space, so that others get theirs between two items. What is not done
    when the time is nearly up is told so, item by item; what is done is delivered.
    """
    now = asyncio.get_running_loop().time()
    ends_at = now + BATCH_SHARE * (scope.ends_at - now) if math.isfinite(scope.ends_at) else None
    outcomes: list[Completion | RecollectError] = []
    for request in requests:
        try:
            async with asyncio.timeout_at(ends_at):
                outcomes.append(await complete(runtime, scope, request, is_one_of_many=len(requests) > 1))
        except TimeoutError:
            break
        except RecollectError as error:
            outcomes.append(error)
        await asyncio.sleep(0)  # others get their turn between two items
    left = len(requests) - len(outcomes)
    return [*outcomes, *(_not_reached(len(outcomes), len(requests)) for _ in range(left))]


def cells(request: CompleteRequest, memory: SpaceMemory) -> float:
    """What a completion will touch: its episodes in each field of the cue and each that is completed."""
    asked = memory.traces.columns if request.targets is None else request.targets
    fields = len(request.cue.known_fields) + len(asked)
    if request.cue.partial_embedding is not None:
        fields += len(request.cue.partial_embedding) // VECTOR_CELL_BYTES
    return FIXED_CELLS + memory.traces.size * fields * _askings(request) + asof.cells(memory, request.as_of)


def _askings(request: CompleteRequest) -> int:
    """How often the question is asked, also anew for what the request includes."""
    asked = 1 if request.config.coverage is None else 1 + engine.conformal.ASKINGS
    if not request.include & {Inclusion.WHY, Inclusion.COUNTERFACTUAL}:
        return asked
    return asked + engine.subsets_asked(len(request.cue.known_fields))


def _last(runtime: Runtime, turn: Turn, request: CompleteRequest) -> Completion:
    """The completion without what happens on the way; given up between two steps when nobody waits any more."""
    began = perf_counter()

    def goes_on() -> bool:
        """Let others have their turn; whether anybody waits for this one."""
        nonlocal began
        turn.pause(perf_counter() - began)
        began = perf_counter()
        return not turn.has_left

    for event in unfold(runtime, turn.memory, request, goes_on=goes_on):
        if isinstance(event, Completion):
            return event
        if not goes_on():
            break
    raise DeadlineExceeded("Nobody waits for the completion any more.")


def _not_reached(done: int, asked: int) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"The time was up after {done} of {asked} items; ask for the others anew.",
        context={"items_done": done, "items": asked},
        headers={"Retry-After": "1"},
    )


@watching.completions
def unfold(
    runtime: Runtime, memory: SpaceMemory, request: CompleteRequest, *, goes_on: Callable[[], bool] = lambda: True
) -> Generator[Retrieved | FieldAnswer | Sweep | Answer | Completion, None, None]:
    """The completion as it happens: the engine's own events, then what is answered."""
    started = perf_counter()
    whole, memory = memory, asof.standing(memory, request.as_of)
    reading = cues.read(memory, request.cue)
    request = replace(request, cue=reading.given)
    cue = _cue_input(memory, reading)
    if not memory.traces.size:
        raise refusals.nothing_by_then(whole) if whole.traces.size else refusals.empty_space()
    targets = targets_of(memory, request)
    if request.targets and not targets:
        raise refusals.given_targets(request, partial(_works, runtime, memory))
    if not targets:
        raise refusals.nothing_to_complete(memory, request)
    if not any(name in memory.traces.columns for name in targets):
        raise refusals.unknown_targets(memory, request, targets, partial(_works, runtime, memory))
    answer: Answer | None = None
    try:
        for event in engine.steps(memory.traces, cue, _options(runtime, request, targets), memory.schema()):
            yield event
            answer = event if isinstance(event, Answer) else None
    except NotConverged as failure:
        raise not_converged(failure) from failure
    assert answer is not None
    if memory is whole:
        cuenoise.note(runtime, memory, answer)
    if all(gate.against(request, field) for field in answer.fields.values()):
        raise refusals.insufficient_evidence(memory, request, answer, reading.notes, partial(_works, runtime, memory))
    notes = (
        *reading.notes,
        *cues.exchanged(answer),
        *(cues.unknown_field(memory, name) for name in targets if name not in memory.traces.columns),
    )
    completion = replace(_reply(memory, request, answer, (perf_counter() - started) * 1e3), cue_notes=notes)
    if request.include or request.config.coverage is not None:
        named = [name for name in answer.fields if name in completion.fields]
        completion = replace(
            completion,
            why=reasons.why(memory, request, answer, named, goes_on),
            ask_next=reasons.ask_next(request, answer),
            sets=valuesets.sets(memory, request.config.coverage, answer, named, goes_on),
            current=reasons.current(memory, request, answer),
        )
    if memory is whole:
        runtime.recent.note(completion.completion_id, memory.space.uid, _told(completion, answer, request))
    yield completion


def read_cue(memory: SpaceMemory, cue: Cue) -> tuple[CueInput, tuple[CueNote, ...]]:
    """The cue in the engine's terms, and how it was read; raises DimensionMismatch."""
    reading = cues.read(memory, cue)
    return _cue_input(memory, reading), reading.notes


def _cue_input(memory: SpaceMemory, reading: cues.Reading) -> CueInput:
    vector, cue = None, reading.given
    if cue.partial_embedding is not None:
        vector = to_array(cue.partial_embedding)
        _check_dimensions(memory, len(vector))
    return CueInput(reading.values, vector, cue.cue_strength, memory.moments(cue.temporal_context))


def _options(runtime: Runtime, request: CompleteRequest, targets: tuple[str, ...]) -> Options:
    return Options(
        targets,
        max_sweeps=request.config.max_iterations,
        hard_cap=runtime.settings.max_sweeps,
        pattern_weight=request.config.pattern_weight,
        prior_stored=request.config.prior_stored,
        settles=request.verbose,
    )


def _works(runtime: Runtime, memory: SpaceMemory, request: CompleteRequest) -> float | None:
    """The confidence with which a request would be answered, None where it would be refused; notes nothing."""
    try:
        reading = cues.read(memory, request.cue)
        request = replace(request, cue=reading.given)
        options = _options(runtime, request, targets_of(memory, request))
        answer = engine.complete(memory.traces, _cue_input(memory, reading), options, memory.schema())
    except NotConverged:
        return None
    passed = [field.confidence for name, field in answer.fields.items() if gate.against(request, field) is None]
    return sum(passed) / len(passed) if passed else None


def _check_dimensions(memory: SpaceMemory, found: int) -> None:
    expected = memory.space.embedding_dimensions
    if expected is None or found == expected:
        return
    pointer = "/partial_episode/partial_embedding"
    raise DimensionMismatch(
        f"The cue's vector has {found} dimensions, the space's have {expected}. "
        "Send null for the dimensions that are not known.",
        context={"expected_dimensions": expected, "actual_dimensions": found},
        violations=(Violation(pointer, "DIMENSION_MISMATCH", f"{expected} dimensions", f"{found} dimensions"),),
    )


def targets_of(memory: SpaceMemory, request: CompleteRequest) -> tuple[str, ...]:
    """The fields to complete: those asked for, or all that the space has, without what the cue gives."""
    wanted = memory.traces.columns if request.targets is None else request.targets
    given = cues.known(memory, request.cue.known_fields)
    return tuple(dict.fromkeys(name for name in wanted if name not in given))


def _reply(memory: SpaceMemory, request: CompleteRequest, answer: Answer, elapsed_ms: float) -> Completion:
    """Gate every field, and word what passes."""
    abstained = gate.left_out(request, answer)
    passed = {name: field for name, field in answer.fields.items() if name not in abstained}
    confidence = sum(field.confidence for field in passed.values()) / len(passed)
    fields = {**request.cue.known_fields, **{name: field.value for name, field in passed.items()}}
    core = Completion(f"cmp_{secrets.token_hex(12)}", fields, confidence, abstained, intervals_of(passed.values()))
    return _explained(memory, request, answer, core, elapsed_ms) if request.verbose else core


def intervals_of(fields: Iterable[FieldAnswer]) -> dict[str, Interval]:
    """Where the numbers and times among the fields lie."""
    return {
        field.name: Interval(field.interval.low, field.interval.high, field.interval.mass)
        for field in fields
        if field.interval is not None
    }


def _told(completion: Completion, answer: Answer, request: CompleteRequest) -> list[Told]:
    """What feedback needs of every completed field; a number or a time by its place.

    Who tells whether a stored event is meant asks of that one; it says nothing of the space's other cues.
    """
    is_told = request.config.pattern_weight is not None or request.config.prior_stored is not None
    sources = {name: attribution.source for name, attribution in completion.attribution.items()}
    return [
        (
            name,
            engine.canonical(field.value) if field.tolerance is None else engine.place(field.value),
            field.confidence,
            sources.get(name, ""),
            None if is_told else (*engine.prior.reading(answer.posterior, name),),
            field.tolerance,
        )
        for name, field in answer.fields.items()
        if name not in completion.abstained
    ]


def _explained(
    memory: SpaceMemory, request: CompleteRequest, answer: Answer, core: Completion, elapsed_ms: float
) -> Completion:
    """The verbose completion: the core and everything behind it."""
    started = perf_counter()
    explanation = engine.explain(answer, request.config.num_hypotheses)
    attribution = {
        name: Attribution(Source.GIVEN, 1.0 - explanation.suspects.get(name, 0.0) * answer.match)
        for name in request.cue.known_fields
    }
    for name, why in explanation.fields.items():
        if name in core.abstained:
            continue
        evidence = tuple(Evidence(memory.ids[s.row], s.weight, s.similarity) for s in why.support)
        masses: dict[Source, float] = {
            source: getattr(why.masses, source) for source in Source if source is not Source.GIVEN
        }
        attribution[name] = Attribution(Source(why.source), answer.fields[name].confidence, masses, evidence)
    hypotheses = tuple(
        Hypothesis(
            {**request.cue.known_fields, **other.values},
            other.confidence,
            tuple(n for n, v in other.values.items() if v != answer.fields[n].value),
        )
        for other in explanation.hypotheses
    )
    stats = _stats(memory, answer, explanation, elapsed_ms, (perf_counter() - started) * 1e3)
    return replace(
        core,
        embedding=explanation.vector,
        attribution=attribution,
        hypotheses=hypotheses,
        metacognitive_confidence=explanation.metacognition,
        stats=stats,
    )


def _stats(
    memory: SpaceMemory, answer: Answer, explanation: engine.Explanation, complete_ms: float, explain_ms: float
) -> ReconstructionStats:
    patterns = {p.pattern_id for why in explanation.fields.values() for p in why.patterns}
    return ReconstructionStats(
        ca3_iterations=answer.iterations,
        convergence_achieved=answer.converged,
        energy=answer.energy,
        cue_overlap=answer.overlap,
        candidates=len(answer.posterior.rows),
        match_confidence=answer.match,
        plausibility_score=explanation.plausibility,
        engine_version=engine.VERSION,
        space_revision=memory.revision,
        pattern_sources=tuple(sorted(patterns)),
        suspect_fields=_notable(explanation.suspects),
        fields_without_evidence=answer.without_evidence,
        timings_ms={"complete": round(complete_ms, 3), "explain": round(explain_ms, 3)},
    )


def _notable(suspects: Mapping[str, float]) -> dict[str, float]:
    """The cue fields that are suspected at all."""
    return {name: suspicion for name, suspicion in suspects.items() if suspicion > 0.01}


def not_converged(failure: NotConverged) -> ConvergenceFailure:
    """The failure of dynamics that found no fixed point."""
    return ConvergenceFailure(
        f"The CA3 dynamics found no fixed point: after {failure.iterations} sweeps the energy stood at "
        f"{failure.energy:.4f} nats and the weights still moved by {failure.change:.4f}.",
        context={"iterations": failure.iterations, "energy_nats": failure.energy, "change": failure.change},
        diagnosis=Diagnosis(
            "ca3_dynamics",
            "The attractor met its hard cap of sweeps before its criterion.",
            (
                Measurement("iterations", failure.iterations, unit="sweeps"),
                Measurement("change", failure.change, 1e-3),
            ),
        ),
    )
