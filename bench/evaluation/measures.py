"""Figures of merit: calibration, ranking, risk and coverage; numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import place

Floats = npt.NDArray[np.float64]
BINS = 15
FLOOR_DRAWS = 200


def bins(confidence: Floats, right: Floats, count: int = BINS) -> list[tuple[int, float, float]]:
    """(n, mean confidence, share right) of equal-mass bins in order of confidence."""
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, count) if len(part)]
    return [(len(part), float(confidence[part].mean()), float(right[part].mean())) for part in parts]


def ece(confidence: Floats, right: Floats, count: int = BINS) -> float:
    """Expected calibration error over equal-mass bins."""
    made = bins(confidence, right, count)
    return float(sum(n * abs(c - a) for n, c, a in made) / max(1, len(confidence)))


def ece_floor(confidence: Floats, seed: int = 0, count: int = BINS) -> float:
    """The mean ECE that sampling alone gives answers that are right exactly as often as they say."""
    rng = np.random.default_rng(seed)
    order = np.argsort(confidence, kind="stable")
    parts = [confidence[part] for part in np.array_split(order, count) if len(part)]
    draws = [
        sum(abs((rng.random(len(c)) < c).mean() - c.mean()) * len(c) for c in parts) / len(confidence)
        for _ in range(FLOOR_DRAWS)
    ]
    return float(np.mean(draws))


def auroc(positive: Sequence[float] | Floats, negative: Sequence[float] | Floats) -> float:
    """The chance that a positive scores above a negative, ties counting half."""
    if not len(positive) or not len(negative):
        return float("nan")
    low = np.sort(np.asarray(negative, dtype=float))
    high = np.asarray(positive, dtype=float)
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return float(below.mean() / (2.0 * len(low)))


def risk_coverage(confidence: Floats, right: Floats) -> tuple[Floats, Floats]:
    """(coverage, share wrong among the most confident answers up to it)."""
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(1.0 - right[order])
    n = np.arange(1, len(order) + 1)
    return n / len(order), wrong / n


def spearman(x: Floats, y: Floats) -> float:
    """Rank correlation, ties at their mean rank."""
    if len(x) < 3:
        return float("nan")
    return float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])


def macro_f1(expected: Sequence[str], found: Sequence[str]) -> float:
    """The mean over the expected labels of F1."""
    truth, said = np.array(expected), np.array(found)
    scores = []
    for label in np.unique(truth):
        hit = float(((truth == label) & (said == label)).sum())
        scores.append(2.0 * hit / float((truth == label).sum() + (said == label).sum()))
    return float(np.mean(scores))


def refused_at(positive: Floats, negative: Floats, wrong_refusals: float = 0.05) -> tuple[float, float]:
    """(threshold, share of negatives below it) where at most `wrong_refusals` of the positives lie below."""
    threshold = float(np.quantile(positive, wrong_refusals, method="lower"))
    return threshold, float((negative < threshold).mean())


def paired(each: Floats, base: Floats) -> list[float | None]:
    """[mean, mean change against `base`, its standard error] of one number per cue; NaN of none."""
    if not len(each):
        return [float("nan"), float("nan"), None]
    change = each - base
    return [float(each.mean()), float(change.mean()), float(change.std() / np.sqrt(len(change)))]


def with_error(change: Floats, digits: int = 3) -> str:
    """The mean change of one number per cue with its standard error, for a table."""
    return f"{change.mean():+.{digits}f} ± {change.std() / np.sqrt(max(1, len(change))):.{digits}f}"


def is_right(value: Any, expected: Any, tolerance: float | None = None) -> bool:
    """As the service counts it: numbers and times within the field's tolerance, anything else as it is written."""
    if tolerance is None or isinstance(expected, bool):
        return str(value) == str(expected)
    return bool(abs(place(value) - place(expected)) <= tolerance)


def _ranks(x: Floats) -> Floats:
    values, place, count = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    middle: Floats = (last - (count - 1) / 2.0)[place] if len(values) else np.zeros(0)
    return middle
