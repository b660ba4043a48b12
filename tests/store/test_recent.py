"""What was completed lately is found from any worker, told to nobody without its id, and soon forgotten."""

import pytest

from recollect.store import Store, recent
from recollect.store.recent import CompletedField, RecentCompletions, digest
from tests.store.conftest import Clock, Home

ID = "cmp_00112233445566778899aabb"
FIELDS = [("where", "kitchen", 0.8, "reconstructed"), ("minutes", 30, 0.6, "")]


@pytest.fixture
def log(store: Store, clock: Clock) -> RecentCompletions:
    return RecentCompletions(store, clock=clock)


def test_another_worker_finds_what_was_flushed(log: RecentCompletions, other: Store, clock: Clock) -> None:
    elsewhere = RecentCompletions(other, clock=clock)
    log.note(ID, 7, FIELDS)
    assert elsewhere.find(ID, 7) is None
    log.flush()
    assert elsewhere.find(ID, 7) == {
        "where": CompletedField(0.8, "reconstructed", digest("kitchen")),
        "minutes": CompletedField(0.6, "", 30.0),
    }


def test_a_completion_belongs_to_its_space(log: RecentCompletions) -> None:
    log.note(ID, 7, FIELDS)
    assert log.find(ID, 8) is None
    assert log.find(ID[:-1], 7) is None
    assert log.find(ID, 7) is not None


def test_it_is_forgotten_after_a_day(log: RecentCompletions, clock: Clock, home: Home) -> None:
    log.note(ID, 7, FIELDS)
    log.flush()
    clock.now_s += recent.LIFE_S
    assert log.find(ID, 7) is None
    log.purge()
    assert home.count("completion") == 0


def test_only_so_many_are_kept(log: RecentCompletions, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_KEPT", 10)
    for number in range(25):
        log.note(f"cmp_{number:024x}", 7, FIELDS)
    log.flush()
    log.purge()
    assert home.count("completion") == 10
    assert log.find(f"cmp_{24:024x}", 7) is not None
    assert log.find(f"cmp_{14:024x}", 7) is None


def test_a_deleted_space_takes_along_what_waits(log: RecentCompletions) -> None:
    log.note(ID, 7, FIELDS)
    log.note(ID[:-1] + "c", 8, FIELDS)
    log.forget(7)
    assert log.find(ID, 7) is None
    assert log.find(ID[:-1] + "c", 8) is not None


def test_what_is_kept_tells_nothing_without_the_id(log: RecentCompletions, home: Home) -> None:
    log.note(ID, 7, [("diagnosis", "unmistakable", 0.5, "recalled")])
    log.flush()
    content = home.content("completion")
    assert content
    for secret in ("diagnosis", "unmistakable", "recalled", ID, str(digest("unmistakable"))):
        assert secret.encode() not in content


def test_values_that_differ_in_type_differ() -> None:
    assert len({digest(value) for value in ("1", 1, True, [1], ["1"], "true")}) == 6
    assert digest(3) == digest(3.0)
