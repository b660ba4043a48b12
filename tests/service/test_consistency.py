"""An answer cannot contradict itself: whatever the space, whatever the cue, alone, as one of many, or as a stream."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import parse_time
from recollect import service
from recollect.errors import InsufficientEvidence
from recollect.memory import Memories
from recollect.model import (
    CompleteRequest,
    Completion,
    CompletionConfig,
    Cue,
    PartialResult,
    Scope,
    SpaceDraft,
)
from recollect.service.runtime import Runtime
from recollect.settings import Settings
from recollect.store.sqlite import SQLiteStore

Record = dict[str, Any]
Run = Callable[[Any], Any]

FIELDS = {
    "kind": st.sampled_from(["alba", "quito", "fjord"]),
    "other": st.sampled_from(["alba", "quito", "numbo", "zicks"]),
    "flag": st.booleans(),
    "count": st.integers(0, 4),
    "heat": st.floats(-30, 40).map(lambda x: round(x, 1)),
    "amount": st.floats(0, 1e9).map(lambda x: round(x, 2)),
    "day": st.dates().map(str),
    "note": st.text("ab c", min_size=1, max_size=12).filter(lambda text: bool(text.strip())),
}
RECORDS = st.fixed_dictionaries({}, optional=FIELDS).filter(bool)
SPACES = st.lists(RECORDS, min_size=1, max_size=25)
CONFIGS = st.builds(
    CompletionConfig, st.sampled_from([None, 0.0, 0.2, 1.0]), st.integers(0, 6), st.none(), st.sampled_from([None, 1.0])
)
TARGETS = st.none() | st.lists(st.sampled_from([*FIELDS, "itme"]), min_size=1, max_size=4, unique=True).map(tuple)
NUMBERS = itertools.count()
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Runtime, Run]]:
    """A service, and the loop that runs it."""
    folder, loop = tmp_path_factory.mktemp("consistency"), asyncio.new_event_loop()
    store = SQLiteStore(folder / "recollect.db")
    store.open()
    yield Runtime(Settings(data=folder, max_spaces=10_000), store, Memories(store)), loop.run_until_complete
    loop.run_until_complete(store.close())
    loop.close()


def space_of(world: tuple[Runtime, Run], records: list[Record]) -> Scope:
    runtime, run = world
    scope = Scope(f"space-{next(NUMBERS)}")
    run(service.put_space(runtime, scope, SpaceDraft()))
    run(service.import_episodes(runtime, scope, records))
    return scope


async def streamed(runtime: Runtime, scope: Scope, request: CompleteRequest) -> list[Any]:
    return [event async for event in service.complete_stream(runtime, scope, request)]


def asked(world: tuple[Runtime, Run], scope: Scope, request: CompleteRequest) -> Completion | None:
    """The answer; None for a refusal, which the stream gives then, too."""
    runtime, run = world
    try:
        completion: Completion = run(service.complete(runtime, scope, request))
    except InsufficientEvidence:
        with pytest.raises(InsufficientEvidence):
            run(streamed(runtime, scope, request))
        return None
    return completion


@given(records=SPACES, cue=st.fixed_dictionaries({}, optional=FIELDS), targets=TARGETS, config=CONFIGS)
@FEW
def test_an_answer_does_not_contradict_itself(
    world: tuple[Runtime, Run], records: list[Record], cue: Record, targets: tuple[str, ...] | None, config: Any
) -> None:
    scope = space_of(world, records)
    request = CompleteRequest(Cue(cue), targets, config, verbose=True)
    answer = asked(world, scope, request)
    if answer is None:
        return
    completed = {name: value for name, value in answer.fields.items() if name not in cue}
    assert completed, "a confidence without a completed field"
    assert not completed.keys() & answer.abstained.keys()
    confidences = [answer.attribution[name].confidence for name in completed]
    assert answer.completion_confidence == pytest.approx(sum(confidences) / len(confidences))
    for name, value in completed.items():
        origin = answer.attribution[name]
        assert 0.0 <= origin.confidence <= 1.0
        assert math.fsum(origin.masses.values()) == pytest.approx(1.0)
        for other in answer.hypotheses:
            if name in other.differs_in:
                assert other.confidence <= origin.confidence + 1e-9
        interval = answer.intervals.get(name)
        if interval is not None:
            low, high = (
                end if isinstance(end, (int, float)) else parse_time(str(end)) for end in (interval.low, interval.high)
            )
            here = value if isinstance(value, (int, float)) else parse_time(str(value))
            assert low <= here <= high
            assert 0.0 < interval.mass <= 1.0
    assert answer.completion_confidence + math.fsum(h.confidence for h in answer.hypotheses) <= 1.0 + 1e-9
    streams_the_same(world, scope, request, answer)


def streams_the_same(world: tuple[Runtime, Run], scope: Scope, request: CompleteRequest, answer: Completion) -> None:
    runtime, run = world
    *events, final = run(streamed(runtime, scope, request))
    partial = [field for event in events if isinstance(event, PartialResult) for field in event.fields]
    assert {f.name: (f.value, f.confidence, f.interval) for f in partial} == {
        name: (value, answer.attribution[name].confidence, answer.intervals.get(name))
        for name, value in answer.fields.items()
        if name not in request.cue.known_fields
    }
    for part in ("fields", "completion_confidence", "abstained", "intervals", "attribution", "hypotheses"):
        assert getattr(final, part) == getattr(answer, part)


def test_an_unknown_target_is_refused_even_where_every_field_is_answered(world: tuple[Runtime, Run]) -> None:
    scope = space_of(world, [{"item": "tea", "cup": "blue"}] * 3)
    request = CompleteRequest(Cue({"cup": "blue"}), ("itme",), CompletionConfig(0.0, 3, None, None))
    assert asked(world, scope, request) is None


def test_a_cue_that_has_all_that_is_asked_for_is_refused(world: tuple[Runtime, Run]) -> None:
    runtime, run = world
    scope = space_of(world, [{"item": "tea", "cup": "blue"}] * 3)
    with pytest.raises(InsufficientEvidence, match="nothing to complete"):
        run(service.complete(runtime, scope, CompleteRequest(Cue({"item": "tea", "cup": "blue"}))))
