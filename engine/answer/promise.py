"""Which answers to keep so that a wanted share of them can be promised to be right.

The least threshold at which enough of some held-out answers are right would be the luckiest: among thousands of
thresholds one is above the wanted share by chance, above all where few answers are kept. So a threshold counts only
where that many right ones would be unlikely, by the exact binomial tail, if fewer than the wanted share were right
(Learn then Test: Angelopoulos et al. 2021). From each of a few starting points, the surest answers first, ever more
are kept until the first test fails (fixed sequence testing); the risk is shared between the starting points
(Bonferroni). So the share that is right falls short of the wanted one in at most `PROMISE_RISK` of all tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from engine.answer.selection import Ranking, Selection, at_most_wrong
from engine.memory.arrays import Floats, Ints, Mask
from engine.priors import PROMISE_RISK, PROMISE_START_RATIO, PROMISE_STEP


def promise(confidence: Floats, is_right: Mask, accuracy: float, weights: Floats | None = None) -> Selection:
    """The least threshold that is shown to keep answers of which `accuracy` are right; 1 where none is.

    See `Ranking` for the arguments.
    """
    if not len(confidence):
        return Selection(0, 1.0, 0.0, None)
    answers = Ranking(confidence, is_right, weights)
    effective = answers.kept**2 / np.cumsum(answers.counted**2)  # as many equal answers tell as much (Kish 1965)
    return answers.cut(_last_shown(answers.ends, effective, answers.right / answers.kept, accuracy))


def _last_shown(ends: Ints, effective: Floats, share_right: Floats, accuracy: float) -> int | None:
    """The place of the last answer that can be kept; `ends` are the places after which one can stop, rising."""
    starts = _starts(len(effective), accuracy)
    found: int | None = None
    for start in starts:
        if found is not None and start <= found:
            continue  # another sequence has come past it
        for place in _sequence(ends, start):
            total = math.floor(effective[place])
            wrong = math.ceil(effective[place] * (1.0 - share_right[place]) - 1e-9)
            if at_most_wrong(wrong, total, accuracy) > PROMISE_RISK / len(starts):
                break
            found = int(place)
    return found


def _starts(n: int, accuracy: float) -> list[int]:
    """Where sequences start: at the fewest answers that, all right, show anything, and ever further down."""
    if accuracy >= 1.0:
        return []
    starts: list[int] = []
    for count in range(1, n.bit_length() + 2):
        least = 1 if accuracy <= 0.0 else math.ceil(math.log(PROMISE_RISK / count) / math.log(accuracy))
        starts = [least * PROMISE_START_RATIO**k - 1 for k in range(count) if least * PROMISE_START_RATIO**k <= n]
        if len(starts) < count:
            break
    return starts


def _sequence(ends: Ints, start: int) -> Iterator[int]:
    """The places to stop at from a start on, each a little further than the last."""
    at = int(np.searchsorted(ends, start))
    while at < len(ends):
        yield int(ends[at])
        if at == len(ends) - 1:
            return
        further = int(np.searchsorted(ends, math.ceil(ends[at] * (1.0 + PROMISE_STEP))))
        at = min(max(at + 1, further), len(ends) - 1)
