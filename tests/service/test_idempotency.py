"""What makes two requests the same."""

from __future__ import annotations

import dataclasses

from recollect.model import Scope, Space
from recollect.service.idempotency import idempotency
from recollect.service.runtime import Runtime


async def test_without_a_key_nothing_is_remembered(runtime: Runtime, scope: Scope) -> None:
    assert idempotency(scope, runtime.memories.space(scope), "put_episode", None, b"x") is None


async def test_where_one_part_ends_and_the_next_begins_counts(runtime: Runtime, scope: Scope) -> None:
    space = runtime.memories.space(scope)
    one, other = (idempotency(scope, space, "put_episode", "k", *parts) for parts in ((b"ab", b"c"), (b"a", b"bc")))
    assert one is not None
    assert other is not None
    assert one.scope == other.scope
    assert one.digest != other.digest


async def test_a_key_is_of_one_life_of_a_space_one_caller_and_one_operation(runtime: Runtime, scope: Scope) -> None:
    space = runtime.memories.space(scope)
    others: list[tuple[Scope, Space, str]] = [
        (scope, dataclasses.replace(space, uid=space.uid + 1), "put_episode"),
        (dataclasses.replace(scope, key_id="key_2"), space, "put_episode"),
        (scope, space, "create_episode"),
    ]
    found = {idempotency(*each, "k", b"x") for each in [(scope, space, "put_episode"), *others]}
    assert len({each.scope for each in found if each is not None}) == 4
