"""What a worker maps from a snapshot answers, to the bit, as what it reads from the store."""

from __future__ import annotations

import asyncio
import itertools
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import engine
from engine import CueInput, Options
from recollect.memory import Memories, SpaceMemory
from recollect.memory.snapshot import Snapshots
from recollect.model import Space, SpaceDraft
from recollect.store import DeleteEpisode, PutEpisode, Write
from recollect.store.sqlite import SQLiteStore
from recollect.vectors import from_numbers

Run = Callable[[Any], Any]
NUMBERS = itertools.count()
VALUES = st.sampled_from(
    ["a b", " b ", "Quito", "quitp", 3, 3.0, -0.0, True, ["a", "b"], "2026-03-01", "2026-03-01T08:00Z"]
)
FIELDS = st.dictionaries(st.sampled_from(["one", "two", "three"]), VALUES, min_size=1)
PUT = st.tuples(
    st.integers(0, 9), FIELDS, st.none() | st.tuples(st.floats(-1, 1, width=32), st.floats(-1, 1, width=32))
)
STEPS = st.lists(st.lists(PUT, min_size=1, max_size=8) | st.integers(0, 9), max_size=8)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SQLiteStore, Path, Run]]:
    """A store, a folder for snapshots, and the loop that runs both."""
    folder, loop = tmp_path_factory.mktemp("snapshots"), asyncio.new_event_loop()
    store = SQLiteStore(folder / "recollect.db")
    store.open()
    yield store, folder / "snapshot", loop.run_until_complete
    loop.run_until_complete(store.close())
    loop.close()


def put(number: int, fields: dict[str, Any], vector: tuple[float, float] | None = None) -> PutEpisode:
    document = orjson.dumps({"id": f"ep_{number}", "fields": fields, "origin": "observed"})
    return PutEpisode(f"ep_{number}", document, None if vector is None else from_numbers(list(vector), "/embedding"))


def write(world: tuple[SQLiteStore, Path, Run], space: Space, steps: list[Any]) -> None:
    store, _, run = world
    for step in steps:
        writes: list[Write] = (
            [DeleteEpisode(f"ep_{step}", skip_unmet=True)]
            if isinstance(step, int)
            else [put(*each) for each in {each[0]: each for each in step}.values()]
        )
        run(store.commit(space.uid, writes))


def made(world: tuple[SQLiteStore, Path, Run], steps: list[Any]) -> Space:
    store, _, run = world
    space, _ = run(store.put_space(f"space-{next(NUMBERS)}", SpaceDraft()))
    write(world, space, steps)
    return again(store, space)


def again(store: SQLiteStore, space: Space) -> Space:
    found = store.get_space(space.space_id)
    assert found is not None
    return found


def taken(world: tuple[SQLiteStore, Path, Run], space: Space) -> Snapshots:
    """The space's snapshot as it is now, written."""
    memories = Memories(world[0], world[1])
    assert memories.snapshots is not None
    memories.snapshots.write(memories.current(space), time.time())
    return memories.snapshots


def told(memory: SpaceMemory) -> list[Any]:
    """All that an answer can depend on, and some answers to the last bit."""
    traces, answers = memory.traces, []
    for name, value in (("one", "quito"), ("two", 3), ("three", "a c"), ("one", "2026-03-01T08:00Z")):
        targets = tuple(each for each in sorted(traces.columns) if each != name)
        if targets and name in traces.columns:
            answer = engine.complete(traces, CueInput({name: value}), Options(targets), memory.schema())
            answers.append([(f.name, repr(f.value), f.confidence.hex()) for f in answer.fields.values()])
    columns = [
        (name, repr(list(c.values)), c.kind, c.codes.tolist(), c.counts.tolist(), repr(c.numbers.tolist()))
        for name, c in sorted(traces.columns.items())
    ]
    vectors = None if traces.vectors is None else traces.vectors.rows.tobytes()
    ids = [(each, memory.row(each)) for each in memory.ids]
    return [columns, vectors, ids, memory.revision, repr(traces.times.tolist()), answers]


