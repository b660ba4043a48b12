"""What the engine sees of a space: its episodes as columns, vectors and times."""

from __future__ import annotations

import zlib
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import Floats, Rows, Singles
from engine.memory.columns import Column
from engine.memory.meanings import Encoder
from engine.memory.packed import Arrays
from engine.memory.values import Value
from engine.memory.vectors import Vectors
from engine.priors import CONTIGUITY_FLOOR, CONTIGUITY_LAG


@dataclass(slots=True)
class Traces:
    """N episodes in order of writing. One writer at a time; readers see whole episodes only.

    `columns` maps a field's name to its column; `times` float64[N] seconds since 1970, NaN
    where unknown; `vectors` is None until an episode has one. `encoder` tells what texts mean, None where nothing does.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    size: int = 0
    vectors: Vectors | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    encoder: Encoder | None = None
    _times: Floats = field(default_factory=lambda: np.full(64, np.nan))

    @property
    def times(self) -> Floats:
        """float64[N], read-only by convention."""
        return self._times[: self.size]

    def append(self, fields: Mapping[str, Value], time: float, vector: Singles | None) -> None:
        """Add one episode. Cost O(fields + columns)."""
        self.extend((fields,), (time,), (vector,))

    def extend(
        self, fields: Sequence[Mapping[str, Value]], times: Sequence[float], vectors: Sequence[Singles | None]
    ) -> None:
        """Add episodes. Cost O(fields + columns), some microseconds an episode where many come at once."""
        for name in dict.fromkeys(chain.from_iterable(fields)):
            if name not in self.columns:
                column = Column(name, self.kinds.get(name), self.encoder)
                column.pad(self.size)
                self.columns[name] = column
        for name, column in self.columns.items():
            column.extend([each.get(name) for each in fields])
        if self.vectors is None:
            first = next((vector for vector in vectors if vector is not None), None)
            if first is not None:
                self.vectors = Vectors(len(first))
                self.vectors.extend([None] * self.size)
        if self.vectors is not None:
            self.vectors.extend(vectors)
        size = self.size + len(times)
        if size > len(self._times):
            self._times = np.concatenate([self._times, np.full(max(self.size, len(times)), np.nan)])
        self._times[self.size : size] = times
        self.size = size

    def without(self, rows: Iterable[int]) -> Traces:
        """A copy that never had these episodes. Cost O(N columns)."""
        twin = Traces({name: column.copy() for name, column in self.columns.items()}, self.size)
        twin.vectors = None if self.vectors is None else self.vectors.copy()
        twin.kinds, twin.encoder = dict(self.kinds), self.encoder
        twin._times = self._times.copy()
        twin.remove(rows)
        return twin

    def only(self, rows: Rows) -> Traces:
        """A space of these episodes alone, without their vectors and times. Cost O(rows columns)."""
        twin = Traces(size=len(rows), kinds=self.kinds, encoder=self.encoder, _times=np.full(len(rows), np.nan))
        columns = ((name, column.only(rows)) for name, column in self.columns.items())
        twin.columns.update((name, column) for name, column in columns if column.present)
        return twin

    def lots(self, rows: Rows | slice, *, numbers: bool = True) -> npt.NDArray[np.uint64]:
        """uint64[R]: of each of these episodes a lot drawn by its fields alone. Cost O((V + R) columns).

        Equal for equal episodes, in whatever space and order; without `numbers`, also of numbers in another unit.
        """
        lots = np.zeros(len(self.times[rows]), dtype=np.uint64)
        for name, column in self.columns.items():
            told = column.lots if numbers else np.where(np.isnan(column.numbers), column.lots, 0)
            own = mixed(told.astype(np.uint64) << np.uint64(32) | np.uint64(zlib.crc32(name.encode())))
            lots += np.take(np.append(own, np.uint64(0)), column.codes[rows], mode="wrap")  # the last: lacks the field
        return mixed(lots)

    def fields(self, row: int) -> dict[str, Value]:
        """The fields of one episode."""
        found = {}
        for name, column in self.columns.items():
            code = int(column.codes[row])
            if code >= 0:
                found[name] = column.values[code]
        return found

    def having_only(self, rows: Rows, names: Container[str]) -> Rows:
        """Those of the episodes that have no field but these. Cost O(rows columns)."""
        for name, column in self.columns.items():
            if name not in names:
                rows = rows[column.codes[rows] < 0]
        return rows

    def remove(self, rows: Iterable[int]) -> None:
        """Erase episodes by row: every count is as if they had never been. Cost O(N columns)."""
        gone = sorted(rows)
        for column in self.columns.values():
            column.remove(gone)
        self.columns = {name: column for name, column in self.columns.items() if column.present}
        keep = np.ones(self.size, dtype=bool)
        keep[gone] = False
        if self.vectors is not None:
            self.vectors.keep(keep)
            if not self.vectors.holds_any:  # as in a space that never had one
                self.vectors = None
        kept = self.times[keep]
        self._times[: len(kept)] = kept
        self.size = len(kept)

    def pack(self) -> tuple[dict[str, Any], Arrays]:
        """The episodes, indexes and all, as facts for JSON and plain arrays; `of` makes them again."""
        facts, arrays = [], Arrays(times=self.times)
        for number, column in enumerate(self.columns.values()):
            own, packed = column.pack()
            facts.append(own)
            arrays |= {f"{number}/{name}": each for name, each in packed.items()}
        if self.vectors is not None:
            arrays["vectors"] = self.vectors.rows
        return {"size": self.size, "columns": facts}, arrays

    @classmethod
    def of(
        cls,
        facts: Mapping[str, Any],
        arrays: Mapping[str, npt.NDArray[Any]],
        kinds: Mapping[str, str],
        encoder: Encoder | None = None,
    ) -> Traces:
        """The episodes of what `pack` gave, by this encoder. The arrays may have more rows, and are written to."""
        traces = cls(size=facts["size"], kinds=kinds, encoder=encoder, _times=arrays["times"])
        parts: dict[str, Arrays] = {}
        for name, each in arrays.items():
            number, _, rest = name.partition("/")
            parts.setdefault(number, {})[rest] = each
        for place, own in enumerate(facts["columns"]):
            traces.columns[own["name"]] = Column.of(own, parts[str(place)], kinds.get(own["name"]), encoder)
        if "vectors" in arrays:
            traces.vectors = Vectors.of(arrays["vectors"], traces.size)
        return traces

    def index(self) -> None:
        """Build the indexes of texts by letters, words and meaning, which are built when first asked for otherwise."""
        for column in self.columns.values():
            if column.kind in {"category", "text"}:
                column.postings("word" if column.kind == "text" else "trigram")
                column.meanings()

    def declare(self, kinds: Mapping[str, str]) -> None:
        """Set the kinds the space's schema names; other fields learn theirs from the data."""
        self.kinds = dict(kinds)
        for name, column in self.columns.items():
            column.declared_kind = kinds.get(name)


def mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """uint64[N]: every number as another that tells nothing of it (SplitMix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = numbers + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def contiguity(times: Floats, contexts: Iterable[float], scale: float = CONTIGUITY_LAG) -> Floats:
    """float64[N] nats: how much nearer than chance each episode lies to the context's times.

    log[0.3 + 0.7 K / mean K], K = mean over contexts of exp(-lag / scale), lag counted in
    episodes between (temporal contiguity, Kahana 1996). 0 where the time is unknown.
    """
    known = np.flatnonzero(~np.isnan(times))
    result = np.zeros(len(times))
    if not len(known):
        return result
    order = known[np.argsort(times[known], kind="stable")]
    position = np.arange(len(order), dtype=np.float64)
    kernel = np.zeros(len(order))
    for moment in contexts:
        left = np.searchsorted(times[order], moment, "left")
        right = np.searchsorted(times[order], moment, "right")
        middle = 0.5 * (left + right - 1)
        kernel += np.exp(-np.abs(position - middle) / scale)
    if kernel.mean() > 0:
        result[order] = np.log(CONTIGUITY_FLOOR + (1.0 - CONTIGUITY_FLOOR) * kernel / kernel.mean())
    return result
