"""The gate of a space, fitted on replays of stored and of new events."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import Traces
from engine.consolidation.calibration import fit_gate, novelty_evidence
from engine.memory.arrays import Floats
from engine.memory.holdout import Replay
from engine.recollection.evidence import Gate


def evidence(centre: float, count: int = 200, seed: int = 0) -> Floats:
    made: Floats = centre + np.random.default_rng(seed).normal(0.0, 1.0, count)
    return made


def test_where_the_shipped_gate_tells_stored_from_new_it_stays() -> None:
    assert fit_gate(evidence(8.0), evidence(-8.0, seed=1)) == Gate()
    assert fit_gate(evidence(2.0), evidence(-2.0, seed=1)) == Gate()  # a fitted one would gain, but little


def test_where_new_events_look_stored_to_it_it_is_fitted_anew() -> None:
    gate = fit_gate(evidence(12.0), evidence(5.0, seed=1))
    assert gate.match(12.0) > 0.9
    assert gate.match(5.0) < 0.2


def test_what_has_no_evidence_does_not_count() -> None:
    silent = np.full(50, np.nan)
    with_silent = fit_gate(np.append(evidence(12.0), silent), np.append(silent, evidence(5.0, seed=1)))
    assert with_silent == fit_gate(evidence(12.0), evidence(5.0, seed=1))


def test_damaged_replays_count_as_often_as_cues_are_damaged() -> None:
    """Six tenths of the replays are damaged and look like new ones; a tenth of the cues is."""
    stored = np.concatenate([evidence(12.0, 80), evidence(5.0, 120, seed=2)])
    damaged = np.arange(200) >= 80
    plain, weighted = fit_gate(stored, evidence(5.0, seed=1)), fit_gate(stored, evidence(5.0, seed=1), damaged)
    assert plain.match(5.0) == pytest.approx(120 / 320, abs=0.05)
    assert 20 / 220 < weighted.match(5.0) < plain.match(5.0) - 0.1


def test_a_cue_that_a_stored_event_fits_is_not_asked_as_new() -> None:
    traces = Traces()
    for where, what in (("park", "tea"), ("park", "rain"), ("pier", "tea"), ("hall", "song")) * 5:
        traces.append({"where": where, "what": what}, math.nan, None)
    asked = [
        Replay(cue, {}, is_stored=False) for cue in ({"where": "park", "what": "tea"}, {"where": "hall", "what": "tea"})
    ]
    fits, differs = novelty_evidence(traces, asked)
    assert np.isnan(fits)
    assert np.isfinite(differs)
