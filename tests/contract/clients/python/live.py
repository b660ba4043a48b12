"""What the Python client does against a live server: python live.py, with RECOLLECT_URL and RECOLLECT_KEY set."""

import os
from datetime import UTC, datetime

import recollect_client as recollect

SPACE = "client-python"
VALUES = {"whole": 3, "broken": 3.5, "flag": True, "text": "3", "mixed": [3, 3.5, True, "3"]}


def main() -> None:
    configuration = recollect.Configuration(
        host=os.environ["RECOLLECT_URL"] + "/api/v1", access_token=os.environ["RECOLLECT_KEY"]
    )
    with recollect.ApiClient(configuration) as client:
        completion, episodes = recollect.CompletionApi(client), recollect.EpisodesApi(client)
        spaces = recollect.SpacesApi(client)

        made = spaces.put_space(SPACE, recollect.SpaceInput(description="Live test"), if_none_match="*")
        assert made.space_id == SPACE
        assert made.embedding_dimensions is None

        items = [
            recollect.EpisodeInput(
                id=f"day-{day}",
                fields={"what": meal, "where": place, "day": day},
                embedding=[0.1 * day, 1.0 if meal == "breakfast" else 0.0, 0.5],
                occurred_at=datetime(2026, 3, 1 + day, 8, tzinfo=UTC),
            )
            for day in range(12)
            for meal, place in [("breakfast", "kitchen") if day % 2 else ("lunch", "office")]
        ]
        items.append(recollect.EpisodeInput(id="values", fields=VALUES))
        report = episodes.import_episodes(SPACE, recollect.ImportRequest(items=items))
        assert (report.accepted, report.rejected_total) == (13, 0)

        cue = recollect.PartialEpisode(known_fields={"what": "breakfast"})
        core = completion.complete(SPACE, recollect.CompleteRequest(partial_episode=cue, targets=["where"]))
        assert core.completed_episode.fields["where"] == "kitchen"
        assert 0 < core.completion_confidence <= 1
        assert core.source_attribution is None

        vector_cue = recollect.PartialEpisode(known_fields={"what": "lunch"}, partial_embedding=[None, 0.0, 0.5])
        asked = recollect.CompleteRequest(partial_episode=vector_cue, targets=["where"])
        verbose = completion.complete(SPACE, asked, verbose=True)
        assert verbose.completed_episode.fields["where"] == "office"
        assert verbose.source_attribution["where"].source in list(recollect.Source)
        assert verbose.reconstruction_stats.energy
        assert verbose.metacognitive_confidence is not None

        assert "event: final_result" in completion.complete_stream(SPACE, asked)
        with_bytes = completion.complete_stream_without_preload_content(SPACE, asked)
        names = [line for line in with_bytes.read().decode().splitlines() if line.startswith("event: ")]
        assert names[0] == "event: pattern_retrieval"
        assert names[-1] == "event: final_result"

        stranger = recollect.PartialEpisode(known_fields={"what": "nothing that was ever seen"})
        strict = recollect.CompletionConfig(ca1_threshold=0.9)
        asked = recollect.CompleteRequest(partial_episode=stranger, targets=["where"], config=strict)
        refusal = None
        try:
            completion.complete(SPACE, asked)
        except recollect.exceptions.UnprocessableEntityException as error:
            refusal, said = error.data, str(error)
        assert refusal is not None, "completed without evidence"
        assert said.startswith(f"{refusal.title}: {refusal.detail}")
        assert refusal.code == "INSUFFICIENT_EVIDENCE"
        assert refusal.suggestions
        assert all(each.applicability in list(recollect.Applicability) for each in refusal.suggestions)

        # Were a null sent as 0, or left out, something would be known.
        unknown = recollect.PartialEpisode(partial_embedding=[None, None, None])
        try:
            completion.complete(SPACE, recollect.CompleteRequest(partial_episode=unknown, targets=["where"]))
        except recollect.exceptions.BadRequestException as error:
            refusal = error.data
        assert refusal.errors[0].pointer == "/partial_episode/partial_embedding"
        assert refusal.errors[0].expected == "at least one known dimension"

        seen, cursor = [], None
        while True:
            page = episodes.list_episodes(SPACE, limit=5, cursor=cursor)
            seen += [episode.id for episode in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert sorted(seen) == sorted(item.id for item in items)

        stored = episodes.get_episode("values", SPACE)
        assert repr(stored.fields) == repr(VALUES)
        episodes.put_episode("copy", SPACE, recollect.EpisodeInput(fields=stored.fields))

        newer = recollect.Episode.from_json(stored.to_json().replace("observed", "dreamt"))
        assert newer.origin.value == "dreamt"
        assert newer.origin.name == "UNKNOWN_DEFAULT_OPEN_API"


main()
