"""The ids of a space's episodes by row, and the rows by id. Rows move as others go, revisions stay."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from engine import Packed

_FEW = 32  # rows that are taken out one by one: the list of all is not made anew

Revisions = npt.NDArray[np.int64]
Moments = npt.NDArray[np.float64]


class Ids(Sequence[str]):
    """N ids in order of their revisions. Those of a snapshot, which come first, stay packed in its file."""

    def __init__(self) -> None:
        self._packed = Packed(Packed.pack((), ()), 0)
        self._written: Revisions = np.zeros(0, dtype=np.int64)  # the revisions of the packed ones, gone ones too
        self._standing = 0  # rows whose id is packed
        self._own: list[str] = []  # of the rows after them
        self._revision_of: dict[str, int] = {}  # of own ones
        self._revisions: Revisions = np.zeros(64, dtype=np.int64)  # of every row, rising
        self._moments: Moments = np.zeros(64)  # when that was, in seconds since 1970

    def __len__(self) -> int:
        return self._standing + len(self._own)

    @overload
    def __getitem__(self, row: int) -> str: ...

    @overload
    def __getitem__(self, row: slice) -> list[str]: ...

    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [self[each] for each in range(*row.indices(len(self)))]
        row += len(self) if row < 0 else 0
        if row >= self._standing:
            return self._own[row - self._standing]
        return self._packed[int(np.searchsorted(self._written, self._revisions[row]))].decode()

    def revision(self, row: int) -> int:
        """When the episode in a row was written."""
        return int(self._revisions[row])

    @property
    def moments(self) -> Moments:
        """float64[N]: when the episode in each row was written, in seconds since 1970; read-only by convention."""
        return self._moments[: len(self)]

    def row_of(self, revision: int) -> int | None:
        """The row of what was written at a revision, None where it is gone."""
        row = int(np.searchsorted(self._revisions[: len(self)], revision))
        return row if row < len(self) and self._revisions[row] == revision else None

    def row(self, episode_id: str) -> int | None:
        """The row that an id was last given to, None where it is gone."""
        revision = self._revision_of.get(episode_id)
        if revision is not None:
            return self.row_of(revision)
        if not self._standing:
            return None
        written = episode_id.encode()
        packed = next((n for n in self._packed.having(written) if self._packed[n] == written), None)
        return None if packed is None else self.row_of(int(self._written[packed]))

    def first_after(self, revision: int) -> int:
        """The first row that was written after a revision."""
        return int(np.searchsorted(self._revisions[: len(self)], revision, "right"))

    def append(self, episode_id: str, revision: int, moment: float) -> None:
        """Add the next row."""
        size = len(self)
        if size == len(self._revisions):
            self._revisions = np.concatenate([self._revisions, np.zeros(size + 64, dtype=np.int64)])
            self._moments = np.concatenate([self._moments[:size], np.zeros(size + 64)])
        self._revisions[size] = self._revision_of[episode_id] = revision
        self._moments[size] = moment
        self._own.append(episode_id)

    def remove(self, rows: Sequence[int]) -> None:
        """Take rows, ascending, out."""
        size, first, standing = len(self), rows[0], self._standing
        keep = np.ones(size, dtype=bool)
        keep[rows] = False
        for row in rows:
            if row >= standing and self._revision_of.get(self._own[row - standing]) == self._revisions[row]:
                del self._revision_of[self._own[row - standing]]  # else it was given to a later row
        self._standing -= standing - int(keep[:standing].sum())
        own = rows[bisect_left(rows, standing) :]
        if len(own) > _FEW:
            self._own = list(compress(self._own, keep[standing:].tolist()))
        else:
            for row in reversed(own):
                del self._own[row - standing]
        for array in (self._revisions, self._moments):
            kept = array[first:size][keep[first:]]
            array[first : first + len(kept)] = kept

    def only(self, rows: Sequence[int]) -> Ids:
        """The ids of some rows, ascending, alone."""
        ids = Ids()
        for row in rows:
            ids.append(self[row], self.revision(row), float(self._moments[row]))
        return ids

    def pack(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """The ids as facts and plain arrays; `of` makes them again."""
        written = [each.encode() for each in self]
        revisions = self._revisions[: len(self)]
        arrays = {"written": revisions, "revisions": revisions, "moments": self.moments}
        return {"size": len(self)}, {**Packed.pack(written, written), **arrays}

    @classmethod
    def of(cls, facts: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Ids:
        """The ids of what `pack` gave."""
        ids, size = cls(), facts["size"]
        ids._packed, ids._standing = Packed(arrays, size), size
        ids._written, ids._revisions = arrays["written"][:size], arrays["revisions"]
        ids._moments = arrays["moments"]
        return ids
