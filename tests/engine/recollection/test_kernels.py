"""How new events stray from stored ones: what the kernels depend on, and what they do not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engine import Traces
from engine.recollection import match
from engine.recollection.match import Kernels, fit_kernels
from tests.engine.worlds import random_records, traces_of


def assert_same(found: Kernels, expected: Kernels) -> None:
    assert found.by_field.keys() == expected.by_field.keys()
    for name, kernel in found.by_field.items():
        np.testing.assert_array_equal(kernel, expected.by_field[name])


def test_the_order_of_the_episodes_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "KERNEL_ROWS", 8)
    records = random_records(5, size=32, missing=0.2)
    assert_same(fit_kernels(traces_of(random.Random(1).sample(records, 32))), fit_kernels(traces_of(records)))


def test_erasing_what_is_not_in_the_sample_leaves_the_kernels_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "KERNEL_ROWS", 16)
    monkeypatch.setattr(match, "_fit", lambda *_: pytest.fail("fitted anew"))
    traces = traces_of(random_records(7, size=80))
    lots = traces.lots(slice(64))
    sample = np.argsort(lots)[:16]
    known = Kernels({}, 64, lots[sample])
    traces.remove([int(np.argmax(lots))])
    entered = traces.lots(slice(64))[63]
    if entered > known.lots.max():
        assert fit_kernels(traces, known) is known
    monkeypatch.undo()
    monkeypatch.setattr(match, "KERNEL_ROWS", 16)
    traces.remove([int(np.argmin(traces.lots(slice(64))))])
    assert fit_kernels(traces, known) is not known


def test_a_space_that_lost_an_episode_is_fitted_as_one_that_never_had_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "KERNEL_ROWS", 16)
    records = random_records(9, size=70)
    traces = traces_of(records)
    known = fit_kernels(traces)
    for gone in (60, 3, 17):
        traces.remove([gone])
        del records[gone]
        known = fit_kernels(traces, known)
        assert_same(known, fit_kernels(traces_of(records)))


def test_what_halves_and_quarters_lack_a_larger_space_has_more() -> None:
    def kernel(logit: float) -> np.ndarray:
        told = 1.0 / (1.0 + np.exp(-logit))
        return np.array([1.0 - told, 0.1 * told, 0.2 * told, 0.7 * told])

    fits = [{"a": kernel(1.0 - n), "b": kernel(-0.5 * n), "c": kernel(-1.0)} for n in range(3)]
    grown = match._grown(fits, 4.0)  # rates 1, 0.5 and 0: every field grows at 0.5
    np.testing.assert_allclose(grown["a"], kernel(1.5), rtol=1e-9)
    np.testing.assert_allclose(grown["b"], kernel(1.0), rtol=1e-9)
    np.testing.assert_allclose(grown["c"], kernel(0.5), rtol=1e-9)


def test_a_space_larger_than_the_sample_is_fitted_by_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "KERNEL_ROWS", 16)
    seen: list[int] = []
    grown = match._grown
    monkeypatch.setattr(match, "_grown", lambda fits, times: seen.append(len(fits)) or grown(fits, times))
    for size in (16, 31, 32, 200):
        for kernel in fit_kernels(traces_of(random_records(2, size=size))).by_field.values():
            assert kernel.sum() == pytest.approx(1.0)
    assert seen == [1, 1, 3, 3]


def test_of_numbers_alone_the_sample_is_of_the_whole_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "KERNEL_ROWS", 64)
    seen: list[np.ndarray] = []
    only = Traces.only
    monkeypatch.setattr(Traces, "only", lambda traces, rows: seen.append(rows) or only(traces, rows))
    fit_kernels(traces_of([{"x": n, "y": 2 * n} for n in range(1024)]))
    (rows,) = seen
    assert 300 < rows.mean() < 724
    assert 300 < rows[:16].mean() < 724
