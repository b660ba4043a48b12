"""How probable a statement is, given a cue."""

from __future__ import annotations

import math
from functools import partial

import engine
from engine import Condition, Options
from recollect.errors import DeadlineExceeded, InvalidRequest, Violation
from recollect.memory import SpaceMemory
from recollect.memory.space import FIXED_CELLS
from recollect.model import CompleteRequest, ProbabilityRequest, Scope, StatementProbability
from recollect.service import asof, refusals
from recollect.service.completions import read_cue
from recollect.service.fieldnames import meant
from recollect.service.runtime import Runtime
from recollect.service.turns import Turn


async def probability(runtime: Runtime, scope: Scope, request: ProbabilityRequest) -> StatementProbability:
    """The probability that all conditions hold; raises InvalidRequest, and InsufficientEvidence of unknown fields."""
    _check(request)
    async with runtime.turns.at(scope, partial(_cells, request)) as turn:
        return await turn.run(partial(_probability, turn, request))


def _cells(request: ProbabilityRequest, memory: SpaceMemory) -> float:
    asked = 1 if len(request.statement) == 1 else engine.MOST_ASKED
    touched = memory.traces.size * (len(request.cue.known_fields) + 1) * asked
    return FIXED_CELLS + touched + asof.cells(memory, request.as_of)


def _probability(turn: Turn, request: ProbabilityRequest) -> StatementProbability:
    memory = asof.standing(turn.memory, request.as_of)
    if not memory.traces.size:
        raise refusals.nothing_by_then(turn.memory) if turn.memory.traces.size else refusals.empty_space()
    cue, notes = read_cue(memory, request.cue)
    names = tuple(each.field for each in request.statement)
    unknown = [name for name in names if name not in memory.traces.columns]
    if unknown:
        asked = CompleteRequest(request.cue, tuple(unknown))
        refusal = refusals.unknown_targets(memory, asked, unknown, lambda _: None)
        places: dict[tuple[str, ...], str] = {
            ("statement", str(n), "field"): name for n, name in enumerate(names) if name in unknown
        }
        refusal.suggestions = (meant(places, memory.traces.columns),)
        raise refusal
    conditions = [
        Condition(each.field, each.one_of, each.at_least, each.at_most, each.negated) for each in request.statement
    ]
    options = Options(names, pattern_weight=request.pattern_weight, prior_stored=request.prior_stored)
    found = engine.probability(memory.traces, cue, conditions, options, memory.schema(), lambda: not turn.has_left)
    if turn.has_left:
        raise DeadlineExceeded("Nobody waits for the probability any more.")
    return StatementProbability(found.probability, found.low, found.high, found.alone, notes)


def _check(request: ProbabilityRequest) -> None:
    """Raise InvalidRequest for conditions that say nothing, or something of what is given."""
    faults = []
    seen: set[str] = set()
    for index, each in enumerate(request.statement):
        at = f"/statement/{index}"
        has_range = each.at_least is not None or each.at_most is not None
        if bool(each.one_of) == has_range:
            faults.append(Violation(at, "CONDITION", "either one_of or at_least and at_most", "both or neither"))
        for name in ("at_least", "at_most"):
            bound = getattr(each, name)
            if bound is not None and math.isnan(engine.place(bound)):
                faults.append(Violation(f"{at}/{name}", "NOT_ON_A_LINE", "a number or a time", type(bound).__name__))
        if each.field in seen or each.field in request.cue.known_fields:
            faults.append(Violation(f"{at}/field", "NOT_UNIQUE", "a field named once", "a field named before"))
        seen.add(each.field)
    if faults:
        raise InvalidRequest(
            f"The statement cannot be read at {faults[0].pointer}: expected {faults[0].expected}, "
            f"found {faults[0].actual}.",
            code="BAD_STATEMENT",
            context={"violations": len(faults)},
            violations=tuple(faults),
        )
