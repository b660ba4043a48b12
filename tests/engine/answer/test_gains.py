"""What was worked out for one cue is kept for the next, up to a bound."""

from __future__ import annotations

from engine.answer.gains import _Kept
from engine.priors import ENTRY_BYTES


def test_what_was_not_asked_for_longest_is_let_go() -> None:
    kept: _Kept[str] = _Kept(3 * (ENTRY_BYTES + 100))
    for name in "abc":
        kept.put(name, name.upper(), 100)
    assert kept.find("a") == "A"
    kept.put("d", "D", 100)
    assert [kept.find(name) for name in "abcd"] == ["A", None, "C", "D"]
    kept.put("whole", "WHOLE", 10 * ENTRY_BYTES)  # more than there is room for: it is kept alone
    assert [kept.find(name) for name in (*"acd", "whole")] == [None, None, None, "WHOLE"]
