"""What is not known: doubts and coherence counted one by one, value of information by a double loop."""

from __future__ import annotations

import numpy as np
import pytest

from engine import CueInput, Options, attach, complete
from engine.answer.abstention import (
    cue_overlap,
    information_bits,
    needed_nats,
    refusal_ground,
    uncertain_bits,
    value_of_information,
)
from engine.generalisation.distribution import background
from engine.memory.columns import Column
from engine.priors import COHERENT_NATS, IDENTIFY_MARGIN_NATS, IS_STORED, TOLD_BITS
from tests.engine import oracle
from tests.engine.worlds import NAMES, random_cue, random_records, traces_of


@pytest.mark.parametrize("seed", range(60))
def test_the_value_of_information_is_that_of_a_double_loop_and_never_negative(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, met, wanted = int(rng.integers(5, 60)), int(rng.integers(1, 6)), int(rng.integers(1, 5))
    known_m = rng.dirichlet(np.ones(met + 3)) * 0.9  # three values that no candidate has, and a share for new ones
    wanted_m = rng.dirichlet(np.ones(wanted)) * 0.9
    known = rng.integers(-1, met, size).astype(np.int32)
    answers = rng.integers(-1, wanted, size).astype(np.int32)
    known[:wanted], answers[:wanted] = 0, np.arange(wanted)  # every answer occurs
    weights = rng.exponential(size=size)
    before, after = value_of_information(known, answers, weights, known_m, wanted_m)
    episodes = [
        (f"v{v}", f"y{y}", float(w)) for v, y, w in zip(known, answers, weights, strict=True) if v >= 0 and y >= 0
    ]
    expected = oracle.value_of_information(
        episodes,
        {f"v{i}": float(m) for i, m in enumerate(known_m)},
        {f"y{i}": float(m) for i, m in enumerate(wanted_m)},
    )
    assert after - before >= 0.0
    assert after - before == pytest.approx(expected, abs=1e-12)


def test_a_field_that_decides_the_answer_is_worth_all_that_is_missing_and_an_independent_one_nothing() -> None:
    answers = np.arange(4, dtype=np.int32).repeat(4)
    independent = np.tile(np.arange(4, dtype=np.int32), 4)
    even = np.full(4, 0.25)
    before, after = value_of_information(answers, answers, np.ones(16), even, even)
    assert (before, after) == (pytest.approx(0.25), pytest.approx(0.9 + 0.1 * 0.25))
    before, after = value_of_information(independent, answers, np.ones(16), even, even)
    assert after == pytest.approx(before)


def test_a_misspelt_cue_of_a_stored_event_is_answered() -> None:
    records = [{"what": f"{w}ing", "where": f"place {w}"} for w in ("runn", "swimm", "cook", "paint", "read") * 12]
    traces = traces_of(records)
    answer = complete(traces, CueInput({"what": "swiming"}), Options(("where",)), attach(traces))
    assert answer.fields["where"].ground is None


@pytest.mark.parametrize("seed", range(60))
def test_the_coherence_of_a_cue_is_that_of_counting_every_pair(seed: int) -> None:
    records = random_records(seed, size=int(np.random.default_rng(seed).integers(1, 120)), missing=0.3)
    traces = traces_of(records)
    cue = {name: value for name, value in random_cue(records, seed).items() if name in traces.columns}
    answer = complete(traces, CueInput(cue), Options(()), attach(traces))
    assert answer.posterior.coherence == pytest.approx(oracle.coherence(records, cue), abs=1e-5)


def two_worlds() -> list[dict[str, str]]:
    """Events of two kinds that share no value but those of `mood`, which says nothing; each at a `time` of its own."""
    kinds = [dict(zip("abcde", NAMES[:5], strict=True)), dict(zip("abcde", NAMES[5:], strict=True))]
    return [kinds[n % 2] | {"mood": f"mood {n // 2 % 3}", "time": f"{NAMES[n % 10]}{n}"} for n in range(120)]


def doubts(cue: dict[str, str], targets: tuple[str, ...]) -> dict[str, str | None]:
    traces = traces_of(two_worlds())
    answer = complete(traces, CueInput(cue), Options(targets), attach(traces))
    return {name: field.ground and field.ground.reason for name, field in answer.fields.items()}


ONE, OTHER = two_worlds()[:2]


def of(world: dict[str, str], *names: str) -> dict[str, str]:
    return {name: world[name] for name in names}


def test_there_is_no_doubt_about_the_cue_of_a_stored_event_nor_with_one_field_damaged() -> None:
    assert doubts(of(ONE, "a", "b", "c", "d"), ("e",)) == {"e": None}
    assert doubts(of(ONE, "a"), ("e",)) == {"e": None}
    for name in "abcd":
        assert doubts(of(ONE, "a", "b", "c", "d", "time") | of(OTHER, name), ("e",)) == {"e": None}
        assert doubts(of(ONE, "a", "b", "c", "d", "time") | {name: "unheard of"}, ("e",)) == {"e": None}


def test_a_cue_of_two_worlds_contradicts_itself() -> None:
    assert doubts(of(ONE, "a", "b") | of(OTHER, "c", "d"), ("e",)) == {"e": "contradictory_cue"}
    assert doubts(of(ONE, "a") | of(OTHER, "b"), ("c", "d")) == {"c": "contradictory_cue", "d": "contradictory_cue"}


def test_a_cue_of_another_world_and_one_that_says_nothing_inform_of_nothing() -> None:
    assert doubts({"a": "unheard", "b": "of", "c": "xylem"}, ("d", "e")) == {"d": "uninformed", "e": "uninformed"}
    assert doubts({}, ("a", "mood")) == {"a": "uninformed", "mood": "uninformed"}


@pytest.mark.parametrize(
    ("match", "supplied", "coherence", "told", "reason"),
    [
        (0.25, 0.1, -9.0, 0.0, None),  # a stored event needs no other ground
        (0.24, 0.1, 0.0, 0.25, None),
        (0.24, 0.1, -0.01, 9.0, "contradictory_cue"),
        (0.24, 0.1, 0.0, 0.24, "uninformed"),
        (0.99, 0.0, -9.0, 0.0, "uninformed"),  # it fits, but it would fit anything
        (0.24, 0.0, 0.0, 9.0, "uninformed"),  # a learned head tells something of any cue
        (0.99, 0.0, -9.0, 0.25, None),  # a misspelt cue of a stored event
    ],
)
def test_a_field_is_in_doubt_by_the_numbers(
    match: float, supplied: float, coherence: float, told: float, reason: str | None
) -> None:
    found = refusal_ground(match, supplied, coherence, told)
    assert (found and found.reason) == reason
    if found is not None:
        assert found.measured <= found.required


@pytest.mark.parametrize(
    ("episodes", "others", "is_open"), [(3, 0, True), (12, 0, False), (98, 2, False), (90, 10, True)]
)
def test_base_rates_that_leave_little_open_are_told_from_those_that_do(
    episodes: int, others: int, is_open: bool
) -> None:
    column = Column("fraud")
    for _ in range(episodes):
        column.append(False)
    for _ in range(others):
        column.append(True)
    assert (uncertain_bits(background(column)) >= TOLD_BITS) is is_open


def test_every_rule_of_refusal_holds_on_one_side_of_its_boundary_alone() -> None:
    below, above = IS_STORED - 1e-9, COHERENT_NATS - 1e-9
    assert refusal_ground(IS_STORED, 1.0, above, TOLD_BITS) is None  # as likely stored as it must be
    assert refusal_ground(below, 1.0, COHERENT_NATS, TOLD_BITS) is None  # as coherent, and tells as much
    contradicts, says_little, is_new = (
        refusal_ground(below, 1.0, above, TOLD_BITS),
        refusal_ground(below, 1.0, 1.0, TOLD_BITS - 1e-9),
        refusal_ground(below, 0.0, 1.0, TOLD_BITS),
    )
    assert [each and each.measure for each in (contradicts, says_little, is_new)] == [
        "cue_coherence_nats",
        "told_bits",
        "supplied_nats",
    ]
    assert refusal_ground(below, 1e-9, 1.0, TOLD_BITS) is None


def test_what_identifies_an_episode_grows_with_their_number() -> None:
    assert needed_nats(1000) == pytest.approx(np.log(1000) + IDENTIFY_MARGIN_NATS)
    assert cue_overlap(needed_nats(1000) / 4, 1000) == pytest.approx(0.25)
    assert (cue_overlap(1e9, 1000), cue_overlap(-1.0, 1000)) == (1.0, 0.0)


def test_what_a_cue_told_is_the_divergence_from_the_base_rates_whatever_they_sum_to() -> None:
    p, m = np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.25, 0.5])
    expected = 0.5 * 1.0 + 0.0 - 0.25
    assert information_bits(p, m) == pytest.approx(expected)
    assert information_bits(p, 0.6 * m) == pytest.approx(expected)
