"""API keys: shown once, stored hashed, revocable at once on all workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from recollect import keys
from recollect.errors import InvalidRequest, NotFound
from recollect.model import Action
from recollect.store.sqlite import SQLiteStore


def test_a_key_is_256_random_bits_and_its_text_is_not_stored() -> None:
    secret, key = keys.draw({Action.READ}, ["b", "a", "a"], "ci", now_s=0)
    assert keys.is_well_formed(secret)
    assert key.digest == keys.digest(secret)
    assert secret not in repr(key)
    assert secret[3:].encode() not in key.digest
    assert key.spaces == ("a", "b")
    assert len({keys.draw({Action.READ}, None, now_s=0)[0] for _ in range(1000)}) == 1000


@pytest.mark.parametrize("text", ["", "rk_", "rk_" + "a" * 42, "rk_" + "a" * 44, "xx_" + "a" * 43, "rk_" + "ä" * 43])
def test_what_is_no_key_is_seen_at_once(text: str) -> None:
    assert not keys.is_well_formed(text)


@pytest.mark.parametrize(
    "arguments",
    [
        (set(), None),
        ({Action.READ}, []),
        ({Action.READ}, None, "x" * 129),
        ({Action.READ}, None, "", "tomorrow"),
    ],
)
def test_a_key_without_use_is_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(InvalidRequest):
        keys.draw(*arguments, now_s=0)  # type: ignore[arg-type]


async def test_a_revocation_counts_at_once_on_every_worker(tmp_path: Path) -> None:
    stores = [SQLiteStore(tmp_path / "recollect.db") for _ in range(2)]
    for store in stores:
        store.open()
    secret, key = await keys.issue(stores[0], {Action.ADMIN}, None, "root")
    assert stores[1].find_key(keys.digest(secret)) == key
    revoked = await keys.revoke(stores[1], key.key_id)
    found = stores[0].find_key(keys.digest(secret))
    assert found == revoked
    assert found.revoked_at is not None
    assert await keys.revoke(stores[0], key.key_id) == revoked
    with pytest.raises(NotFound):
        await keys.revoke(stores[0], "key_unknown")
    for store in stores:
        await store.close()
