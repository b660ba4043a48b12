"""How damaged a space's cues are, learned from the cues that come: online EM of the noise levels' prior.

    pi_j = (S p_j + n_j) / (S + sum_i n_i)        n_j <- n_j + r_j        r_j ~ pi_j P(cue | level j)

p is the shipped prior, which counts as S = STRENGTH cues (a Dirichlet prior), n the cues so far by the
level they were read at. P(cue | j) is what an answer's own posterior of the levels gives once its prior is
divided out. A cue tells how damaged it is as far as it means a stored event.

Source: Cappe & Moulines 2009 (online EM).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.answer.posterior import Posterior
from engine.memory.arrays import Floats
from engine.priors import MEANT_NATS, MOST_CUES, MOST_RATIO, STRENGTH
from engine.recollection.competition import logit
from engine.recollection.evidence import NOISE_LEVELS, noise_prior


def prior(counts: Sequence[float]) -> tuple[float, ...]:
    """pi float[J], sum 1, of cues counted by level."""
    shipped = np.array([level.prior for level in NOISE_LEVELS])
    made = (STRENGTH * shipped + np.asarray(counts)) / (STRENGTH + float(np.sum(counts)))
    return tuple(made.tolist())


def reading(posterior: Posterior, counts: Sequence[float]) -> Floats | None:
    """r float64[J]: how damaged one cue is, by the prior that `counts` give; None where it does not tell.

    The sum is the chance in (0, 1) that it means a stored event at all.
    """
    recollection, cue = posterior.recollection, posterior.cue
    if not posterior.evidence:
        return None
    used = np.array([level.prior for level in noise_prior(cue.strength, posterior.schema.noise)])
    mass = np.asarray(prior(counts)) * recollection.levels / used
    # By the prior that the counts give the cue is this likely of a stored event; one of a new event tells nothing.
    odds = recollection.odds + logit(posterior.prior_stored) + math.log(mass.sum())
    odds = max(-MOST_RATIO, min(MOST_RATIO, odds))
    read: Floats = mass / mass.sum() / (1.0 + math.exp(-odds))
    return read if odds > -MEANT_NATS else None


def remembered(before: Sequence[float], new: Sequence[float]) -> tuple[float, ...]:
    """n float[J] of earlier and of new cues, MOST_CUES of them at the most: the earlier ones fade first, then all."""
    earlier, later = np.asarray(before, dtype=np.float64), np.asarray(new, dtype=np.float64)
    room = max(0.0, MOST_CUES - float(later.sum()))
    kept = earlier * min(1.0, room / max(float(earlier.sum()), 1e-12)) + later
    return tuple((kept * min(1.0, MOST_CUES / max(float(kept.sum()), 1e-12))).tolist())
