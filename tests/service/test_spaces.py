"""Memory spaces: the control plane."""

from __future__ import annotations

from typing import Any

import pytest

from recollect.errors import Conflict, InvalidRequest, PreconditionFailed, SpaceNotFound
from recollect.model import EpisodeInput, FieldStats, FieldType, Scope, SpaceDraft
from recollect.service.episodes import put_episode
from recollect.service.runtime import Runtime
from recollect.service.spaces import (
    delete_space,
    get_space,
    get_space_stats,
    list_spaces,
    patch_space,
    put_space,
    read_draft,
)


async def test_a_space_is_created_changed_and_deleted(runtime: Runtime) -> None:
    scope = Scope("diary")
    made, is_new = await put_space(runtime, scope, SpaceDraft("mine", 3))
    assert is_new
    assert await get_space(runtime, scope) == made
    changed, is_new = await put_space(runtime, scope, SpaceDraft(), if_revision=made.revision)
    assert not is_new
    assert (changed.description, changed.embedding_dimensions) == ("", None)
    await delete_space(runtime, scope)
    for operation in (get_space(runtime, scope), delete_space(runtime, scope), patch_space(runtime, scope, {})):
        with pytest.raises(SpaceNotFound):
            await operation


async def test_a_patch_changes_only_what_it_names(runtime: Runtime) -> None:
    scope = Scope("diary")
    await put_space(runtime, scope, SpaceDraft("mine", 3, {"a": FieldType.TEXT, "b": FieldType.TIME}))
    changed = await patch_space(
        runtime, scope, {"read_only": True, "schema": {"a": None, "c": "number"}, "embedding_dimensions": None}
    )
    assert (changed.description, changed.read_only, changed.embedding_dimensions) == ("mine", True, None)
    assert changed.schema == {"b": FieldType.TIME, "c": FieldType.NUMBER}
    with pytest.raises(PreconditionFailed):
        await patch_space(runtime, scope, {"description": "x"}, if_revision=1)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"surprise": 1}, "/surprise"),
        ({"description": 1}, "/description"),
        ({"read_only": 1}, "/read_only"),
        ({"embedding_dimensions": True}, "/embedding_dimensions"),
        ({"schema": 1}, "/schema"),
        ({"schema": {"a": "colour"}}, "/schema/a"),
        ({"schema": {"a": ["text"]}}, "/schema/a"),
    ],
)
def test_a_bad_change_is_refused_with_its_place(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_draft(changes)
    assert [each.pointer for each in refused.value.violations] == [pointer]


@pytest.mark.parametrize(
    "draft",
    [
        SpaceDraft(description="x" * 1025),
        SpaceDraft(embedding_dimensions=0),
        SpaceDraft(embedding_dimensions=4097),
        SpaceDraft(schema={"": FieldType.TEXT}),
        SpaceDraft(schema={str(n): FieldType.TEXT for n in range(257)}),
    ],
)
async def test_a_draft_beyond_the_limits_is_refused(runtime: Runtime, draft: SpaceDraft) -> None:
    with pytest.raises(InvalidRequest):
        await put_space(runtime, Scope("diary"), draft)


@pytest.mark.parametrize("space_id", ["", "Diary", "a b", "-a", "a" * 64, "a\n"])
async def test_a_bad_name_is_refused(runtime: Runtime, space_id: str) -> None:
    with pytest.raises(InvalidRequest):
        await put_space(runtime, Scope(space_id), SpaceDraft())


async def test_the_limit_of_the_service_refuses_new_spaces_only(runtime: Runtime) -> None:
    for n in range(20):
        await put_space(runtime, Scope(f"s{n}"), SpaceDraft())
    with pytest.raises(Conflict) as refused:
        await put_space(runtime, Scope("more"), SpaceDraft())
    assert refused.value.code == "SPACE_LIMIT"
    await put_space(runtime, Scope("s0"), SpaceDraft("changed"))


async def test_a_key_lists_only_what_it_may_see_page_by_page(runtime: Runtime) -> None:
    for name in "edcba":
        await put_space(runtime, Scope(name), SpaceDraft())
    for spaces, expected in ((None, list("abcde")), (("d", "a", "zz", "c"), list("acd"))):
        scope = Scope("", spaces=spaces)
        seen: list[str] = []
        cursor = None
        while True:
            page = await list_spaces(runtime, scope, limit=2, cursor=cursor)
            seen += [space.space_id for space in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == expected
    first = await list_spaces(runtime, Scope(""), limit=2)
    with pytest.raises(InvalidRequest):
        await list_spaces(runtime, Scope("", spaces=("a",)), cursor=first.next_cursor)


async def test_statistics_count_what_is_there(runtime: Runtime, scope: Scope) -> None:
    for n in range(4):
        await put_episode(runtime, scope, f"e{n}", EpisodeInput({"n": n % 2, "kind": "x"} if n else {"kind": "x"}))
    stats = await get_space_stats(runtime, scope)
    assert (stats.episodes, stats.episodes_with_embedding, stats.revision) == (4, 0, 5)
    assert stats.fields == (
        FieldStats("kind", FieldType.CATEGORY, 4, 1),
        FieldStats("n", FieldType.NUMBER, 3, 2),
    )
