"""Where an answer comes from, at the boundaries of its rules."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from engine.answer.attribution import AnswerParts, Masses, attribute, base_share, episode_share
from engine.priors import CLAIMED, RECALL_MIN_MASS, RUNNER_UP_MAX_RATIO

# One event carries the answer; half of what generalisation adds is the episodes'.
PARTS = AnswerParts(
    total=0.9,
    background=0.1,
    recollection=0.85,
    top_trace=0.84,
    rival_trace=0.0,
    generalisation=0.4,
    kernel_only=0.2,
    schema_only=0.2,
)
EVEN = Masses(0.9, 0.05, 0.05, 0.0)


def test_one_event_carries_an_answer_from_the_least_mass_on() -> None:
    at = replace(PARTS, top_trace=RECALL_MIN_MASS)
    assert EVEN.label(at) == "recalled"
    assert EVEN.label(replace(at, top_trace=math.nextafter(RECALL_MIN_MASS, 0.0))) == "reconstructed"


def test_a_rival_event_may_have_a_third_of_it() -> None:
    top = 0.81
    rival = RUNNER_UP_MAX_RATIO * top
    assert rival / top == RUNNER_UP_MAX_RATIO
    assert EVEN.label(replace(PARTS, top_trace=top, rival_trace=rival)) == "recalled"
    assert EVEN.label(replace(PARTS, top_trace=top, rival_trace=rival * (1.0 + 1e-9))) == "reconstructed"


def test_a_source_is_claimed_from_an_even_chance_on() -> None:
    masses = Masses(0.0, 0.7, 0.2, 0.1)
    assert masses.label(replace(PARTS, total=CLAIMED)) == "reconstructed"
    assert masses.label(replace(PARTS, total=math.nextafter(CLAIMED, 0.0))) == "imagined"


def test_what_the_cue_does_not_identify_is_not_recalled_and_ties_go_to_the_weaker_claim() -> None:
    assert EVEN.label(PARTS, is_identified=False) == "reconstructed"
    assert Masses(0.0, 0.4, 0.4, 0.2).label(PARTS) == "consolidated"
    assert Masses(0.0, 0.2, 0.3, 0.5).label(PARTS) == "imagined"


def test_evidence_that_is_spread_outweighs_a_base_rate_larger_than_each_of_its_parts() -> None:
    assert Masses(0.2, 0.15, 0.22, 0.43).label(PARTS, is_identified=False) == "reconstructed"
    assert Masses(0.1, 0.1, 0.4, 0.4).label(PARTS) == "consolidated"


def shapley(parts: AnswerParts) -> float:
    """The share of the episodes by both orders in which they and the schema can come, clipped at 0."""
    m, e, s, both = (
        math.log(x) for x in (parts.background, parts.kernel_only, parts.schema_only, parts.generalisation)
    )
    first, last = e - m, both - s
    episodes, schema = max(0.0, (first + last) / 2), max(0.0, ((s - m) + (both - e)) / 2)
    return episodes / (episodes + schema)


@pytest.mark.parametrize(("kernel", "schema"), [(0.2, 0.2), (0.3, 0.15), (0.15, 0.35), (0.05, 0.4)])
def test_the_share_of_the_episodes_is_the_shapley_value(kernel: float, schema: float) -> None:
    parts = replace(PARTS, kernel_only=kernel, schema_only=schema)
    assert episode_share(parts) == pytest.approx(shapley(parts))


def test_the_masses_are_those_of_the_formula_and_sum_to_one() -> None:
    parts = replace(PARTS, top_trace=0.5, supporters=16.0)
    masses = attribute(parts)
    prior, recollected, top = (0.1 / 0.9) / (0.9 / 0.1), 0.85 / 0.9, 0.5 / 0.9
    rest = (1.0 - recollected) * (1.0 - prior)
    shared = (recollected - top) * (1.0 - prior) + rest * 0.5
    expected = (top, shared * 0.5, shared * 0.5 + rest * 0.5)
    assert (masses.recalled, masses.reconstructed, masses.consolidated) == pytest.approx(expected)
    assert masses.recalled + masses.reconstructed + masses.consolidated + masses.imagined == pytest.approx(1.0)


@pytest.mark.parametrize(("base", "total"), [(0.6, 0.95), (0.02, 0.5), (0.9, 0.92), (0.5, 0.5)])
def test_the_base_rate_has_what_the_largest_share_of_a_mixture_gives_it(base: float, total: float) -> None:
    shares = [a / 1000.0 for a in range(1001)]
    largest = max(a for a in shares if total >= a * base and 1.0 - total >= a * (1.0 - base) - 1e-12)
    assert base_share(replace(PARTS, background=base, total=total)) == pytest.approx(largest * base / total, abs=1e-3)


def test_a_sure_answer_of_a_field_with_two_values_is_not_the_base_rates() -> None:
    parts = replace(PARTS, background=0.6, total=0.95, recollection=0.0, top_trace=0.0, supporters=2.0)
    assert attribute(parts).imagined == pytest.approx(1.5 / 19.0)
    assert attribute(parts).label(parts) != "imagined"
    assert base_share(replace(parts, background=0.95)) == base_share(replace(parts, background=0.99)) == 1.0
