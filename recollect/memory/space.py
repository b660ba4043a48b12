"""One space in RAM: its episodes as the engine's traces, by id, at a known revision."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from engine import (
    Encoder,
    Kernels,
    Learned,
    Missing,
    Pattern,
    Schema,
    Traces,
    attach,
    attached_rows,
    conformal,
    fit_kernels,
    parse_time,
)
from recollect.memory.ids import Ids
from recollect.model import Episode, FieldType, FieldValue, Origin, Space
from recollect.store import Change
from recollect.times import epoch_seconds
from recollect.vectors import to_array

Floats = npt.NDArray[np.float64]

PACE_S = 1e-7  # seconds a cell takes, until a space's own pace is known; its indexes are still to be built
FIXED_CELLS = 20_000  # what a completion costs whatever the space's size, in cells


class SpaceMemory:
    """The episodes of one space, in order of revision. Reconstructed ones are kept out of the evidence."""

    def __init__(self, space: Space, encoder: Encoder | None = None) -> None:
        self.space = space
        self.revision = 0
        self.missing = Missing.of(space.missing_values)
        self.traces = Traces(kinds=dict(space.schema), encoder=encoder)
        self.ids = Ids()
        self._ends: list[tuple[float, int]] = []  # heap of (seconds since 1970, revision) of what expires
        self._stale: set[int] = set()
        self.learned: Learned | None = None
        self.learned_revision = 0
        self._schema: tuple[tuple[int, int, int, int], Schema] | None = None
        self._erasures = 0
        self._kernels: Kernels | None = None
        self.patterns: tuple[tuple[int, int], list[Pattern]] | None = None  # (state, as counted then)
        self.erased_since_learning = 0  # episodes taken out, by deletion or by replacement
        self.pace_s = PACE_S  # seconds a cell has taken of late
        # By (fields, target), at the state: what stored episodes score, for sets with a guarantee.
        self.conformal: tuple[tuple[int, int], dict[tuple[tuple[str, ...], str], conformal.Scores]] = ((-1, -1), {})
        self._as_of: tuple[object, SpaceMemory] | None = None  # (what it depends on, the last one asked for)
        self.drift: tuple[tuple[int, int, int], bool] | None = None  # (what was judged, the verdict)

    def __len__(self) -> int:
        return len(self.ids) - len(self._stale)

    @property
    def cells(self) -> int:
        """What a completion of everything touches."""
        return FIXED_CELLS + self.traces.size * len(self.traces.columns)

    def is_of(self, space: Space) -> bool:
        """Whether it can follow the space to here; with other markers of what is missing every episode is read anew."""
        return (self.space.uid, self.space.missing_values) == (space.uid, space.missing_values)

    def is_settled(self, now_s: float) -> bool:
        """Whether nothing is left to be done before the next answer."""
        if self._stale or (self._ends and self._ends[0][0] <= now_s):
            return False
        return self._schema is not None and self._schema[0] == self._schema_key()

    def row(self, episode_id: str) -> int | None:
        """The trace row of an episode, None when it is not part of the evidence."""
        row = self.ids.row(episode_id)
        return None if row in self._stale else row

    def is_unchanged(self, episode_id: str, revision: int) -> bool:
        """Whether an episode of the evidence is as it was at a revision."""
        row = self.row(episode_id)
        return row is not None and self.ids.revision(row) <= revision

    def apply(self, changes: Iterable[Change]) -> None:
        """Follow the journal. A put that a later entry overtook is skipped: that one brings it."""
        puts: list[Episode] = []
        for change in changes:
            if change.operation == "delete":
                self.put(*puts)
                puts.clear()
                self._drop(change.name)
            elif change.operation == "put" and change.episode and change.episode.revision == change.sequence:
                puts.append(change.episode)
            self.revision = max(self.revision, change.sequence)
        self.put(*puts)

    def put(self, *episodes: Episode) -> None:
        """Insert or replace episodes at the end, in order of their revisions. Cost O(fields)."""
        fields, moments, vectors = [], [], []
        for episode in episodes:
            self._drop(episode.episode_id)
            self.revision = max(self.revision, episode.revision)
            document = orjson.loads(episode.document)
            if document["origin"] == Origin.RECONSTRUCTED:
                continue
            if "expires_at" in document:
                heapq.heappush(self._ends, (epoch_seconds(document["expires_at"]), episode.revision))
            known = self._present(document["fields"])
            self.ids.append(episode.episode_id, episode.revision, _written(document["updated_at"]))
            fields.append(known)
            moments.append(moment_of(document.get("occurred_at"), known))
            vectors.append(None if episode.embedding is None else to_array(episode.embedding))
        if fields:
            self.traces.extend(fields, moments, vectors)

    def _present(self, fields: dict[str, FieldValue]) -> dict[str, FieldValue]:
        """The fields that hold a value."""
        if not self.missing.marked and not _may_be_blank(fields.values()):
            return fields
        return {name: value for name, value in fields.items() if value not in self.missing}

    @property
    def state(self) -> tuple[int, int]:
        """What the rows depend on: it differs whenever they do."""
        return self.revision, self._erasures

    def refresh(self, space: Space, now_s: float) -> None:
        """Make ready for reading: take over the space's settings, erase what was replaced, deleted or has expired."""
        if space.schema != self.space.schema:
            self.traces.declare(dict(space.schema))
            self._schema = self._kernels = None
        self.space = space
        self.revision = max(self.revision, space.revision)  # the journal may have told of later writes already
        while self._ends and self._ends[0][0] <= now_s:
            row = self.ids.row_of(heapq.heappop(self._ends)[1])
            if row is not None:
                self._stale.add(row)
        if self._stale:
            self._erase()

    def as_of(self, known_by_s: float | None, happened_by_s: float | None) -> SpaceMemory:
        """The memory of the episodes that were known and had happened by then, as if the others had never been.

        Itself where that is all. What was learned is not in it: it knows the others. Cost O(N columns), once for the
        time asked for last.
        """
        later = np.zeros(self.traces.size, dtype=bool)
        if known_by_s is not None:
            later |= self.ids.moments > known_by_s
        if happened_by_s is not None:
            later |= ~(self.traces.times <= happened_by_s)  # what is not known to have happened by then, has not
        if not later.any():
            return self
        key = (self.state, self.space.schema, known_by_s, happened_by_s)
        if self._as_of is None or self._as_of[0] != key:
            twin = SpaceMemory(self.space)
            twin.traces = self.traces.without(np.flatnonzero(later).tolist())
            twin.ids = self.ids.only(np.flatnonzero(~later).tolist())
            twin.revision, twin.pace_s = self.revision, self.pace_s
            self._as_of = key, twin
        return self._as_of[1]

    def schema(self) -> Schema:
        """What the space has learned, in use over its present episodes."""
        key = self._schema_key()
        if self._schema is None or self._schema[0] != key:
            self._schema = (key, attach(self.traces, self.learned, kernels=self._fitted()))
        return self._schema[1]

    def _fitted(self) -> Mapping[str, Floats]:
        """How new events stray from stored ones."""
        self._kernels = fit_kernels(self.traces, self._kernels)
        return self._kernels.by_field

    def _schema_key(self) -> tuple[int, int, int, int]:
        """What the schema depends on: what was learned, how often the space has grown, and any erasure."""
        return self.learned_revision, self.traces.size.bit_length(), self._attached(), self._erasures

    def learn(self, learned: Learned, revision: int) -> None:
        """Take over what a consolidation has learned; `revision` names its journal entry."""
        self.learned, self.learned_revision = learned, revision
        self.erased_since_learning = 0

    def first_after(self, revision: int) -> int:
        """The first row whose episode was written after a revision; `traces.size` when there is none."""
        return self.ids.first_after(revision)

    def _attached(self) -> int:
        return 0 if self.learned is None else attached_rows(self.learned.episodes, self.traces.size)

    def field_types(self) -> dict[str, FieldType]:
        """The kind of every field, declared or learned."""
        return {name: FieldType(column.kind) for name, column in self.traces.columns.items()}

    def moments(self, context: tuple[str, ...]) -> tuple[float, ...]:
        """Seconds since 1970 of a temporal context of episode ids and times; unknown ones are left out."""
        found = []
        for item in context:
            row = self.row(item)
            moment = float(self.traces.times[row]) if row is not None else parse_time(item)
            if not math.isnan(moment):
                found.append(moment)
        return tuple(found)

    def _drop(self, episode_id: str) -> None:
        row = self.row(episode_id)
        if row is not None:
            self._stale.add(row)

    def _erase(self) -> None:
        """Take the stale rows out of every array, count and index."""
        stale = sorted(self._stale)
        self.traces.remove(stale)
        self.ids.remove(stale)
        self.erased_since_learning += len(stale)
        self._stale.clear()
        self._erasures += 1

    def pack(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """The memory as facts for JSON and plain arrays, indexes and all; for one with nothing left to erase."""
        self.traces.index()
        told, arrays = self.traces.pack()
        ids, packed = self.ids.pack()
        ends = sorted(self._ends)
        arrays |= {f"ids/{name}": each for name, each in packed.items()}
        arrays |= {"ends": np.array([end for end, _ in ends]), "ending": np.array([r for _, r in ends], dtype=np.int64)}
        kernels = fit_kernels(self.traces, self._kernels)
        return {
            "traces": told, "ids": ids, "ends": len(ends), "revision": self.revision,
            "kernels": {name: kernel.tolist() for name, kernel in kernels.by_field.items()}, "fitted": kernels.size,
            "lots": kernels.lots.tolist(), "schema": dict(self.space.schema),
        }, arrays  # fmt: skip

    @classmethod
    def of(
        cls,
        space: Space,
        facts: Mapping[str, Any],
        arrays: Mapping[str, npt.NDArray[Any]],
        encoder: Encoder | None = None,
    ) -> SpaceMemory:
        """The memory of what `pack` gave, by this encoder. The arrays may have room for more, and are written to."""
        memory = cls(space)
        memory.traces = Traces.of(facts["traces"], arrays, dict(space.schema), encoder)
        memory.ids = Ids.of(facts["ids"], {n[4:]: each for n, each in arrays.items() if n.startswith("ids/")})
        ends = slice(facts["ends"])
        memory._ends = list(zip(arrays["ends"][ends].tolist(), arrays["ending"][ends].tolist(), strict=True))
        memory.revision = facts["revision"]
        if facts["schema"] == dict(space.schema):
            kernels = {name: np.array(kernel) for name, kernel in facts["kernels"].items()}
            memory._kernels = Kernels(kernels, facts["fitted"], np.array(facts["lots"], dtype=np.uint64))
        return memory


def _may_be_blank(values: Iterable[FieldValue]) -> bool:
    for value in values:  # noqa: SIM110  # of every episode: half the time of any()
        if type(value) is str and not value[:1].isalnum():  # what begins with a letter or a digit is not blank
            return True
    return False


@lru_cache(maxsize=16)
def _written(updated_at: str) -> float:
    """Cached, because what came together has one time of writing."""
    return epoch_seconds(updated_at)


def moment_of(occurred_at: str | None, fields: Mapping[str, object]) -> float:
    """When an episode happened: its `occurred_at`, or its first field that holds a time; NaN if neither."""
    if occurred_at is not None:
        return epoch_seconds(occurred_at)
    for value in fields.values():
        if isinstance(value, str) and value[4:5] == "-" and len(value) <= 40:
            moment = parse_time(value)
            if not math.isnan(moment):
                return moment
    return math.nan
