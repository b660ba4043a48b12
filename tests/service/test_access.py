"""A key holds until the second it expires, on both edges: both ask here, with every call."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from recollect import keys
from recollect.errors import Unauthenticated
from recollect.model import Action
from recollect.service.access import Access
from recollect.service.runtime import Runtime


async def test_a_key_ends_at_its_time_though_it_was_in_use_and_nothing_is_written(runtime: Runtime) -> None:
    access = Access(runtime.settings, runtime.store)
    ends = datetime.now(UTC) + timedelta(seconds=1)
    secret, _ = await keys.issue(runtime.store, {Action.READ}, None, expires_at=ends.isoformat())

    def is_held() -> bool:
        try:
            access.identify(f"Bearer {secret}", is_local=True)
        except Unauthenticated as refusal:
            return refusal.code != "KEY_INVALID"
        return True

    last_held_s = 0.0
    while is_held():
        last_held_s = time.time()
        assert last_held_s < ends.timestamp() + 60
    assert last_held_s > 0, "it held before"
    assert time.time() >= ends.timestamp(), "not a moment shorter"
    assert not is_held()
