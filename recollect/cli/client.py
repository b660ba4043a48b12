"""The way to the server: one request, its JSON, or a Failure that says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from recollect.cli.console import EXIT_NO_EVIDENCE, EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_USAGE, Failure, shown
from recollect.settings import Settings, client_key, client_url

_API = "/api/v1"
_TIMEOUT = httpx.Timeout(120.0, connect=5.0)
_UNPROCESSABLE = 422
# What a suggestion says in the words of this command line, by its id.
_SAID_HERE = {
    "name_space": "List the spaces with `recollect spaces list`, or create one with `recollect spaces create NAME`.",
    "find_episode": "Check the id and the space; `recollect recall FIELD=VALUE` finds one by what is known of it.",
    "store_episodes": "Store more episodes first: `recollect import FILE`.",
}


class Client:
    """One server, one key."""

    def __init__(self, url: str | None, key: str | None, *, as_json: bool = False) -> None:
        self.url = (url or client_url() or Settings.from_environment().url).rstrip("/")
        self._as_json = as_json
        key = key or client_key()
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        try:
            # Reading the certificates of all authorities takes longer than most commands.
            is_encrypted = httpx.URL(self.url).scheme == "https"
            self._http = httpx.Client(base_url=self.url, headers=headers, timeout=_TIMEOUT, verify=is_encrypted)
        except (httpx.InvalidURL, UnicodeEncodeError, ValueError) as fault:
            raise Failure("The address or the key cannot be used", str(fault), exit_code=EXIT_USAGE) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        space: str | None = None,
        body: Any = None,
        content: bytes | Iterable[bytes] | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """The JSON of a reply (None when it has none); any problem becomes a Failure."""
        sent = dict(headers or {}) | ({"X-Memory-Space": space} if space else {})
        request = {"json": body, "content": content, "params": dict(query or {}), "headers": sent}
        if timeout_s is not None:
            request["timeout"] = httpx.Timeout(timeout_s, connect=_TIMEOUT.connect)
        reply = self._send(method, path, **request)
        return reply.json() if reply.content else None

    def read(self, path: str, *, space: str) -> tuple[Any, str]:
        """The JSON of a reply, and its ETag for a write that insists on it."""
        reply = self._send("GET", path, headers={"X-Memory-Space": space})
        return reply.json(), reply.headers.get("etag", "")

    def fetch(self, path: str, media_type: str, *, space: str, query: Mapping[str, Any] | None = None) -> bytes:
        """A representation other than JSON, as it came."""
        headers = {"X-Memory-Space": space, "Accept": media_type}
        return self._send("GET", path, params=dict(query or {}), headers=headers).content

    def events(self, path: str, *, space: str, body: Any) -> Iterator[tuple[str, Any]]:
        """Server-sent events and their data as they come; a `problem` among them becomes a Failure."""
        headers = {"X-Memory-Space": space, "Accept": "text/event-stream"}
        with self._reaching(), self._http.stream("POST", _API + path, json=body, headers=headers) as reply:
            if not reply.is_success:
                reply.read()
                raise self._refusal(reply)
            name = ""
            for line in reply.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    data = json.loads(line.removeprefix("data: "))
                    if name == "problem":
                        raise self._refusal_of(data)
                    yield name, data
            if name != "final_result":
                detail = f"{self.url} ended the stream without a final result or a problem."
                raise self._failure("The answer broke off", detail, EXIT_UNREACHABLE)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        with self._reaching():
            reply = self._http.request(method, _API + path, **request)
        if reply.is_success:
            return reply
        raise self._refusal(reply)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """What keeps a request from its server becomes a Failure."""
        try:
            yield
        except httpx.TimeoutException:
            raise self._failure("The server did not answer in time", self.url, EXIT_UNREACHABLE) from None
        except httpx.UnsupportedProtocol:
            raise self._failure("The address cannot be used", f"{self.url} is not http://…", EXIT_USAGE) from None
        except httpx.TransportError as fault:
            hint = "Start it with `make serve` or `recollect serve`, or name another with --url."
            raise self._failure(
                "No server was reached", f"{self.url}: {str(fault) or type(fault).__name__}", EXIT_UNREACHABLE, hint
            ) from None

    def _failure(self, title: str, detail: str, exit_code: int, *hints: str) -> Failure:
        return Failure(title, detail, exit_code=exit_code, hints=hints, as_json=self._as_json)

    def _refusal(self, reply: httpx.Response) -> Failure:
        try:
            problem = reply.json()
        except ValueError:
            problem = None
        if not isinstance(problem, dict) or "title" not in problem:
            detail = f"{self.url} answered {reply.status_code} {reply.reason_phrase} without a problem document."
            return self._failure("This does not look like a Recollect server", detail, EXIT_REFUSED)
        return self._refusal_of({**problem, "status": reply.status_code})

    def _refusal_of(self, problem: Mapping[str, Any]) -> Failure:
        return Failure(
            f"{problem['title']} ({problem['status']} {problem.get('code', '')})".replace(" )", ")"),
            str(problem.get("detail", "")),
            hints=problem_hints(problem),
            exit_code=EXIT_NO_EVIDENCE if problem["status"] == _UNPROCESSABLE else EXIT_REFUSED,
            problem=problem,
            as_json=self._as_json,
        )


def problem_hints(problem: Mapping[str, Any]) -> list[str]:
    """What a problem says to do: each violation, then each suggestion with the option that applies it here."""
    hints = [
        f"{error.get('pointer') or '/'}: expected {error.get('expected', '?')}, got {error.get('actual', '?')}"
        for error in problem.get("errors", ())
    ]
    for suggestion in problem.get("suggestions", ()):
        options = " ".join(option for change in suggestion.get("patch", ()) for option in _options(change))
        space = suggestion.get("headers", {}).get("X-Memory-Space")
        options = f"--space {space}" if space else options
        message = _SAID_HERE.get(suggestion.get("id"), suggestion.get("message", ""))
        hints.append(f"{message}  ({options})" if options else str(message))
    return hints


def _options(change: Mapping[str, Any]) -> list[str]:
    """A JSON Patch operation on a completion request as this command line spells it; empty where it cannot."""
    path, value = str(change.get("path", "")), change.get("value")
    if path == "/targets" and isinstance(value, list):
        return [f"--target {shown(each)}" for each in value]
    if isinstance(value, dict):  # a patch that makes a missing parent
        return [option for name in value for option in _options({"path": f"{path}/{name}", "value": value[name]})]
    if value is None:
        return []
    said = {
        "/config/ca1_threshold": f"--threshold {value}",
        "/config/prior_stored": "--stored" if value == 1 else "--new",
    }
    if path in said:
        return [said[path]]
    known = "/partial_episode/known_fields/"
    if path.startswith(known):
        return [f"{path.removeprefix(known).replace('~1', '/').replace('~0', '~')}={shown(value)}"]
    return []


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")
