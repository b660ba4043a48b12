"""The array types of the engine: one name for each kind of number."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

SINGLE = np.float32  # what the long sums over episodes are kept in; totals are float64

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int32]  # of values in a column, MISSING where an episode lacks the field
Ints = npt.NDArray[np.integer[Any]]
Rows = npt.NDArray[np.intp]  # of episodes
Mask = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]


class Further(NamedTuple):
    """`nats` float64[N] of further evidence; `rows`, ascending, are the episodes that have other than `others`, which
    all others have; None where that may be any."""

    nats: Floats
    rows: Rows | None = None
    others: float = 0.0


def union(*rows: Rows) -> Rows:
    """The rows of any of these, ascending; each is ascending. Cost O(rows): runs are merged, nothing is hashed."""
    every = np.concatenate(rows)
    every.sort(kind="stable")
    is_first = np.ones(len(every), dtype=bool)
    np.not_equal(every[1:], every[:-1], out=is_first[1:])
    return every[is_first]