@given(before=STEPS, then=STEPS, last=STEPS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_mapped_answers_as_what_is_read(
    world: tuple[SQLiteStore, Path, Run], before: list[Any], then: list[Any], last: list[Any]
) -> None:
    space = made(world, before)
    for steps in (then, last):  # the second snapshot is made of the first and what came since
        taken(world, space)
        write(world, space, steps)
        space = again(world[0], space)
        mapped, read = Memories(world[0], world[1]), Memories(world[0])
        assert mapped.snapshots is not None
        assert mapped.snapshots.read(space) is not None
        assert told(mapped.bring(space)) == told(read.bring(space))


def test_a_space_that_lost_its_only_embedding_is_as_one_that_never_had_any(
    world: tuple[SQLiteStore, Path, Run],
) -> None:
    space = made(world, [[(1, {"one": "a b"}, (0.5, 0.5)), (2, {"one": "c"}, None)]])
    taken(world, space)
    write(world, space, [[(1, {"one": "a b"}, None)]])
    space = again(world[0], space)
    mapped, read = (Memories(world[0], folder).bring(space) for folder in (world[1], None))
    assert mapped.traces.vectors is None
    assert told(mapped) == told(read)


@pytest.fixture
def filled(world: tuple[SQLiteStore, Path, Run]) -> Space:
    return made(world, [[(n, {"one": f"name {n}", "two": n % 3, "three": "a b c"}, None) for n in range(40)]])


def test_a_damaged_snapshot_is_made_anew_from_the_store(world: tuple[SQLiteStore, Path, Run], filled: Space) -> None:
    expected = told(Memories(world[0]).bring(filled))
    taken(world, filled)
    path = world[1] / f"{filled.uid}.snapshot"
    whole = path.read_bytes()
    held = [place for place, byte in enumerate(whole) if byte]
    for place in [*held[:: max(1, len(held) // 60)], len(held) - 1]:
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        path.write_bytes(bytes(damaged))
        assert told(Memories(world[0], world[1]).bring(filled)) == expected
    for length in (0, 7, 40, len(whole) // 2):
        path.write_bytes(whole[:length])
        assert told(Memories(world[0], world[1]).bring(filled)) == expected
        assert not path.exists()


def test_a_snapshot_of_another_space_or_store_or_release_is_not_used(
    world: tuple[SQLiteStore, Path, Run], filled: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, folder, run = world
    snapshots = taken(world, filled)
    path = folder / f"{filled.uid}.snapshot"
    assert snapshots.mark(filled) is not None
    run(store.delete_space(filled.space_id))
    renewed, _ = run(store.put_space(filled.space_id, SpaceDraft()))
    path.rename(folder / f"{renewed.uid}.snapshot")
    assert snapshots.read(renewed) is None
    (folder / f"{renewed.uid}.snapshot").unlink()

    space = made(world, [[(1, {"one": "a"}, None)]])
    snapshots = taken(world, space)
    run(store.backup(tmp_path / "backup.db"))
    other = SQLiteStore(tmp_path / "backup.db")
    other.open()
    assert Snapshots(other, folder).read(again(other, space)) is None
    run(other.close())
    assert snapshots.read(space) is not None
    monkeypatch.setattr("recollect.memory.snapshot.MADE_BY", ["another release"])
    assert snapshots.read(space) is None


def test_on_a_full_disk_the_snapshot_before_stays(world: tuple[SQLiteStore, Path, Run], filled: Space) -> None:
    taken(world, filled)
    path = world[1] / f"{filled.uid}.snapshot"
    before, kept = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    memories = Memories(world[0])
    memory = memories.current(filled)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, kept[1]))  # a write beyond it fails, as on a full disk
    try:
        with pytest.raises(OSError, match="File too large"):
            Snapshots(world[0], world[1]).write(memory, time.time())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
    assert path.read_bytes() == before
    assert not list(world[1].glob(f"{filled.uid}.snapshot.*"))


@pytest.mark.slow
def test_killed_at_any_step_it_leaves_the_snapshot_before_or_none(
    world: tuple[SQLiteStore, Path, Run], filled: Space, tmp_path: Path
) -> None:
    _, _, run = world
    run(world[0].backup(tmp_path / "store.db"))
    command = [sys.executable, "-m", "tests.memory.killed", str(tmp_path / "store.db"), str(tmp_path / "snapshots")]
    done = subprocess.run(
        [*command, filled.space_id], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stderr
    print(f"{done.stdout.strip()} kills")
    assert int(done.stdout) >= 20


def test_a_store_restored_under_a_snapshot_answers_as_it_was(
    world: tuple[SQLiteStore, Path, Run], tmp_path: Path
) -> None:
    _, folder, run = world
    space = made(world, [[(n, {"one": f"name {n}", "two": n}, None) for n in range(5)]])
    run(world[0].backup(tmp_path / "backup.db"))
    write(world, space, [[(n, {"one": "later", "two": 7}, None) for n in range(3, 8)], 0])
    taken(world, again(world[0], space))  # newer than the backup, of the same space and uid
    restored = SQLiteStore(tmp_path / "restored.db")
    restored.restore(tmp_path / "backup.db")
    restored.open()
    write((restored, folder, run), space, [[(n, {"one": "another", "two": 2}, None) for n in range(3, 8)], 1])
    found = again(restored, space)
    assert found.revision == again(world[0], space).revision
    assert told(Memories(restored, folder).bring(found)) == told(Memories(restored).bring(found))
    run(restored.close())


def test_what_is_written_to_a_mapped_memory_stays_with_its_worker(
    world: tuple[SQLiteStore, Path, Run], filled: Space
) -> None:
    taken(world, filled)
    path = world[1] / f"{filled.uid}.snapshot"
    before = path.read_bytes()
    one, other = Memories(world[0], world[1]), Memories(world[0], world[1])
    former = told(other.bring(filled))
    one.bring(filled)
    write(world, filled, [3, [(n, {"one": "new", "two": 9}, None) for n in range(5)]])
    assert told(one.bring(again(world[0], filled))) != former
    assert told(other.bring(filled)) == former
    assert path.read_bytes() == before
