"""Other ways to find a stored image behind a damaged one, and what they find of the row's own cues.

Every way scores all stored images; the label is that of the likeliest, for a likelihood the label with most of the
posterior. Hidden pixels are left out, or set to 0 where a column says so. "Knows": what no service is told.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import Dataset
from bench.evaluation.measures import paired
from bench.evaluation.seams import AS_IS
from bench.evaluation.trial import Trial
from engine.memory.vectors import Vectors

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]
Way = Callable[[Floats, Floats, float], Floats]
HIGHEST = 16.0
SCALES = tuple(np.geomspace(0.02, 1.2, 9) * HIGHEST)
INVERSE_TEMPERATURES = (4.0, 16.0, 64.0, 256.0)
UPDATES = 3
REGIMES = (("half_mask", 0.5), ("half_zeroed", 0.5), ("random_mask", 0.8), ("noise", 0.25), ("noise", 0.5))
NOISIEST = REGIMES[-1]
BESIDE = 100  # cues of any other damage


def _above(deviates: Floats) -> Floats:
    """The share of a standard Gaussian above each."""
    tails = [math.erfc(each / math.sqrt(2.0)) / 2.0 for each in deviates.flat]
    return np.array(tails).reshape(deviates.shape)


def seen(images: Floats, cue: Floats) -> tuple[Floats, Floats]:
    """Images and cue over the pixels the cue has."""
    known = ~np.isnan(cue)
    return images[:, known], cue[known]


def manhattan(images: Floats, cue: Floats, _: float = 0.0) -> Floats:
    """- |x - q|_1 (Millidge et al. 2022: the best similarity of universal Hopfield networks)."""
    x, q = seen(images, cue)
    return -np.abs(x - q).sum(axis=1)


def euclidean(images: Floats, cue: Floats, _: float = 0.0) -> Floats:
    """- |x - q|^2."""
    x, q = seen(images, cue)
    return -((x - q) ** 2).sum(axis=1)


def cosine(images: Floats, cue: Floats, _: float = 0.0) -> Floats:
    """The angle between the centred vectors."""
    x, q = seen(images - images.mean(), cue - images.mean())
    return (x @ q) / np.maximum(np.linalg.norm(x, axis=1) * np.linalg.norm(q), 1e-12)


def hopfield(images: Floats, cue: Floats, beta: float) -> Floats:
    """A dense modern Hopfield network (Ramsauer et al. 2021) over patterns of mean 0 and length 1: UPDATES of
    x <- X' softmax(beta X x), then the overlap of every pattern with where it came to rest."""
    patterns = images - images.mean(axis=1, keepdims=True)
    patterns /= np.maximum(np.linalg.norm(patterns, axis=1, keepdims=True), 1e-12)
    state = np.nan_to_num(cue - np.nanmean(cue))
    for _ in range(UPDATES):
        state /= max(float(np.linalg.norm(state)), 1e-12)
        weights = np.exp(beta * (patterns @ state - 1.0))
        state = patterns.T @ (weights / weights.sum())
    return patterns @ state


def gaussian(images: Floats, cue: Floats, _: float = 0.0) -> Floats:
    """Log-likelihood under independent Gaussian noise, its size summed over SCALES."""
    x, q = seen(images, cue)
    squares = ((x - q) ** 2).sum(axis=1)
    return np.logaddexp.reduce([-0.5 * squares / s**2 - len(q) * np.log(s) for s in SCALES])


def shrunk(images: Floats, cue: Floats, noise: float) -> Floats:
    """The images nearest to the cue's expectation under one Gaussian over images: E[x | q], noise of known size."""
    mean, covariance = images.mean(axis=0), np.cov(images.T)
    known = ~np.isnan(cue)
    inner = covariance[np.ix_(known, known)] + max(noise, 0.02 * HIGHEST) ** 2 * np.eye(int(known.sum()))
    expected = mean + covariance[:, known] @ np.linalg.solve(inner, cue[known] - mean[known])
    return -((images - expected) ** 2).sum(axis=1)


def exact(images: Floats, cue: Floats, noise: float) -> Floats:
    """The log-likelihood of how the noisy cues were made: Gaussian of this size, folded at 0, clipped at HIGHEST."""
    x, q = seen(images, cue)
    size = max(noise, 1e-2)
    away, back = -0.5 * ((q - x) / size) ** 2, -0.5 * ((-q - x) / size) ** 2
    log = np.where(q > 0.0, np.logaddexp(away, back), away) - np.log(size * np.sqrt(2.0 * np.pi))
    clipped = (q >= HIGHEST - 1e-9) & (noise > 0.0)
    if clipped.any():
        edge = x[:, clipped]
        beyond = _above((HIGHEST - edge) / size) + _above((HIGHEST + edge) / size)
        log[:, clipped] = np.log(np.maximum(beyond, 1e-300))
    return np.asarray(log.sum(axis=1))


