"""Ways are switches from outside: each changes what it says, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from bench.evaluation import coverage
from bench.evaluation.cache import Cache
from bench.evaluation.capacity import synthetic
from bench.evaluation.laboratory import Laboratory, laboratory
from bench.evaluation.seams import AS_IS, WAYS, Way

SPACE, SIZE = "seams", 300


@pytest.fixture(scope="module")
def service() -> Iterator[Laboratory]:
    with laboratory(Cache("tests", reads=False)) as made:
        records = [{**record, "amount": float(place % 7)} for place, record in enumerate(synthetic(SIZE))]
        made.store(SPACE, records)
        made.consolidate(SPACE)
        yield made


def told(service: Laboratory, way: Way | None = None) -> list[tuple[object, float, float]]:
    """Value, confidence and match of a few cues with one wrong field each."""
    found = []
    for record in synthetic(SIZE)[:6]:
        cue = {f"field{j}": record[f"field{j}"] for j in range(1, 6)} | {"field1": "v0"}
        for target in ("field0", "amount"):
            weight = None if way is None else way.weight
            answer = service.ask(SPACE, cue, [target], pattern_weight=weight, verbose=False).answer
            assert answer is not None
            found.append((answer.fields[target].value, answer.fields[target].confidence, answer.match))
    return found


@pytest.mark.parametrize("name", WAYS)
def test_a_way_leaves_nothing_behind(service: Laboratory, name: str) -> None:
    before = told(service)
    with WAYS[name].seam():
        told(service, WAYS[name])
    assert told(service) == before


@pytest.mark.parametrize(("name", "sign"), [("stricter gate", -1.0), ("laxer gate", 1.0)])
def test_the_gate_is_moved_by_four_nats_of_the_match(service: Laboratory, name: str, sign: float) -> None:
    def log_odds(answers: list[tuple[object, float, float]]) -> np.ndarray:
        match = np.array([m for _, _, m in answers])
        return np.log(match / (1.0 - match))

    before = log_odds(told(service))
    with WAYS[name].seam():
        moved = log_odds(told(service)) - before
    assert moved == pytest.approx(np.full(len(moved), 4.0 * sign), abs=1e-6)


@pytest.mark.parametrize("name", ["generalisation alone", "recollection alone", "half of either head", "closed form"])
def test_a_way_changes_the_confidences(service: Laboratory, name: str) -> None:
    before = [confidence for _, confidence, _ in told(service)]
    with WAYS[name].seam():
        after = [confidence for _, confidence, _ in told(service, WAYS[name])]
    assert after != before


def listed(service: Laboratory) -> list[list[tuple[str, ...]]]:
    """The whole events told of a few cues, the winner's first."""
    found = []
    for record in synthetic(SIZE)[:8]:
        targets = [f"field{j}" for j in range(4, 10)]
        reply = service.ask(SPACE, {f"field{j}": record[f"field{j}"] for j in range(4)}, targets)
        found.append(list(zip(*([str(v) for v, _ in reply.ranked(t)] for t in targets), strict=True)))
    return found


@pytest.mark.parametrize("name", coverage.WAYS)
def test_another_choice_of_hypotheses_leaves_the_winner_and_nothing_behind(service: Laboratory, name: str) -> None:
    before = listed(service)
    with coverage.WAYS[name][1]():
        other = listed(service)
    assert [events[0] for events in other] == [events[0] for events in before]
    assert (other == before) is (name == AS_IS)
    assert listed(service) == before
