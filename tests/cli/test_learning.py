"""The commands that let a space learn and show what it has learned."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from tests.cli.forking import Ran

Run = Callable[..., Ran]


def test_a_space_learns_and_shows_what_it_learned(recollect: Run, tmp_path: Path) -> None:
    learned = recollect("consolidate", "--space", "demo", "--wait")
    assert learned.code == 0, learned.err
    assert "episodes" in learned.out
    assert "120" in learned.out
    state = json.loads(recollect("consolidate", "--space", "demo", "--wait", "--json").out)
    assert state["status"] == "succeeded"
    told = recollect("patterns", "--limit", "3")
    assert "where is kitchen in 25 of 30 episodes with what = breakfast" in told.out
    assert len(json.loads(recollect("patterns", "-n", "2", "--json").out)["items"]) == 2
    drawing = tmp_path / "reliability.svg"
    shown = recollect("calibration", "--svg", str(drawing))
    assert "expected calibration error" in shown.out
    assert ElementTree.parse(drawing).getroot().attrib["role"] == "img"
    bounds = recollect("threshold", "0.9")
    assert "ask a person" in bounds.out
    assert "say nothing" in bounds.out
    assert json.loads(recollect("threshold", "0.9", "--json").out)["status"] in {"holds", "not_reached"}
    assert "too few" in recollect("threshold", "0.9", "--field", "unheard of").out
    few = recollect("calibration", "--field", "unheard of")
    assert few.code == 0
    assert "too few" in few.out


def test_a_consolidation_can_be_begun_and_left(recollect: Run) -> None:
    begun = recollect("consolidate")
    assert begun.code == 0
    assert "--wait" in begun.out
    assert recollect("consolidate", "--wait").code == 0


def test_a_small_space_is_refused_with_the_numbers(recollect: Run) -> None:
    assert recollect("spaces", "create", "tiny").code == 0
    refused = recollect("consolidate", "--space", "tiny", "--wait")
    assert refused.code == 1
    assert "TOO_FEW_EPISODES" in refused.err


def test_a_drawing_that_cannot_be_written_is_a_failure(recollect: Run, tmp_path: Path) -> None:
    refused = recollect("calibration", "--svg", str(tmp_path / "missing" / "a.svg"))
    assert refused.code == 1
    assert "cannot be written" in refused.err
