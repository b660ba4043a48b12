"""The client for programs that wait for each answer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

import httpx
import recollect_client as generated

from recollect_sdk import requests, tables
from recollect_sdk.answers import Completion, Filled, Found
from recollect_sdk.errors import Problem, Refusal
from recollect_sdk.local import URL, LocalService, LocalTransport, is_local
from recollect_sdk.models import reader
from recollect_sdk.requests import Request, completion_request, request_of
from recollect_sdk.retrying import Retries, not_reached, problem_of

DEFAULT_URL = "http://127.0.0.1:8080"
UNPROCESSABLE = 422


class Recollect:
    """A Recollect service: at an address, in a folder of this machine, or in memory (`":memory:"`).

    Without a target the environment's RECOLLECT_URL counts, else the address of a local server; without a key,
    RECOLLECT_KEY. `timeout` is in seconds for each attempt.
    """

    def __init__(
        self, target: str | None = None, *, key: str | None = None, timeout: float = 30.0, retries: int = 3
    ) -> None:
        target = target or os.environ.get("RECOLLECT_URL") or DEFAULT_URL
        key = key or os.environ.get("RECOLLECT_KEY")
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        local = LocalTransport(LocalService(target)) if is_local(target) else None
        self.url = URL if local else target.rstrip("/")
        self._retries = Retries(retries)
        self._http = httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=timeout, transport=local)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections; a service in this process ends."""
        self._http.close()

    def space(self, name: str) -> Space:
        """One memory space. It is not asked for here, and never made implicitly: `create` makes it."""
        return Space(self, name)

    def spaces(self) -> Iterator[generated.Space]:
        """Every space that the key may see."""
        return map(reader(generated.Space), self.pages(requests.page_of_spaces))

    def send(self, request: Request) -> Any:
        """Send a request, again where another moment may mend it; raises Problem or NotReached."""
        built = self._built(request)
        reply = self._attempt(lambda: self._http.send(built))
        if not reply.is_success:
            raise problem_of(reply)
        return request.read(reply.json()) if reply.content else None

    def events(self, request: Request) -> Iterator[tuple[str, Any]]:
        """Send a request and give the events of its reply as they come; a `problem` among them is raised."""
        built = self._built(request)
        reply = self._attempt(lambda: self._http.send(built, stream=True))
        try:
            if not reply.is_success:
                reply.read()
                raise problem_of(reply)
            for name, data in requests.events(reply.iter_lines()):
                if name == "problem":
                    raise Problem(data)
                yield name, data
        except httpx.HTTPError as fault:
            raise not_reached(self.url, fault) from fault
        finally:
            reply.close()

    def pages(self, page: Callable[[str | None], Request]) -> Iterator[Any]:
        """The items of all pages, each page fetched when it is come to."""
        cursor: str | None = None
        while True:
            found = self.send(page(cursor))
            yield from found["items"]
            cursor = found.get("next_cursor")
            if cursor is None:
                return

    def _built(self, request: Request) -> httpx.Request:
        return self._http.build_request(
            request.method, request.path, json=request.body, params=dict(request.query), headers=request.all_headers()
        )

    def _attempt(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        for attempt in range(self._retries.most + 1):
            reply, fault = None, None
            try:
                reply = send()
            except httpx.HTTPError as met:
                fault = met
            wait_s = self._retries.wait_s(attempt, reply)
            if reply is not None and wait_s is None:
                return reply
            if wait_s is None:
                assert fault is not None
                raise not_reached(self.url, fault) from fault
            if reply is not None:
                reply.close()
            time.sleep(wait_s)
        raise AssertionError("the last attempt returns or raises")


class Space:
    """One memory space of a service."""

    def __init__(self, client: Recollect, name: str) -> None:
        self.client, self.name = client, name

    def create(self, **settings: Any) -> Self:
        """Make the space, or change its settings: `description`, `schema`, `embedding_dimensions`."""
        self.client.send(requests.put_space(self.name, **settings))
        return self

    def delete(self) -> None:
        """Delete the space and all that it remembers."""
        self.client.send(requests.delete_space(self.name))

    def stats(self) -> generated.SpaceStats:
        """What the space holds: episodes, and per field its type and number of values."""
        return self.client.send(requests.stats(self.name))  # type: ignore[no-any-return]

    def complete(self, known: Mapping[str, Any] | None = None, /, **named: Any) -> Completion:
        """Complete an episode from the part that is known; raises Refusal where the evidence is not enough.

        What is known comes by name, `complete(what="breakfast")`, or as a mapping, where a field's name is no
        Python name or one of the settings: `targets`, `threshold`, `coverage`, `prior_stored`, `include`, `as_of`,
        `config`, `partial_embedding`, `cue_strength`, `temporal_context`.
        """
        return self.complete_request(request_of(known, named))

    def complete_request(self, body: Mapping[str, Any]) -> Completion:
        """Complete as the contract's CompleteRequest says."""
        try:
            return self.client.send(requests.complete(self.name, body))  # type: ignore[no-any-return]
        except Problem as problem:
            if problem.status != UNPROCESSABLE:
                raise
            raise Refusal(problem.document, body, self.complete_request) from None

    def complete_many(
        self, cues: Iterable[Mapping[str, Any]], **asked: Any
    ) -> Iterator[Completion | Refusal | Problem]:
        """Complete many, in their order; one that fails gives its error and does not fail the rest."""
        bodies = [completion_request(cue, **asked) for cue in cues]
        for body, outcome in zip(bodies, self._batches(bodies), strict=True):
            if "result" in outcome:
                yield Completion(outcome["result"])
            elif outcome["status"] == UNPROCESSABLE:
                yield Refusal(outcome["problem"], body, self.complete_request)
            else:
                yield Problem(outcome["problem"])

    def stream(self, known: Mapping[str, Any] | None = None, /, **named: Any) -> Iterator[tuple[str, Any]]:
        """The completion as it happens: events by name with their data; the last is `final_result`."""
        return self.client.events(requests.complete_stream(self.name, request_of(known, named)))

    def fill(self, table: Any, *, targets: Iterable[str] | None = None, **asked: Any) -> Filled:
        """Fill the gaps of a data frame or of a list of records."""
        rows, wanted = tables.gaps(table, targets, **asked)
        return tables.filled(table, rows, dict(zip(wanted, self._batches(list(wanted.values())), strict=True)))

    def probability(self, statement: Iterable[Mapping[str, Any]], /, **known: Any) -> generated.ProbabilityResponse:
        """How probable it is that these conditions of the contract hold together, given what is known."""
        return self.client.send(requests.probability(self.name, known, statement))  # type: ignore[no-any-return]

    def recall(
        self,
        known: Mapping[str, Any] | None = None,
        /,
        limit: int = 10,
        where: Mapping[str, Any] | None = None,
        **named: Any,
    ) -> list[Found]:
        """The stored episodes most like what is known; `where` is the contract's filter."""
        return self.client.send(requests.recall(self.name, {**(known or {}), **named}, limit, where))  # type: ignore[no-any-return]

    def remember(self, fields: Mapping[str, Any] | None = None, /, **named: Any) -> generated.Episode:
        """Store one episode: its fields by name, or as a mapping with `id`, `embedding`, `occurred_at` beside it."""
        given = {"fields": named} if fields is None else {"fields": fields, **named}
        return self.client.send(requests.create_episode(self.name, given.pop("fields"), **given))  # type: ignore[no-any-return]

    def remember_all(self, table: Any, *, id_column: str | None = "id") -> list[generated.ImportReport]:
        """Store the rows of a data frame or of a list of records, in chunks that are each stored whole."""
        items = list(tables.episodes(table, id_column))
        starts = range(0, len(items), requests.IMPORT)
        return [
            self.client.send(requests.import_episodes(self.name, items[at : at + requests.IMPORT])) for at in starts
        ]

    def episode(self, episode_id: str) -> generated.Episode:
        """One stored episode."""
        return self.client.send(requests.get_episode(self.name, episode_id))  # type: ignore[no-any-return]

    def delete_episode(self, episode_id: str) -> None:
        """Erase one episode."""
        self.client.send(requests.delete_episode(self.name, episode_id))

    def episodes(self) -> Iterator[generated.Episode]:
        """Every episode, in order of creation."""
        return map(reader(generated.Episode), self.client.pages(lambda c: requests.page_of_episodes(self.name, c)))

    def patterns(self) -> Iterator[generated.Pattern]:
        """What the space has learned, the strongest first."""
        return map(reader(generated.Pattern), self.client.pages(lambda c: requests.page_of_patterns(self.name, c)))

    def forget(
        self, where: Mapping[str, Any], *, expected_count: int | None = None, dry_run: bool = True
    ) -> generated.ForgetReceipt:
        """Count what matches the contract's filter or, with `dry_run=False` and the count, erase it."""
        return self.client.send(requests.forget(self.name, where, expected_count, dry_run=dry_run))  # type: ignore[no-any-return]

    def duplicates(self, *, least: float = 0.5, limit: int = 100) -> list[generated.Duplicate]:
        """The pairs of episodes that probably tell of one event, the likeliest first."""
        return (self.client.send(requests.duplicates(self.name, least, limit))).items  # type: ignore[no-any-return]

    def merge(
        self, *episode_ids: str, fields: Mapping[str, Any] | None = None, prefer: str = "first"
    ) -> dict[str, Any]:
        """Make one episode of several, the first of which stays. Keep the receipt, as JSON: `unmerge` takes it."""
        return self.client.send(requests.merge(self.name, episode_ids, fields, prefer))  # type: ignore[no-any-return]

    def unmerge(self, receipt: Mapping[str, Any]) -> generated.Unmerged:
        """Take a merge back: the episodes stand again as they were."""
        return self.client.send(requests.unmerge(self.name, receipt))  # type: ignore[no-any-return]

    def feedback(
        self, completion: Completion, field: str, *, right: bool | None = None, true_value: Any = None
    ) -> generated.Feedback:
        """Tell whether a completed field was right, or what it truly was; it enters the calibration."""
        request = requests.feedback(self.name, completion.completion_id, field, right=right, true_value=true_value)
        return self.client.send(request)  # type: ignore[no-any-return]

    def consolidate(self) -> dict[str, Any]:
        """Let the space learn, and wait for it."""
        return self.client.send(requests.consolidate(self.name))  # type: ignore[no-any-return]

    def _batches(self, bodies: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for at in range(0, len(bodies), requests.BATCH):
            yield from self.client.send(requests.complete_batch(self.name, bodies[at : at + requests.BATCH]))
