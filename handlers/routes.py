"""Which operation a method and a path mean, and what the contract says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from handlers.bodies import JSON
from recollect.errors import MethodNotAllowed, RouteNotFound
from recollect.model import Action
from recollect.service.access import ACTIONS

_METHODS = ("get", "put", "post", "patch", "delete")
_SPACE_HEADER = "x-memory-space"


@dataclass(frozen=True, slots=True)
class Operation:
    """The facts of one operation that the guard needs, read from the contract once."""

    operation_id: str
    method: str
    path: str
    base_path: str
    action: Action | None  # what the key must allow; None: any key that holds
    takes_space: bool
    accepts: tuple[str, ...]  # media types of the body, none: no body
    requires_body: bool
    produces: tuple[str, ...]


@dataclass(slots=True)
class Route:
    """One path: its operations by method (HEAD goes with GET), or a page for people and probes."""

    segments: tuple[str, ...]
    base_path: str = ""
    operations: dict[str, Operation] = field(default_factory=dict)
    is_page: bool = False

    @property
    def allow(self) -> str:
        """The Allow header: the methods this path takes."""
        methods = {"GET", "HEAD"} if self.is_page else set(self.operations)
        return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set()) | {"OPTIONS"}))

    def operation(self, method: str) -> Operation | None:
        """The operation behind a method, None for a page; raises MethodNotAllowed."""
        method = "GET" if method == "HEAD" else method
        if self.is_page and method == "GET":
            return None
        found = self.operations.get(method)
        if found is None:
            raise MethodNotAllowed(
                f"The path does not take this method; it takes {self.allow}.",
                context={"allowed": self.allow.split(", ")},
                headers={"Allow": self.allow},
            )
        return found


class Routes:
    """All paths. A literal path is one look-up, one with parameters a few comparisons."""

    def __init__(self, pages: Iterable[str]) -> None:
        self._literal: dict[str, Route] = {}
        self._templates: dict[int, list[Route]] = {}
        for page in pages:
            self._route("", page).is_page = True

    def add(self, specification: Mapping[str, Any], base_path: str) -> None:
        """Take over the operations of an OpenAPI document (references resolved)."""
        for path, item in specification["paths"].items():
            route = self._route(base_path, path)
            for method in _METHODS:
                if method in item:
                    route.operations[method.upper()] = read_operation(path, method, item, base_path)

    def operations(self) -> list[Operation]:
        """Every operation of the contract."""
        routes = [*self._literal.values(), *(route for group in self._templates.values() for route in group)]
        return [operation for route in routes for operation in route.operations.values()]

    def find(self, path: str) -> tuple[Route, dict[str, str]]:
        """The route of a path and the values of its parameters; raises RouteNotFound."""
        route = self._literal.get(path)
        if route is not None:
            return route, {}
        parts = path.split("/")
        for route in self._templates.get(len(parts), ()):
            values = {}
            for segment, part in zip(route.segments, parts, strict=True):
                if segment[:1] == "{":
                    values[segment[1:-1]] = part
                elif segment != part:
                    break
            else:
                if all(values.values()):
                    return route, values
        raise RouteNotFound("There is nothing at this path; /docs lists what there is.")

    def _route(self, base_path: str, path: str) -> Route:
        full = base_path + path
        segments = tuple(full.split("/"))
        if "{" not in full:
            return self._literal.setdefault(full, Route(segments, base_path))
        group = self._templates.setdefault(len(segments), [])
        for route in group:
            if route.segments == segments:
                return route
        group.append(Route(segments, base_path))
        return group[-1]


def read_operation(path: str, method: str, item: Mapping[str, Any], base_path: str) -> Operation:
    """The facts of one operation of an OpenAPI document."""
    spec = item[method]
    body = spec.get("requestBody", {})
    parameters = [*item.get("parameters", ()), *spec.get("parameters", ())]
    produces = dict.fromkeys(
        media
        for status, response in spec["responses"].items()
        if str(status).startswith("2")
        for media in response.get("content", {})
    )
    return Operation(
        operation_id=spec["operationId"],
        method=method.upper(),
        path=path,
        base_path=base_path,
        action=ACTIONS[spec["operationId"]],
        takes_space=any(each["in"] == "header" and each["name"].lower() == _SPACE_HEADER for each in parameters),
        accepts=tuple(body.get("content", {})),
        requires_body=bool(body.get("required", False)),
        produces=tuple(produces) or (JSON,),
    )
