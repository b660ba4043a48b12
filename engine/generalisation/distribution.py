"""P_G of one target over its values, and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.memory.arrays import Floats, Rows, Singles
from engine.memory.columns import Column
from engine.recollection.evidence import new_value_chance


@dataclass(frozen=True, slots=True)
class Generalisation:
    """P_G of one target over its V values (float64[V], sum 1), and what it is made of.

    `bracket` float64[V] is kappa m + the episodes' share, `beta` float64[V] the schema in nats;
    `novel` in [0, 1] the chance that the true value is none of the V. `around` float64[V] is the mass, of 1, that lies
    in the cell of each value but not necessarily on it (`smoothing`); None where nothing is spread.
    """

    posterior: Floats
    bracket: Floats
    m: Floats
    beta: Floats
    novel: float = 0.0
    around: Floats | None = None

    def kernel(self) -> Floats:
        """P_G without the schema (beta = 0), float64[V], sum 1."""
        return normalised(self.bracket)

    def schema(self) -> Floats:
        """P_G without the episodes, float64[V], sum 1."""
        return normalised(self.m * np.exp(self.beta - self.beta.max()))


@dataclass(frozen=True, slots=True)
class Generalisations:
    """P_G of one target to n cues: `posterior` and `bracket` float64[n, V], the background `m` of all or of each,
    `lift` float[n, V] which is e^beta up to a factor of each cue, `novel` float64[n]; `around` float64[n, V], None
    where nothing is spread yet."""

    posterior: Floats
    bracket: Floats
    m: Floats
    lift: Floats | Singles
    novel: Floats
    around: Floats | None = None

    def lifted(self, rows: Rows) -> Floats:
        """P_G without the episodes, up to a factor of each, float64[r, V] of some of the cues."""
        found: Floats = self.lift[rows] * (self.m if self.m.ndim == 1 else self.m[rows])
        return found

    @classmethod
    def of(cls, generals: Sequence[Generalisation]) -> Generalisations:
        """Those of single cues; of all of them something is spread, or of none."""
        beta = np.stack([each.beta for each in generals])
        around = [each.around for each in generals if each.around is not None]
        return cls(
            np.stack([each.posterior for each in generals]),
            np.stack([each.bracket for each in generals]),
            np.stack([each.m for each in generals]),
            np.exp(beta - beta.max(axis=1, keepdims=True)),
            np.array([each.novel for each in generals]),
            np.stack(around) if around else None,
        )

    @classmethod
    def mixed(cls, m: Floats, novel: Floats, kappa: Floats, episodes: Floats, beta: Floats) -> Generalisations:
        """What `episodes` and `beta`, float64[n, V], of n cues make of the background m, one or each its own, of which
        each takes kappa float64[n]."""
        bracket = kappa[:, None] * m
        bracket += episodes
        # Beyond single precision of the highest there is no mass to speak of, and within it exponentials cost half; but
        # values that no episode has any more must not be the highest.
        told = beta if m.all() else np.where(m > 0.0, beta, -np.inf)
        most = np.nan_to_num(told.max(axis=1, keepdims=True), neginf=0.0)
        lift = np.subtract(told, most, dtype=np.float32, casting="same_kind")
        np.exp(lift, out=lift)
        posterior = bracket * lift
        total = posterior.sum(axis=1, keepdims=True)
        posterior /= np.where(total > 0.0, total, 1.0)
        return cls(posterior, bracket, m, lift, novel)


def unmet(column: Column) -> float:
    """The chance in [0, 1) that another event's value is none of the stored ones, before anything is learned.

    What an id was never says what the next one will be, however alike the events. Of numbers and times
    `smoothing` tells how much lies between the stored ones.
    """
    return 0.0 if column.kind in ("number", "time") else new_value_chance(column)


def background(column: Column) -> Floats:
    """m(y) over the column's V values, 0 for values no episode has any more; float64[V], read-only."""

    def found() -> Floats:
        counts = column.counts.astype(np.float64)
        m: Floats = (counts + 0.5) / (column.present + 0.5 * column.distinct + 0.5)
        m[counts == 0] = 0.0
        m.flags.writeable = False
        return m

    return column.derived("background", found)


def normalised(mass: Floats) -> Floats:
    """The mass as shares of its sum; as it is where there is none."""
    total = float(mass.sum())
    return mass / total if total > 0 else mass
