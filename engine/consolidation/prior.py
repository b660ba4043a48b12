"""How often a space's cues mean a stored event, learned from the answers that users judged.

    pi <- (S / 2 + sum_i r_i) / (S + n)      r_i = pi o_i L_i / (pi o_i L_i + (1 - pi) L'_i)

o_i is how much likelier cue i is of a stored event than of a new one, L_i and L'_i are the chances of the verdict if it
means the one or the other: how much of the answer is recollection, and generalisation, or what is left of 1 where it
was wrong. One half counts as S = STRENGTH judged answers beforehand, so that a few hardly move it. Only answers to
callers who gave no prior of their own say what cues here are like.

Source: Saerens, Latinne & Decaestecker 2002 (EM of a prior); Dempster, Laird & Rubin 1977.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.answer.confidence import Shares
from engine.answer.posterior import Posterior
from engine.memory.arrays import Floats
from engine.priors import LEAST_JUDGED_P, PRIOR_ROUNDS, PRIOR_STORED, STRENGTH
from engine.recollection.competition import match_of


def reading(posterior: Posterior, target: str) -> Shares:
    """The match at an even prior, and how much of the answer is what a stored event, or a new one, would have."""
    told, trust = posterior.decision(target).shares, posterior.recollected(target).trust
    recollected = trust * told.recollected + (1.0 - trust) * told.generalised
    return Shares(match_of(posterior.recollection.odds), recollected, told.generalised)


def learned(judged: Sequence[tuple[Shares, bool]]) -> float:
    """pi in (0, 1) of answers by their `reading` and whether they were right; PRIOR_STORED where there are none."""
    if not judged:
        return PRIOR_STORED
    match, stored, new = np.clip([shares for shares, _ in judged], LEAST_JUDGED_P, 1.0 - LEAST_JUDGED_P).T
    is_right = np.array([right for _, right in judged])
    one: Floats = match * np.where(is_right, stored, 1.0 - stored)
    other: Floats = (1.0 - match) * np.where(is_right, new, 1.0 - new)
    pi = PRIOR_STORED
    for _ in range(PRIOR_ROUNDS):
        r = pi * one / (pi * one + (1.0 - pi) * other)
        pi = (PRIOR_STORED * STRENGTH + float(r.sum())) / (STRENGTH + len(judged))
    return pi
