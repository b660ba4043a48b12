"""Every format that a release has written is brought forward with all that was in it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from recollect.model import Action, Key
from recollect.store import Idempotency, PutEpisode, PutFeedback, Selection, schema
from recollect.store.sqlite import SQLiteStore

GOLDEN = Path(__file__).parent / "golden"


def golden(number: int, folder: Path) -> Path:
    path = folder / "recollect.db"
    path.write_bytes(gzip.decompress((GOLDEN / f"format-{number}.db.gz").read_bytes()))
    return path


def test_there_is_a_golden_file_of_every_format() -> None:
    kept = {int(each.name.split("-")[1].split(".")[0]) for each in GOLDEN.iterdir()}
    assert kept == set(range(1, schema.format_version() + 1))


@pytest.mark.parametrize("number", range(1, schema.format_version() + 1))
async def test_a_store_of_this_format_is_brought_forward_whole(number: int, tmp_path: Path) -> None:
    path = golden(number, tmp_path)
    store = SQLiteStore(path, clock=lambda: 1_772_000_100.0)
    store.open()
    space = store.get_space("diary")
    assert space is not None
    assert (space.description, dict(space.schema), space.embedding_dimensions) == ("Diary", {"what": "category"}, 4)
    page = store.page_episodes(space.uid, Selection(), after=0, until_revision=space.revision, limit=100)
    assert [each.episode_id for each in page.items] == [f"ep_{n}" for n in (0, 1, 2, 3, 5, 6, 7, 8, 9)]
    assert page.items[1].document == (
        '{"id":"ep_1","fields":{"what":"walk","n":1,"where":"Århus"},"origin":"observed",'
        '"created_at":"2026-02-25T06:13:20.000Z","updated_at":"2026-02-25T06:13:20.000Z","revision":4}'.encode()
    )
    assert store.get_artifact(space.uid, "note") == b"artifact"
    assert store.find_receipt(space.uid, Idempotency("k\nx", b"d" * 32)) is not None
    key = Key("key_1", b"\1" * 32, frozenset({Action.READ}), ("diary",), "app", "2026-02-25T06:13:20.000Z")
    assert store.list_keys() == [key]
    told = {each.feedback_id: each for each in store.list_feedback(space.uid, 9)}
    shares = (0.5, 0.25, 0.25) if number >= 3 else None
    expected = PutFeedback("f1", "where", "reconstructed", 0.75, True, shares)
    assert told.get("f1") == (expected if number >= 2 else None)
    assert store.check() == []
    await store.commit(space.uid, [PutEpisode("new", b'{"id":"new","fields":{"what":"run"}}')])
    assert store.check() == []
    await store.close()
