"""What a space has learned of its world beyond its episodes: weights, kernels, and learned heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.generalisation.learning import Head
from engine.generalisation.weights import Weights
from engine.priors import PRIOR_STORED
from engine.recollection.evidence import Kernel


@dataclass(frozen=True, slots=True)
class Schema:
    """The neocortex of one space. Without consolidation: closed-form weights, no heads.

    `kernels` tells per field how new events stray from stored ones (`engine.recollection.match`). `heads` maps a
    target field to the learned head that generalises it, `errors` to how far off its confidences were found, as a
    standard deviation in [0, 1]. `noise` float[J] is how damaged cues are expected to be, None as shipped;
    `prior_stored` in [0, 1] the chance, before a cue is read, that it means a stored event.
    """

    weights: Weights
    kernels: Mapping[str, Kernel] = field(default_factory=dict)
    heads: Mapping[str, Head] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)
    noise: tuple[float, ...] | None = None
    prior_stored: float = PRIOR_STORED
