"""What can go wrong, as exceptions:

Problem             any refusal of the service: `status`, `code`, `detail`, `suggestions`, `document`
  Refusal           a completion without enough evidence (422): `apply` asks again with a suggestion
  AsyncRefusal      the same of the asynchronous client, its `apply` is awaited
NotReached          no answer came: no server, a broken connection, a time that ran out
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import recollect_client as generated

from recollect_sdk.models import typed
from recollect_sdk.patches import patched

if TYPE_CHECKING:
    from recollect_sdk.answers import Completion

Suggestion = generated.Suggestion
MACHINE_APPLICABLE = "machine_applicable"


class NotReached(ConnectionError):
    """No answer came."""


class Problem(Exception):
    """The service refused; its text begins with what went wrong."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = dict(document)
        self.status: int = document["status"]
        self.title: str = document.get("title", "")
        self.code: str = document.get("code", "")
        self.detail: str = document.get("detail", "")
        self.is_retryable: bool = document.get("retryable", False)
        self.suggestions = [typed(Suggestion, each) for each in document.get("suggestions", ())]
        super().__init__(f"{self.title}: {self.detail} ({self.status} {self.code})")

    @property
    def model(self) -> generated.Problem:
        """The problem as the generated client types it."""
        return typed(generated.Problem, self.document)


class _Unanswered(Problem):
    """A 422, and the request it refused."""

    def __init__(self, document: Mapping[str, Any], request: Mapping[str, Any]) -> None:
        super().__init__(document)
        self.request = dict(request)

    def _patched(self, suggestion: Suggestion | None, value: Any) -> dict[str, Any]:
        chosen = suggestion or next((s for s in self.suggestions if s.applicability == MACHINE_APPLICABLE), None)
        if chosen is None:
            raise ValueError("No suggestion can be applied by a program; choose one and give its value.")
        if value is None and chosen.applicability != MACHINE_APPLICABLE:
            raise ValueError(f"“{chosen.message}” needs a value: apply(suggestion, value).")
        changes = [change.to_dict() for change in chosen.patch or ()]
        if value is not None:
            changes = [{**change, "value": value} for change in changes] or _supplied(chosen, value)
        return patched(self.request, changes)


class Refusal(_Unanswered):
    """There is not enough evidence to complete the episode."""

    def __init__(
        self, document: Mapping[str, Any], request: Mapping[str, Any], again: Callable[[Mapping[str, Any]], Completion]
    ) -> None:
        super().__init__(document, request)
        self._again = again

    def apply(self, suggestion: Suggestion | None = None, value: Any = None) -> Completion:
        """Ask again with a suggestion applied, the first machine-applicable one by default.

        `value` is for a suggestion to supply a field: what you now know of it.
        """
        return self._again(self._patched(suggestion, value))


class AsyncRefusal(_Unanswered):
    """There is not enough evidence to complete the episode."""

    def __init__(
        self,
        document: Mapping[str, Any],
        request: Mapping[str, Any],
        again: Callable[[Mapping[str, Any]], Awaitable[Completion]],
    ) -> None:
        super().__init__(document, request)
        self._again = again

    async def apply(self, suggestion: Suggestion | None = None, value: Any = None) -> Completion:
        """Ask again with a suggestion applied, as `Refusal.apply` does."""
        return await self._again(self._patched(suggestion, value))


def _supplied(suggestion: Suggestion, value: Any) -> list[dict[str, Any]]:
    """A suggestion to add a field says which in its id, `add_<field>`."""
    field = suggestion.id.removeprefix("add_")
    if field == suggestion.id:
        raise ValueError(f"“{suggestion.message}” takes no value.")
    escaped = field.replace("~", "~0").replace("/", "~1")
    return [{"op": "add", "path": f"/partial_episode/known_fields/{escaped}", "value": value}]
