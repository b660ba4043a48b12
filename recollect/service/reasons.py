"""Why a completion came out as it did, what would have changed it, and what to ask next: in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import orjson

import engine
from engine import Answer, Counterfactual, Reasons
from recollect.memory import SpaceMemory
from recollect.model import (
    AskNext,
    CompleteRequest,
    Contribution,
    CurrentValue,
    FieldValue,
    Inclusion,
    PartGroup,
    Why,
    WhyNot,
)
from recollect.times import rfc3339

ASKED_NEXT = 5
LEAST_GAIN = 0.005  # what raises a confidence by less is not worth a question
NAMED = 3  # contributions in a sentence
FELT_NATS = 0.05  # less changes the odds by hardly 5 %
LONGEST_SHOWN = 40
# What takes part in a cue beside its fields, as a sentence names it.
_FURTHER = {"partial_embedding": "the vector", "temporal_context": "the time around it"}


def why(
    memory: SpaceMemory, request: CompleteRequest, answer: Answer, names: Sequence[str], goes_on: Callable[[], bool]
) -> Mapping[str, Why]:
    """The reasons of the completed fields, where they were asked for."""
    with_counterfactuals = Inclusion.COUNTERFACTUAL in request.include
    if not with_counterfactuals and Inclusion.WHY not in request.include:
        return {}
    found = engine.reasons(answer, names, with_counterfactuals=with_counterfactuals, goes_on=goes_on)
    return {name: _why(memory, request, answer, name, each) for name, each in found.items()}


def ask_next(request: CompleteRequest, answer: Answer) -> tuple[AskNext, ...]:
    """Which fields, once known, would raise a confidence most, where that was asked for."""
    if Inclusion.ASK_NEXT not in request.include:
        return ()
    return tuple(
        AskNext(item.field, item.target, item.before, item.after)
        for item in engine.advise(answer)[:ASKED_NEXT]
        if item.gain >= LEAST_GAIN
    )


def current(memory: SpaceMemory, request: CompleteRequest, answer: Answer) -> Mapping[str, CurrentValue]:
    """What the latest episode with all that the cue says tells of each target, where that was asked for."""
    if Inclusion.CURRENT not in request.include:
        return {}
    cue, times = answer.posterior.cue.values, memory.traces.times
    told = {name: engine.current(memory.traces, cue, name) for name in answer.fields}
    return {
        name: CurrentValue(
            each.value,
            memory.ids[each.row],
            rfc3339(float(times[each.row])),
            rfc3339(float(times[each.since])),
            each.in_a_row,
            each.episodes,
            each.before,
            each.confidence,
        )
        for name, each in told.items()
        if each is not None
    }


def _why(memory: SpaceMemory, request: CompleteRequest, answer: Answer, name: str, found: Reasons) -> Why:
    known, field = request.cue.known_fields, answer.fields[name]
    parts = tuple(Contribution(each.part, each.nats, math.exp(each.nats)) for each in found.contributions)
    counterfactuals = [each for each in (found.without_parts, found.without_episodes) if each is not None]
    return Why(
        base=found.base,
        log_odds=found.log_odds,
        contributions=parts,
        method=found.method,
        groups=tuple(map(PartGroup, found.groups)),
        sentence=sentence(name, field.value, field.confidence, found.base, parts, known),
        counterfactuals=tuple(_why_not(memory, each) for each in counterfactuals),
    )


def _why_not(memory: SpaceMemory, found: Counterfactual) -> WhyNot:
    episodes = tuple(memory.ids[row] for row in found.rows)
    return WhyNot(found.without, episodes, found.value, found.confidence)


def sentence(
    name: str,
    value: FieldValue,
    confidence: float,
    base: float,
    parts: Sequence[Contribution],
    known: Mapping[str, FieldValue],
) -> str:
    """What a person would say of it: the answer, what it would be without the cue, and what in the cue did most."""
    by_itself = 1.0 / (1.0 + math.exp(-base))
    start = f"{name} is {shown(value)} with {_share(confidence)}; without the cue it would be {_share(by_itself)}."
    felt = [each for each in parts if abs(each.nats) >= FELT_NATS]
    if not felt:
        return f"{start} Nothing in the cue bears on it."
    said = [_said(each, known) for each in felt[:NAMED]]
    rest = sum(each.nats for each in felt[NAMED:])
    if len(felt) > NAMED:
        said.append(f"the other {len(felt) - NAMED} together: {_factor(rest)}")
    return f"{start} {_joined(said)}."


def _said(part: Contribution, known: Mapping[str, FieldValue]) -> str:
    named = _FURTHER.get(part.field, part.field)
    if part.field in known:
        named = f"{part.field} = {shown(known[part.field])}"
    return f"{named} {_factor(part.nats)}"


def _share(p: float) -> str:
    """A probability in per cent; none that is not certain reads as 100 % or 0 %."""
    return f"{p:.0%}" if 0.01 <= p <= 0.99 or p in {0.0, 1.0} else f"{min(p, 0.999):.1%}"


def _factor(nats: float) -> str:
    """How much a contribution changes the odds, in the way that is read without thinking."""
    times = math.exp(min(abs(nats), 50.0))
    told = f"{times:,.0f}" if times >= 10.0 else f"{times:.1f}"
    return f"multiplies the odds by {told}" if nats >= 0.0 else f"divides the odds by {told}"


def _joined(said: Sequence[str]) -> str:
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def shown(value: FieldValue) -> str:
    """A value in a sentence, cut where it is long."""
    text = f"‘{value}’" if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
