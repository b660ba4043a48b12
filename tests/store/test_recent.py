"""What was completed lately is found from any worker, told to nobody without its id, and soon forgotten."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from recollect.store import recent
from recollect.store.aside import discard_if_damaged
from recollect.store.recent import CompletedField, RecentCompletions, digest
from tests.store.conftest import Clock

ID = "cmp_00112233445566778899aabb"
FIELDS = [("where", "kitchen", 0.8, "reconstructed"), ("minutes", 30, 0.6, "")]


@pytest.fixture
def log(tmp_path: Path, clock: Clock) -> Iterator[RecentCompletions]:
    opened = RecentCompletions(tmp_path / "completions.db", clock=clock)
    yield opened
    opened.close()


def test_another_worker_finds_what_was_flushed(log: RecentCompletions, tmp_path: Path, clock: Clock) -> None:
    other = RecentCompletions(tmp_path / "completions.db", clock=clock)
    log.note(ID, 7, FIELDS)
    assert other.find(ID, 7) is None
    log.flush()
    assert other.find(ID, 7) == {
        "where": CompletedField(0.8, "reconstructed", digest("kitchen")),
        "minutes": CompletedField(0.6, "", 30.0),
    }
    other.close()


def test_a_completion_belongs_to_its_space(log: RecentCompletions) -> None:
    log.note(ID, 7, FIELDS)
    assert log.find(ID, 8) is None
    assert log.find(ID[:-1], 7) is None
    assert log.find(ID, 7) is not None


def test_it_is_forgotten_after_a_day(log: RecentCompletions, clock: Clock, tmp_path: Path) -> None:
    log.note(ID, 7, FIELDS)
    log.flush()
    clock.now_s += recent.LIFE_S
    assert log.find(ID, 7) is None
    log.purge()
    assert _rows(tmp_path) == 0


def test_only_so_many_are_kept(log: RecentCompletions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_KEPT", 10)
    for number in range(25):
        log.note(f"cmp_{number:024x}", 7, FIELDS)
    log.flush()
    log.purge()
    assert _rows(tmp_path) == 10
    assert log.find(f"cmp_{24:024x}", 7) is not None
    assert log.find(f"cmp_{14:024x}", 7) is None


def test_a_deleted_space_takes_its_completions_along(log: RecentCompletions, tmp_path: Path) -> None:
    log.note(ID, 7, FIELDS)
    log.note(ID[:-1] + "c", 8, FIELDS)
    log.forget(7)
    assert log.find(ID, 7) is None
    assert _rows(tmp_path) == 1


def test_the_file_tells_nothing_without_the_id(log: RecentCompletions, tmp_path: Path) -> None:
    log.note(ID, 7, [("diagnosis", "unmistakable", 0.5, "recalled")])
    log.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in ("diagnosis", "unmistakable", "recalled", ID, str(digest("unmistakable"))):
        assert secret.encode() not in content


def test_values_that_differ_in_type_differ() -> None:
    assert len({digest(value) for value in ("1", 1, True, [1], ["1"], "true")}) == 6
    assert digest(3) == digest(3.0)


def test_a_damaged_file_is_discarded_and_a_sound_one_kept(log: RecentCompletions, tmp_path: Path) -> None:
    path = tmp_path / "completions.db"
    discard_if_damaged(path)
    log.note(ID, 7, FIELDS)
    log.close()
    discard_if_damaged(path)
    assert path.exists()
    path.write_bytes(b"no database at all, but long enough to look like one" * 100)
    discard_if_damaged(path)
    assert not path.exists()


def _rows(folder: Path) -> int:
    connection = sqlite3.connect(f"file:{folder / 'completions.db'}?mode=ro", uri=True)
    (count,) = connection.execute("SELECT count(*) FROM completion").fetchone()
    connection.close()
    return int(count)
