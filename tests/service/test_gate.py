"""Which fields are part of an answer, at the boundary of the threshold."""

from __future__ import annotations

import pytest

from engine import FieldAnswer, RefusalGround, Shares
from recollect.model import CompleteRequest, CompletionConfig, Cue
from recollect.service import gate

GROUND = RefusalGround("uninformed", "told_bits", 0.1, 0.25)


def asked(threshold: float | None) -> CompleteRequest:
    return CompleteRequest(Cue({"what": "tea"}), config=CompletionConfig(ca1_threshold=threshold))


def answer(confidence: float, ground: RefusalGround | None = None) -> FieldAnswer:
    return FieldAnswer("where", "kitchen", 0, confidence, Shares(confidence, 0.5, 0.0), ground)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_a_field_as_certain_as_the_threshold_is_answered_whatever_there_is_against_it(threshold: float) -> None:
    assert gate.against(asked(threshold), answer(threshold, GROUND)) is None


def test_without_a_threshold_one_half_is_enough_and_a_ground_refuses() -> None:
    assert gate.against(asked(None), answer(0.5)) is None
    assert gate.against(asked(None), answer(0.9, GROUND)) == (
        "uninformed: the cue tells 0.10 bits of it, 0.25 are needed"
    )


def test_a_number_short_of_the_threshold_is_never_shown_as_reaching_it() -> None:
    assert gate.against(asked(0.7), answer(0.6999)) == "below ca1_threshold: 0.69 < 0.7"
