"""Quality on small samples stays above floors that a change which breaks nothing can never fall below."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.datasets import DEFAULT_FOLDER

ROOT = Path(__file__).parent.parent


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.skipif(not DEFAULT_FOLDER.is_dir(), reason="the evaluation data is not here")
def test_quality_stays_above_its_floors() -> None:
    command = [sys.executable, "-m", "bench.evaluation", "--fast", "--anew"]  # as `make evaluate FAST=1`
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
