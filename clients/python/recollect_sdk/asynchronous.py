"""The client for asyncio: the same operations by the same names, awaited."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, Self

import httpx
import recollect_client as generated

from recollect_sdk import requests, tables
from recollect_sdk.answers import Completion, Filled, Found
from recollect_sdk.errors import AsyncRefusal, Problem
from recollect_sdk.local import URL, AsyncLocalTransport, LocalService, is_local
from recollect_sdk.models import typed
from recollect_sdk.requests import Request, completion_request, request_of
from recollect_sdk.retrying import Retries, not_reached, problem_of

DEFAULT_URL = "http://127.0.0.1:8080"
UNPROCESSABLE = 422


class AsyncRecollect:
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
        local = AsyncLocalTransport(LocalService(target)) if is_local(target) else None
        self.url = URL if local else target.rstrip("/")
        self._retries = Retries(retries)
        self._http = httpx.AsyncClient(base_url=f"{self.url}/api/v1", headers=headers, timeout=timeout, transport=local)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *fault: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections; a service in this process ends."""
        await self._http.aclose()

    def space(self, name: str) -> AsyncSpace:
        """One memory space. It is not asked for here, and never made implicitly: `create` makes it."""
        return AsyncSpace(self, name)

    async def spaces(self) -> AsyncIterator[generated.Space]:
        """Every space that the key may see."""
        async for each in self.pages(requests.page_of_spaces):
            yield typed(generated.Space, each)

    async def send(self, request: Request) -> Any:
        """Send a request, again where another moment may mend it; raises Problem or NotReached."""
        built = self._built(request)
        reply = await self._attempt(lambda: self._http.send(built))
        if not reply.is_success:
            raise problem_of(reply)
        return request.read(reply.json()) if reply.content else None

    async def events(self, request: Request) -> AsyncIterator[tuple[str, Any]]:
        """Send a request and give the events of its reply as they come; a `problem` among them is raised."""
        built = self._built(request)
        reply = await self._attempt(lambda: self._http.send(built, stream=True))
        try:
            if not reply.is_success:
                await reply.aread()
                raise problem_of(reply)
            reader = requests.EventReader()
            async for line in reply.aiter_lines():
                for name, data in reader.take(line):
                    if name == "problem":
                        raise Problem(data)
                    yield name, data
        except httpx.HTTPError as fault:
            raise not_reached(self.url, fault) from fault
        finally:
            await reply.aclose()

    async def pages(self, page: Callable[[str | None], Request]) -> AsyncIterator[Any]:
        """The items of all pages, each page fetched when it is come to."""
        cursor: str | None = None
        while True:
            found = await self.send(page(cursor))
            for item in found["items"]:
                yield item
            cursor = found.get("next_cursor")
            if cursor is None:
                return

    def _built(self, request: Request) -> httpx.Request:
        return self._http.build_request(
            request.method, request.path, json=request.body, params=dict(request.query), headers=request.all_headers()
        )

    async def _attempt(self, send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        for attempt in range(self._retries.most + 1):
            reply, fault = None, None
            try:
                reply = await send()
            except httpx.HTTPError as met:
                fault = met
            wait_s = self._retries.wait_s(attempt, reply)
            if reply is not None and wait_s is None:
                return reply
            if wait_s is None:
                assert fault is not None
                raise not_reached(self.url, fault) from fault
            if reply is not None:
                await reply.aclose()
            await asyncio.sleep(wait_s)
        raise AssertionError("the last attempt returns or raises")


class AsyncSpace:
    """One memory space of a service."""

    def __init__(self, client: AsyncRecollect, name: str) -> None:
        self.client, self.name = client, name

    async def create(self, **settings: Any) -> Self:
        """Make the space, or change its settings: `description`, `schema`, `embedding_dimensions`."""
        await self.client.send(requests.put_space(self.name, **settings))
        return self

    async def delete(self) -> None:
        """Delete the space and all that it remembers."""
        await self.client.send(requests.delete_space(self.name))

    async def stats(self) -> generated.SpaceStats:
        """What the space holds: episodes, and per field its type and number of values."""
        return await self.client.send(requests.stats(self.name))  # type: ignore[no-any-return]

    async def complete(self, known: Mapping[str, Any] | None = None, /, **named: Any) -> Completion:
        """Complete an episode from the part that is known; raises AsyncRefusal where the evidence is not enough.

        What is known comes by name, `complete(what="breakfast")`, or as a mapping, where a field's name is no
        Python name or one of the settings: `targets`, `threshold`, `coverage`, `prior_stored`, `include`, `as_of`,
        `config`, `partial_embedding`, `cue_strength`, `temporal_context`.
        """
        return await self.complete_request(request_of(known, named))

    async def complete_request(self, body: Mapping[str, Any]) -> Completion:
        """Complete as the contract's CompleteRequest says."""
        try:
            return await self.client.send(requests.complete(self.name, body))  # type: ignore[no-any-return]
        except Problem as problem:
            if problem.status != UNPROCESSABLE:
                raise
            raise AsyncRefusal(problem.document, body, self.complete_request) from None

    async def complete_many(
        self, cues: Iterable[Mapping[str, Any]], **asked: Any
    ) -> AsyncIterator[Completion | AsyncRefusal | Problem]:
        """Complete many, in their order; one that fails gives its error and does not fail the rest."""
        bodies = [completion_request(cue, **asked) for cue in cues]
        waiting = iter(bodies)
        async for outcome in self._batches(bodies):
            body = next(waiting)
            if "result" in outcome:
                yield Completion(outcome["result"])
            elif outcome["status"] == UNPROCESSABLE:
                yield AsyncRefusal(outcome["problem"], body, self.complete_request)
            else:
                yield Problem(outcome["problem"])

    def stream(self, known: Mapping[str, Any] | None = None, /, **named: Any) -> AsyncIterator[tuple[str, Any]]:
        """The completion as it happens: events by name with their data; the last is `final_result`."""
        return self.client.events(requests.complete_stream(self.name, request_of(known, named)))

    async def fill(self, table: Any, *, targets: Iterable[str] | None = None, **asked: Any) -> Filled:
        """Fill the gaps of a data frame or of a list of records."""
        rows, wanted = tables.gaps(table, targets, **asked)
        outcomes = [outcome async for outcome in self._batches(list(wanted.values()))]
        return tables.filled(table, rows, dict(zip(wanted, outcomes, strict=True)))

    async def probability(
        self, statement: Iterable[Mapping[str, Any]], /, **known: Any
    ) -> generated.ProbabilityResponse:
        """How probable it is that these conditions of the contract hold together, given what is known."""
        return await self.client.send(requests.probability(self.name, known, statement))  # type: ignore[no-any-return]

    async def recall(
        self,
        known: Mapping[str, Any] | None = None,
        /,
        limit: int = 10,
        where: Mapping[str, Any] | None = None,
        **named: Any,
    ) -> list[Found]:
        """The stored episodes most like what is known; `where` is the contract's filter."""
        return await self.client.send(requests.recall(self.name, {**(known or {}), **named}, limit, where))  # type: ignore[no-any-return]

    async def remember(self, fields: Mapping[str, Any] | None = None, /, **named: Any) -> generated.Episode:
        """Store one episode: its fields by name, or as a mapping with `id`, `embedding`, `occurred_at` beside it."""
        given = {"fields": named} if fields is None else {"fields": fields, **named}
        return await self.client.send(requests.create_episode(self.name, given.pop("fields"), **given))  # type: ignore[no-any-return]

    async def remember_all(self, table: Any, *, id_column: str | None = "id") -> list[generated.ImportReport]:
        """Store the rows of a data frame or of a list of records, in chunks that are each stored whole."""
        items = list(tables.episodes(table, id_column))
        starts = range(0, len(items), requests.IMPORT)
        return [
            await self.client.send(requests.import_episodes(self.name, items[at : at + requests.IMPORT]))
            for at in starts
        ]

    async def episode(self, episode_id: str) -> generated.Episode:
        """One stored episode."""
        return await self.client.send(requests.get_episode(self.name, episode_id))  # type: ignore[no-any-return]

    async def delete_episode(self, episode_id: str) -> None:
        """Erase one episode."""
        await self.client.send(requests.delete_episode(self.name, episode_id))

    async def episodes(self) -> AsyncIterator[generated.Episode]:
        """Every episode, in order of creation."""
        async for each in self.client.pages(lambda c: requests.page_of_episodes(self.name, c)):
            yield typed(generated.Episode, each)

    async def patterns(self) -> AsyncIterator[generated.Pattern]:
        """What the space has learned, the strongest first."""
        async for each in self.client.pages(lambda c: requests.page_of_patterns(self.name, c)):
            yield typed(generated.Pattern, each)

    async def forget(
        self, where: Mapping[str, Any], *, expected_count: int | None = None, dry_run: bool = True
    ) -> generated.ForgetReceipt:
        """Count what matches the contract's filter or, with `dry_run=False` and the count, erase it."""
        return await self.client.send(requests.forget(self.name, where, expected_count, dry_run=dry_run))  # type: ignore[no-any-return]

    async def duplicates(self, *, least: float = 0.5, limit: int = 100) -> list[generated.Duplicate]:
        """The pairs of episodes that probably tell of one event, the likeliest first."""
        return (await self.client.send(requests.duplicates(self.name, least, limit))).items  # type: ignore[no-any-return]

    async def merge(
        self, *episode_ids: str, fields: Mapping[str, Any] | None = None, prefer: str = "first"
    ) -> dict[str, Any]:
        """Make one episode of several, the first of which stays. Keep the receipt, as JSON: `unmerge` takes it."""
        return await self.client.send(requests.merge(self.name, episode_ids, fields, prefer))  # type: ignore[no-any-return]

    async def unmerge(self, receipt: Mapping[str, Any]) -> generated.Unmerged:
        """Take a merge back: the episodes stand again as they were."""
        return await self.client.send(requests.unmerge(self.name, receipt))  # type: ignore[no-any-return]

    async def feedback(
        self, completion: Completion, field: str, *, right: bool | None = None, true_value: Any = None
    ) -> generated.Feedback:
        """Tell whether a completed field was right, or what it truly was; it enters the calibration."""
        request = requests.feedback(self.name, completion.completion_id, field, right=right, true_value=true_value)
        return await self.client.send(request)  # type: ignore[no-any-return]

    async def consolidate(self) -> dict[str, Any]:
        """Let the space learn, and wait for it."""
        return await self.client.send(requests.consolidate(self.name))  # type: ignore[no-any-return]

    async def _batches(self, bodies: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
        for at in range(0, len(bodies), requests.BATCH):
            for outcome in await self.client.send(requests.complete_batch(self.name, bodies[at : at + requests.BATCH])):
                yield outcome
