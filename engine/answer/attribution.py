"""Source monitoring: which part of an answer was recalled, reconstructed, learned or guessed.

For the answer y of one field, with P = rho P_R + (1 - rho) P_G:

    pi0  = min(1, m(y) (1 - P(y)) / (P(y) (1 - m(y)))) what the base rate already gave
    R    = rho P_R(y) / P(y), top = rho max_trace r / P(y)
    e    = Shapley share of the episodes in P_G's lift over m (the schema has 1 - e)
    t    = (R - top)(1 - pi0) + (1 - R)(1 - pi0) e    what further episodes gave
    n    = episodes behind the answer, (sum w)^2 / sum w^2; few = min(1, FEW_EPISODES / n)
    recalled = top, reconstructed = few t,
    consolidated = (1 - few) t + (1 - R)(1 - pi0)(1 - e), imagined = the remainder.

pi0 is the ratio of two odds: of all mixtures P = a m + (1 - a) E of base rates m and evidence E over y and all
else, a = (1 - P(y)) / (1 - m(y)) is the largest share, and a m(y) / P(y) what it is of the answer. So an answer far
surer than a common value is does not count as the base rate's.

What a few episodes agree on is reconstructed from them; what very many share is a regularity,
whichever part of the model read it from them. A source is named only for an answer that is more
likely right than wrong: below that nothing agrees on it, and it is imagined from what speaks for it.

Source: Johnson, Hashtroudi & Lindsay 1993; Shapley 1953 for two players; gist as what
overlapping episodes share: McClelland, McNaughton & O'Reilly 1995;
the largest share of a mixture's known part: Efron, Tibshirani, Storey & Tusher 2001.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.priors import CLAIMED, FEW_EPISODES, LEAST_PART, RECALL_MIN_MASS, RUNNER_UP_MAX_RATIO

UNCLAIMED = "imagined"  # the source where no other is claimed


@dataclass(frozen=True, slots=True)
class AnswerParts:
    """The probabilities of one answer y under the parts of the model, each in [0, 1].

    `total` = P(y), `recollection` = rho P_R(y), `top_trace` = rho times the weight of the
    heaviest stored event with y, `rival_trace` the same for events with another value;
    `supporters` >= 1 is the effective number of episodes behind y.
    """

    total: float
    background: float
    recollection: float
    top_trace: float
    rival_trace: float
    generalisation: float
    kernel_only: float
    schema_only: float
    supporters: float = 1.0


@dataclass(frozen=True, slots=True)
class Masses:
    """How much of the answer each source gave; sums to 1."""

    recalled: float
    reconstructed: float
    consolidated: float
    imagined: float

    def label(self, parts: AnswerParts, *, is_identified: bool = True) -> str:
        """The source to name, ties going to the weaker claim: first base rate or evidence, then which evidence.

        `recalled` only when one event carries the answer and the cue identifies it: nothing
        in the cue contradicts the event, or the rest of the cue is enough without it.
        """
        if parts.total < CLAIMED:
            return UNCLAIMED
        rival_ratio = parts.rival_trace / max(parts.top_trace, LEAST_PART)
        is_single = min(self.recalled, parts.top_trace) >= RECALL_MIN_MASS and rival_ratio <= RUNNER_UP_MAX_RATIO
        if is_single and is_identified:
            return "recalled"
        from_episodes = self.recalled + self.reconstructed
        if self.imagined >= self.consolidated + from_episodes:
            return UNCLAIMED
        return "consolidated" if self.consolidated >= from_episodes else "reconstructed"


def attribute(parts: AnswerParts) -> Masses:
    """The masses of one answer."""
    total = max(parts.total, LEAST_PART)
    prior = base_share(parts)
    recollected = min(1.0, parts.recollection / total)
    top = min(recollected, parts.top_trace / total)
    rest = (1.0 - recollected) * (1.0 - prior)
    episodes = episode_share(parts)
    shared = (recollected - top) * (1.0 - prior) + rest * episodes
    few = min(1.0, FEW_EPISODES / max(parts.supporters, 1.0))
    reconstructed = shared * few
    consolidated = shared * (1.0 - few) + rest * (1.0 - episodes)
    return Masses(top, reconstructed, consolidated, max(0.0, 1.0 - top - reconstructed - consolidated))


def base_share(parts: AnswerParts) -> float:
    """pi0 in [0, 1]: the odds of the answer by base rates alone as a share of its odds."""
    m, p = parts.background, max(parts.total, LEAST_PART)
    return 1.0 if m >= p else m * (1.0 - p) / (p * (1.0 - m))


def episode_share(parts: AnswerParts) -> float:
    """e in [0, 1]: the Shapley share of the stored episodes in log P_G(y) - log m(y)."""
    log_m = math.log(max(parts.background, LEAST_PART))
    log_e = math.log(max(parts.kernel_only, LEAST_PART)) - log_m
    log_s = math.log(max(parts.schema_only, LEAST_PART)) - log_m
    log_es = math.log(max(parts.generalisation, LEAST_PART)) - log_m
    episodes = max(0.0, 0.5 * (log_e + log_es - log_s))
    schema = max(0.0, 0.5 * (log_s + log_es - log_e))
    return episodes / (episodes + schema) if episodes + schema > 0 else 0.5
