"""Corrections of generalisation's confidence: beta maps, in force only where they earn their place.

Recollection's shares are exact; what may be off is P_G of a space. With rho the gate, R and G the
mass that recollection and generalisation give the answer, a field's map f changes G alone,

    P(right) = rho R + (1 - rho) f(G)        logit f(p) = a ln p - b ln(1 - p) + c,   a, b > 0

so that 0 and 1 stay, order is kept, and what is recalled stays as it is. The map is fitted by the
log-loss of P(right) on episodes asked of a memory without them and on users' feedback, shrunk along
field -> kind -> space -> identity by n / (n + SHRINK), n = sum (1 - rho). The maps of a kind of field
are in force only if, fitted on one half and judged on the other, they lower the log-loss by more than
one standard error over the episodes.

Source: Kull, Silva Filho & Flach 2017 (beta calibration).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.answer.confidence import IDENTITY, Beta, Shares
from engine.memory.arrays import Floats
from engine.priors import (
    CORRECTION_PULL,
    CORRECTION_STEPS,
    FEWEST,
    LEAST_CONFIDENCE,
    MOST_FITTED_LOGIT,
    SHIFT,
    SHRINK,
    SLOPES,
)


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """One answer that was found right or wrong; `episode` says which of them were asked of one episode."""

    field: str
    kind: str
    episode: int
    shares: Shares
    is_right: bool


@dataclass(frozen=True, slots=True)
class Corrections:
    """The maps in force by field; `halves` are those learned from the odd and from the even episodes alone."""

    maps: Mapping[str, Beta]
    halves: tuple[Mapping[str, Beta], Mapping[str, Beta]] = ({}, {})

    def unseen(self, field: str, episode: int) -> Beta:
        """The map of a field as learned without this episode; identity where none is in force."""
        return self.halves[episode % 2].get(field, IDENTITY) if field in self.maps else IDENTITY


def fit(judged: Sequence[JudgedAnswer]) -> Corrections:
    """The maps that earn their place. Cost O(n) per field."""
    halves = tuple(_maps([j for j in judged if j.episode % 2 != side]) for side in (0, 1))
    kinds = {kind for kind in sorted({j.kind for j in judged}) if _earns([j for j in judged if j.kind == kind], halves)}
    fields = {j.field for j in judged if j.kind in kinds}
    maps = {field: map_ for field, map_ in _maps(judged).items() if field in fields}
    return Corrections(maps, (halves[0], halves[1]))


def _earns(judged: Sequence[JudgedAnswer], halves: Sequence[Mapping[str, Beta]]) -> bool:
    """Whether the maps of one half make the other half's log-loss smaller by more than one standard error."""
    if _amount(judged) < FEWEST:
        return False
    gain: dict[int, float] = {}
    for j in judged:
        after = j.shares.confidence(halves[j.episode % 2].get(j.field, IDENTITY))
        gain[j.episode] = gain.get(j.episode, 0.0) + _loss(j.shares.confidence(), j.is_right) - _loss(after, j.is_right)
    by_episode = np.array(list(gain.values()))
    return float(by_episode.sum()) > math.sqrt(len(by_episode)) * float(by_episode.std())


def _maps(judged: Sequence[JudgedAnswer]) -> dict[str, Beta]:
    """A map per field, each group's drawn towards that of the larger group it belongs to."""
    whole = _shrunk(judged, np.array([1.0, 1.0, 0.0]))
    maps = {}
    for kind in sorted({j.kind for j in judged}):
        of_kind = [j for j in judged if j.kind == kind]
        theirs = _shrunk(of_kind, whole)
        for field in sorted({j.field for j in of_kind}):
            a, b, c = _shrunk([j for j in of_kind if j.field == field], theirs).tolist()
            maps[field] = Beta(a, b, c)
    return maps


def _shrunk(judged: Sequence[JudgedAnswer], parent: Floats) -> Floats:
    n = _amount(judged)
    made: Floats = parent + n / (n + SHRINK) * (_fitted(judged) - parent)
    return made


def _amount(judged: Sequence[JudgedAnswer]) -> float:
    """n: how many answers generalisation gave."""
    return sum(1.0 - j.shares.memory for j in judged)


def _fitted(judged: Sequence[JudgedAnswer]) -> Floats:
    """float64[3]: (a, b, c) of least log-loss with a Gaussian prior at identity, by Fisher scoring."""
    identity = np.array([1.0, 1.0, 0.0])
    theta = identity
    table = np.array([[j.shares.memory, j.shares.recollected, j.shares.generalised, j.is_right] for j in judged])
    if not len(table):
        return theta
    rho, recollected, general, right = table.T
    p = np.clip(general, LEAST_CONFIDENCE, 1.0 - LEAST_CONFIDENCE)
    terms = np.stack([np.log(p), -np.log1p(-p), np.ones(len(p))], axis=1)
    for _ in range(CORRECTION_STEPS):
        f = 1.0 / (1.0 + np.exp(-np.clip(terms @ theta, -MOST_FITTED_LOGIT, MOST_FITTED_LOGIT)))
        c = np.clip(rho * recollected + (1.0 - rho) * f, LEAST_CONFIDENCE, 1.0 - LEAST_CONFIDENCE)
        slope = ((1.0 - rho) * f * (1.0 - f))[:, None] * terms
        score = slope.T @ ((right - c) / (c * (1.0 - c))) - CORRECTION_PULL * (theta - identity)
        information = (slope / (c * (1.0 - c))[:, None]).T @ slope + CORRECTION_PULL * np.eye(3)
        before, step = theta, np.clip(np.linalg.solve(information, score), -0.5, 0.5)
        theta = np.array([*np.clip((theta + step)[:2], *SLOPES), np.clip(theta[2] + step[2], -SHIFT, SHIFT)])
        if np.abs(theta - before).max() < 1e-6:
            break
    return theta


def _loss(p: float, is_right: bool) -> float:
    return -math.log(max(LEAST_CONFIDENCE, p if is_right else 1.0 - p))
