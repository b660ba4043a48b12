"""Cells held out, asked of the rest, and judged."""

from __future__ import annotations

import numpy as np
import pytest

from engine import attach, hold_out, quality
from tests.engine.worlds import random_records, traces_of


def test_what_is_held_out_is_not_in_the_memory_that_is_asked() -> None:
    records = [{"key": f"k{n}", "other": f"o{n}"} for n in range(60)]
    traces, sizes = traces_of(records), []

    def watching(rest):  # type: ignore[no-untyped-def]
        sizes.append(rest.size)
        return attach(rest)

    cases = hold_out(traces, watching, fields=["other"], cases=60)
    assert sizes == [48] * 5
    assert len(cases) == 60
    assert not any(case.is_right for case in cases)  # nobody else has the value


@pytest.mark.parametrize("seed", range(2))
def test_the_qualities_are_those_of_the_cases(seed: int) -> None:
    records = random_records(seed, 400, missing=0.05)
    traces = traces_of(records)
    heard: list[float] = []
    cases = hold_out(traces, attach, fields=["f0", "f1"], cases=200, report=heard.append)
    assert all(case.said in {record.get(case.field) for record in records} for case in cases)
    assert all(case.is_right == (case.said == records[case.row][case.field]) for case in cases)
    found = quality(cases, 0.6)
    assert found.accuracy == pytest.approx(np.mean([case.is_right for case in cases]))
    assert found.accuracy > found.base_rate
    assert found.log_loss < found.base_log_loss
    kept = [case for case in cases if case.confidence >= found.threshold]
    assert found.coverage == pytest.approx(len(kept) / len(cases))
    assert found.accuracy_kept == pytest.approx(np.mean([case.is_right for case in kept]))
    assert found.mean_error is None
    assert heard == sorted(heard)
    assert heard[-1] == pytest.approx(1.0)


def test_numbers_are_judged_by_their_distance_too() -> None:
    rng = np.random.default_rng(0)
    records = [{"kind": f"kind {k}", "n": 100.0 * k + float(rng.normal())} for k in rng.integers(1, 5, 300).tolist()]
    traces = traces_of(records)  # type: ignore[arg-type]
    found = quality(hold_out(traces, attach, fields=["n"], cases=100), 0.9)
    assert found.mean_error is not None
    assert found.base_mean_error is not None
    assert found.mean_error < 5 < found.base_mean_error
