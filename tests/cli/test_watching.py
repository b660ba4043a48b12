"""`recollect complete --watch` against a real server."""

import json
from collections.abc import Callable

from tests.cli.forking import Ran

Run = Callable[..., Ran]


def test_watching_shows_candidates_fields_and_energy_and_then_the_answer(recollect: Run) -> None:
    done = recollect("complete", "what=breakfast", "--watch")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert "120 of 120 episodes compete" in lines[0]
    assert any(line.startswith("where = kitchen") and "complete)" in line for line in lines)
    assert any(line.startswith("sweep 1 of") and "energy" in line for line in lines)
    assert lines[-1].startswith("confidence ")


def test_watching_and_explaining_go_together(recollect: Run) -> None:
    done = recollect("complete", "what=breakfast", "--watch", "--verbose")
    assert "episodes compete" in done.out
    assert all(part in done.out for part in ("Evidence", "Alternatives", "Reconstruction"))


def test_a_program_watches_one_event_a_line(recollect: Run) -> None:
    done = recollect("complete", "what=breakfast", "--watch", "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert events[0]["event"] == "pattern_retrieval"
    plain = json.loads(recollect("complete", "what=breakfast", "--json").out)
    assert events[-1]["event"] == "final_result"
    assert events[-1]["data"]["completed_episode"]["fields"] == plain["completed_episode"]["fields"]


def test_a_refusal_ends_the_watching_with_what_helps(recollect: Run) -> None:
    done = recollect("complete", "what=zzz", "--threshold", "1", "--watch")
    assert done.code == 4
    assert "INSUFFICIENT_EVIDENCE" in done.err
    assert "--threshold" in done.err
    assert recollect("complete", "what=x", "--space", "nowhere", "--watch").code == 1
