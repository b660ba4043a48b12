"""The engine's rows: completions, erasure, reading a space, memory; in this process, on one core."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson

import engine
from bench.speed.figures import Figure, Timed, exponent
from bench.speed.worlds import records, vectors
from engine import CueInput, Options
from recollect.memory import Memories, SpaceMemory
from recollect.model import Scope, SpaceDraft
from recollect.store import DeleteEpisode, PutEpisode
from recollect.store.sqlite import SQLiteStore

SCOPE = Scope("orders")
COMMITTED_AT_ONCE = 5_000
MOST_WITH_VECTORS = 100_000
ASKED, WARM_UP = 40, 3
MILLION = 1_000_000
MUST_MS = {20: (0.8, 0.4), 10_000: (2.0, None), 100_000: (5.0, None), 1_000_000: (15.0, 5.0)}


def measure(sizes: Sequence[int], tell: Callable[[str], None], *, with_vectors: bool = True) -> Iterator[Figure]:
    """Every row of the engine at every size."""
    grown: dict[str, list[tuple[int, float]]] = {}
    for size in sizes:
        tell(f"engine, {size:,} episodes")
        with _space(size) as (store, memories):
            for figure in _of_size(size, store, memories):
                yield figure
                if figure.row == "completion":
                    grown.setdefault(figure.case, []).append((size, figure.value))
        if with_vectors and 10_000 <= size <= MOST_WITH_VECTORS:
            tell(f"vectors, {size:,} episodes")
            yield from _vectors(size)
    for case, values in grown.items():
        found = exponent([(size, value) for size, value in values if size >= 1000])
        if found is not None:
            yield Figure("growth of completion", case, found, "exponent of the last decade", must=0.5, size=max(sizes))


def _of_size(size: int, store: SQLiteStore, memories: Memories) -> Iterator[Figure]:
    begun, cpu = time.perf_counter(), time.process_time()
    memory = memories.at(SCOPE)
    wall_s, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    parsed = _seconds(lambda: [orjson.loads(each.document) for each in store.iterate_episodes(memory.space.uid)])
    must = 30 if size >= MILLION else None
    yield Figure("reading a space", "no snapshot", cpu_s, "s", size, parsed, "parsing its rows", must, wall=wall_s)
    rng = np.random.default_rng(3)
    rows = [memory.traces.fields(int(row)) for row in rng.integers(memory.traces.size, size=ASKED + WARM_UP)]
    must, aim = MUST_MS.get(size, (None, None))
    names = tuple(memory.traces.columns)
    for case, known in (
        ("one known", ("person",)),
        ("three known", ("product", "date", "amount")),
        ("all but one", tuple(n for n in names if n != "product")),
        ("an id", ("id",)),
    ):
        cues = [{n: row[n] for n in known if n in row} for row in rows]
        first = _seconds(lambda cue=cues[0]: _complete(memory, cue))  # type: ignore[misc]
        timed, twin = _timed([lambda cue=cue: _complete(memory, cue) for cue in cues]), _dense(memory, cues)  # type: ignore[misc]
        yield timed.figure("completion", case, size, twin=twin, twin_is="dense scan", must=must, aim=aim)
        yield Figure("first completion", case, first * 1e3, "ms", size)
    cues = [{"person": row["person"]} for row in rows]
    verbose = _timed([lambda cue=cue: engine.explain(_complete(memory, cue, settles=True), 3) for cue in cues])  # type: ignore[misc]
    yield verbose.figure("completion", "one known, explained", size)
    yield from _erasure(size, store, memories, memory, cues)


def _erasure(
    size: int, store: SQLiteStore, memories: Memories, memory: SpaceMemory, cues: Sequence[dict[str, Any]]
) -> Iterator[Figure]:
    """One episode taken out, then a completion; its twin is the same without."""
    without = _timed([lambda cue=cue: _complete(memory, cue) for cue in cues[:10]])  # type: ignore[misc]
    times = []
    for cue, name in zip(cues[:10], memory.ids[size // 3 :: 7], strict=False):
        asyncio.run(store.commit(memory.space.uid, [DeleteEpisode(name)]))
        begun = time.process_time()
        _complete(memories.at(SCOPE), cue)
        times.append(time.process_time() - begun)
    value = float(np.median(times)) * 1e3
    yield Figure(
        "erasure, then a completion", "not learned", value, "ms", size, without.cpu_p50, "without", 2.0, of_ratio=True
    )  # fmt: skip


def _vectors(size: int) -> Iterator[Figure]:
    traces = engine.Traces()
    stored = vectors(size)
    fields = list(records(size))
    traces.extend(fields, [float("nan")] * size, list(stored))
    schema = engine.attach(traces, None)
    rng = np.random.default_rng(4)
    asked = stored[rng.integers(size, size=12)] + rng.normal(0, 0.05, (12, stored.shape[1])).astype(np.float32)
    targets = tuple(traces.columns)

    def complete(vector: Any) -> Any:
        return engine.complete(traces, CueInput({}, vector, 1.0, ()), Options(targets, settles=False), schema)

    masked = asked.copy()
    masked[:, ::2] = np.nan
    scan = float(np.median([_seconds(lambda v=v: stored @ v) for v in asked])) * 1e3  # type: ignore[misc]
    must = {10_000: 2.0, 100_000: 5.0}.get(size)
    for case, cues in (("768 dimensions", asked), ("768 dimensions, half of them", masked)):
        timed = _timed([lambda v=v: complete(v) for v in cues])  # type: ignore[misc]
        yield timed.figure("completion by vector", case, size, twin=scan, twin_is="one matrix product", must=must)


def _complete(memory: SpaceMemory, cue: dict[str, Any], *, settles: bool = False) -> engine.Answer:
    """As the service does it: the dynamics run for those who are shown them."""
    options = Options(tuple(name for name in memory.traces.columns if name not in cue), settles=settles)
    return engine.complete(memory.traces, CueInput(cue, None, 1.0, ()), options, memory.schema())


def _dense(memory: SpaceMemory, cues: Sequence[dict[str, Any]]) -> float:
    """CPU p50 in ms of the plainest way to the same: compare the cue's columns, count every other one's values."""
    columns, times = memory.traces.columns, []
    for cue in cues:
        begun = time.process_time()
        agreeing = sum(((columns[n].codes == columns[n].find(v)).astype(np.float64) for n, v in cue.items()), start=0.0)
        for name, column in columns.items():
            if name not in cue:
                np.bincount(column.codes + 1, weights=agreeing, minlength=column.distinct + 1).argmax()
        times.append(time.process_time() - begun)
    return float(np.median(times)) * 1e3


def _timed(works: Sequence[Callable[[], Any]]) -> Timed:
    walls, cpus = [], []
    for number, work in enumerate(works):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        if number >= min(WARM_UP, len(works) // 4):
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
    return Timed.of(walls, cpus)


def _seconds(work: Callable[[], Any]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


@contextmanager
def _space(size: int) -> Iterator[tuple[SQLiteStore, Memories]]:
    """A store with one space of so many episodes."""
    with tempfile.TemporaryDirectory(prefix="recollect-bench-") as folder:
        store = SQLiteStore(Path(folder) / "recollect.db")
        store.open()
        asyncio.run(_fill(store, size))
        try:
            yield store, Memories(store)
        finally:
            asyncio.run(store.close())


async def _fill(store: SQLiteStore, size: int) -> None:
    space, _ = await store.put_space(SCOPE.space_id, SpaceDraft())
    made = enumerate(records(size))
    while page := list(islice(made, COMMITTED_AT_ONCE)):
        documents = (
            (f"ep_{n}", orjson.dumps({"id": f"ep_{n}", "fields": fields, "origin": "observed"})) for n, fields in page
        )
        await store.commit(space.uid, [PutEpisode(name, document) for name, document in documents])
