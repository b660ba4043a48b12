"""Over gRPC, too: how a cue was read, what is missing in a space, and that nothing expired is found."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from recollect.rpc.v1 import episode_pb2, problem_pb2, space_pb2, value_pb2
from tests.rpc import edges as wire
from tests.rpc.conftest import run
from tests.rpc.edges import SPACE, Edges, failure

SHOP = ((SPACE, "shop"),)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edges]:
    """Thirty orders, six each of five items."""
    for started in run(Edges(tmp_path_factory.mktemp("shop"))):
        orders = [
            {"item": f"item {n % 5}", "qty": n % 5 + 3, "code": f"0{n % 5}7", "note": "N/A" if n % 2 else "gift"}
            for n in range(30)
        ]
        started.remember("shop", ({"fields": fields} for fields in orders))
        yield started


def asking(**known: object) -> dict[str, object]:
    return {"partial_episode": {"known_fields": known}, "targets": ["item"]}


def test_a_completion_tells_how_its_cue_was_read(shop: Edges) -> None:
    answer = shop.completion.Complete(wire.question(asking(qty="3", code=7, note="", whn="x")), metadata=SHOP)
    notes = {note.field: note for note in answer.cue_notes}
    assert {name: value_pb2.CueNoteCode.Name(note.code) for name, note in notes.items()} == {
        "qty": "CUE_NOTE_CODE_COERCED",
        "code": "CUE_NOTE_CODE_COERCED",
        "note": "CUE_NOTE_CODE_TREATED_AS_MISSING",
        "whn": "CUE_NOTE_CODE_UNKNOWN_FIELD",
    }
    assert notes["qty"].read_as.integer == 3
    assert notes["code"].read_as.text == "007"
    assert {field.name: field.value.text for field in answer.completed_episode.fields}["item"] == "item 0"
    recalled = shop.episodes.Recall(
        episode_pb2.RecallRequest(partial_episode=wire.partial({"known_fields": {"qty": "3"}})), metadata=SHOP
    )
    assert [note.field for note in recalled.cue_notes] == ["qty"]


def test_a_refusal_names_the_mistake_and_the_change_that_works(shop: Edges) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        shop.completion.Complete(wire.question(asking(Qty=3)), metadata=SHOP)
    told = failure(refused.value)
    assert told.code == "FAILED_PRECONDITION"
    advice = told.detail(problem_pb2.Advice)
    assert [(note.field, list(note.nearest)[:1]) for note in advice.cue_notes] == [("Qty", ["qty"])]
    first = advice.suggestions[0]
    assert first.applicability == problem_pb2.APPLICABILITY_MACHINE_APPLICABLE
    [change] = first.changes
    known = ["partial_episode", "known_fields"]
    assert (list(change.moved_from), list(change.path)) == ([*known, "Qty"], [*known, "qty"])


def test_a_space_has_its_markers_of_what_is_missing(shop: Edges) -> None:
    service = shop.spaces
    put = space_pb2.PutSpaceRequest(space_id="marked", space=space_pb2.SpaceInput(missing_values=["N/A", "-999"]))
    assert list(service.PutSpace(put).space.missing_values) == ["N/A", "-999"]
    patch = space_pb2.PatchSpaceRequest(space_id="marked", patch=space_pb2.SpacePatch(missing_values=["?"]))
    assert list(service.PatchSpace(patch).space.missing_values) == ["?"]
    reset = space_pb2.PatchSpaceRequest(space_id="marked", patch=space_pb2.SpacePatch(reset=["missing_values"]))
    assert list(service.PatchSpace(reset).space.missing_values) == []
    many = space_pb2.SpaceInput(missing_values=[str(n) for n in range(65)])
    with pytest.raises(grpc.RpcError) as refused:
        service.PutSpace(space_pb2.PutSpaceRequest(space_id="marked", space=many))
    assert failure(refused.value).code == "INVALID_ARGUMENT"


def test_nothing_expired_is_found(shop: Edges) -> None:
    episode = wire.episode_input({"id": "over", "fields": {"item": "odd"}, "expires_at": "2020-01-01T00:00:00Z"})
    shop.episodes.CreateEpisode(episode_pb2.CreateEpisodeRequest(episode=episode), metadata=SHOP)
    with pytest.raises(grpc.RpcError) as refused:
        shop.episodes.GetEpisode(episode_pb2.GetEpisodeRequest(episode_id="over"), metadata=SHOP)
    assert failure(refused.value).code == "NOT_FOUND"
    listed = shop.episodes.ListEpisodes(episode_pb2.ListEpisodesRequest(), metadata=SHOP)
    assert "over" not in {each.id for each in listed.items}
    cue = wire.partial({"known_fields": {"item": "odd"}})
    recalled = shop.episodes.Recall(episode_pb2.RecallRequest(partial_episode=cue), metadata=SHOP)
    assert "over" not in {each.episode.id for each in recalled.items}
