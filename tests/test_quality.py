"""Quality on small samples stays above floors that a change which breaks nothing can never fall below."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.datasets import DEFAULT_FOLDER
from bench.evaluation import shortfalls
from bench.evaluation.requirements import BY_ROW
from bench.evaluation.trial import Figure

ROOT = Path(__file__).parent.parent


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.skipif(not DEFAULT_FOLDER.is_dir(), reason="the evaluation data is not here")
def test_quality_stays_above_its_floors() -> None:
    command = [sys.executable, "-m", "bench.evaluation", "--fast", "--anew"]  # as `make evaluate FAST=1`
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stderr


def test_every_text_on_a_shortfall_is_of_a_required_row_and_names_what_was_tried() -> None:
    for key, text in shortfalls.read().items():
        assert key.split()[0] in BY_ROW
        assert text.missing.endswith(".")
        assert len(text.tried) >= shortfalls.LEAST_TRIED


def test_a_row_that_falls_short_without_a_text_is_shown_as_unexplained_and_complained_about() -> None:
    short = Figure("write_delete", "anywhere", "as before", 0.5, 12)
    holds = Figure("odd_fact", "anywhere", "rank 1", 1.0, 12)
    assert "Not explained yet." in shortfalls.section([short, holds])
    assert shortfalls.complaints([short, holds]) == ["no text on why write_delete falls short"]
    assert shortfalls.section([holds]) == []