def folded(images: Floats, cue: Floats, _: float = 0.0) -> Floats:
    """The same where the noise's kind is known and its size summed over SCALES."""
    return np.logaddexp.reduce([exact(images, cue, s) for s in SCALES])


def ours(images: Floats) -> Way:
    """The engine's evidence alone, without gate and schema."""
    memory = Vectors(images.shape[1])
    for image in images.astype(np.float32):
        memory.append(image)
    return lambda _images, cue, _noise: memory.evidence(cue.astype(np.float32))


WAYS: dict[str, tuple[Way, bool]] = {
    "L1, Manhattan retrieval": (manhattan, False),
    "L2": (euclidean, False),
    "cosine": (cosine, False),
    **{
        f"modern Hopfield, beta {beta:g}": (lambda x, q, _, b=beta: hopfield(x, q, b), False)  # type: ignore[misc]
        for beta in INVERSE_TEMPERATURES
    },
    "nearest to the expectation under one Gaussian (knows the noise's size)": (shrunk, False),
    "Gaussian noise of unknown size": (gaussian, True),
    "Gaussian noise of unknown size, folded and clipped (knows its kind)": (folded, True),
    "exact likelihood (knows its kind and size)": (exact, True),
}


def cues(data: Dataset) -> dict[tuple[str, float], list[dict[str, Any]]]:
    """The queries of each kind of damage, the half zeroed ones added."""
    found: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for query in data.rows("queries.jsonl"):
        found.setdefault((query["regime"], query["param"]), []).append(query)
    found["half_zeroed", 0.5] = [{**q, "vector": [x or 0.0 for x in q["vector"]]} for q in found["half_mask", 0.5]]
    return found


def as_array(vector: list[float | None]) -> Floats:
    """float64[d], NaN where hidden."""
    return np.array([np.nan if x is None else x for x in vector], dtype=np.float64)


def measure(trial: Trial) -> Json:
    """Per way the share of right images for every kind of damage, and for NOISIEST of right labels."""
    data = trial.data("digits_assoc")
    stored = data.rows("episodes.jsonl")
    images, ids = np.array([r["vector"] for r in stored], dtype=float), [r["id"] for r in stored]
    labels = np.array([r["label"] for r in stored])
    queries = {
        regime: trial.sample(found, None if regime == NOISIEST else BESIDE, 5) for regime, found in cues(data).items()
    }
    columns = [f"{_told(regime)}: image ({len(queries[regime])})" for regime in REGIMES]
    made: dict[str, Json] = {}
    as_is: list[Floats] = []
    for name, (way, is_likelihood) in {AS_IS: (ours(images), True), **WAYS}.items():
        hits: list[Floats] = []
        for regime in REGIMES:
            trial.report(f"images: {name}")
            right = [_judge(way, is_likelihood, images, ids, labels, query) for query in queries[regime]]
            image, label = np.array(right, dtype=float).T
            hits += [image] if regime != NOISIEST else [image, label]
        as_is = as_is or hits
        cells = [paired(each, base) for each, base in zip(hits, as_is, strict=True)]
        made[name] = {
            "instead": "the engine's evidence alone, without gate and schema" if name == AS_IS else "",
            "cells": cells,
        }
    return {"rows": ["vector_noise_0.5 digits_assoc"], "columns": [*columns, f"{_told(NOISIEST)}: label"], "ways": made}


def _told(regime: tuple[str, float]) -> str:
    return f"{regime[0].replace('_', ' ')} {regime[1]:g}"


def _judge(
    way: Way, is_likelihood: bool, images: Floats, ids: list[str], labels: npt.NDArray[Any], query: dict[str, Any]
) -> tuple[bool, bool]:
    noise = query["param"] * HIGHEST if query["regime"] == "noise" else 0.0
    scores = way(images, as_array(query["vector"]), noise)
    label = int(labels[scores.argmax()])
    if is_likelihood:
        label = int(np.bincount(labels, weights=np.exp(scores - scores.max())).argmax())
    return ids[int(scores.argmax())] == query["expected"], label == query["label"]
