"""The operations of the contract, bound to their handlers once, at start.

connexion reads and checks the document and resolves each operationId to a function;
its own per-request machinery (parameter decorators, a fresh validator per request) is
replaced here, through its public base classes, by what is worked out per operation.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Awaitable, Callable, Iterable
from time import perf_counter
from typing import Any

from connexion.exceptions import ResolverError
from connexion.http_facts import METHODS
from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
from connexion.operations import AbstractOperation
from connexion.resolver import Resolver
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from handlers import bodies, corrections
from handlers.calls import EXTENSION, Call
from handlers.validation import Parameters, Validator
from recollect.errors import InvalidRequest, RecollectError

Handler = Callable[..., Awaitable[Response]]


class HandlerResolver(Resolver):  # type: ignore[misc]
    """Finds the handler of an operationId: the function of that name in the module of its tag."""

    def __init__(self, modules: Iterable[str]) -> None:
        super().__init__(self._find)
        self._handlers: dict[str, Handler] = {}
        for name in modules:
            module = importlib.import_module(name)
            for handler_name, function in inspect.getmembers(module, inspect.iscoroutinefunction):
                if function.__module__ == name and not handler_name.startswith("_"):
                    self._handlers[handler_name] = function

    def _find(self, operation_id: str) -> Handler:
        try:
            return self._handlers[operation_id]
        except KeyError:
            raise ResolverError(f"No handler is named {operation_id!r}") from None


class BoundOperation:
    """One operation: its compiled schemas and its handler."""

    def __init__(self, operation: AbstractOperation) -> None:
        self._handler: Handler = operation.function
        parameters = operation.parameters
        self._query = Parameters(parameters)
        self._path = _path_validator(parameters)
        self._headers = _header_validators(parameters)
        content = operation.request_body.get("content", {}) if operation.request_body else {}
        schema = content.get(bodies.JSON, {}).get("schema")
        self._schema = schema or {}
        self._body = Validator(schema) if schema else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Validate the call, hand it to its handler, send what it replies."""
        call: Call = scope["extensions"][EXTENSION]
        begun = perf_counter()
        arguments = self._query.read(scope["query_string"])
        path = scope["path_params"]
        if path:
            self._path.check(path)
            arguments = {**arguments, **path}
        for name, validator in self._headers:
            value = call.headers.get(name)
            if value is not None:
                validator.check(value.decode("latin-1"))
        if self._body is not None and call.media_type == bodies.JSON:
            if call.is_large:  # a single pass of the validator may take tens of milliseconds
                await asyncio.to_thread(self._body.check, call.body)
            else:
                await self._check(self._body, call)
        call.clock.handled = perf_counter()
        call.clock.parse_s += call.clock.handled - begun
        reply = await self._handler(call, **arguments)
        await reply(scope, receive, send)

    async def _check(self, body: Validator, call: Call) -> None:
        """Raise InvalidRequest unless the body keeps the contract, with the correction where one is found."""
        try:
            body.check(call.body)
        except InvalidRequest as error:
            operation = call.operation.operation_id
            may_write = await _may_write(call)
            raise corrections.explain(
                error, operation, call.body, self._schema, body.is_valid, may_write=may_write
            ) from None


async def _may_write(call: Call) -> bool:
    """Whether the call's space is there and takes episodes."""
    try:
        return not (await call.runtime.space(call.scope)).read_only
    except RecollectError:
        return False


class BoundApi(RoutedAPI[BoundOperation]):  # type: ignore[misc]
    """The operations of one document."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_paths()

    def add_paths(self) -> None:
        """Bind every operation; one without a handler fails the start, not the first call."""
        for path, item in self.specification["paths"].items():
            for method in METHODS & item.keys():
                self.add_operation(path, method)

    def make_operation(self, operation: AbstractOperation) -> BoundOperation:
        """Bind one operation."""
        return BoundOperation(operation)


class Operations(RoutedMiddleware[BoundApi]):  # type: ignore[misc]
    """Runs the operation that the guard has found; passes everything else on, to the pages."""

    api_cls = BoundApi

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the operation, or pass on."""
        if EXTENSION in scope.get("extensions", ()):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _path_validator(parameters: Iterable[dict[str, Any]]) -> Validator:
    properties = {each["name"]: each["schema"] for each in parameters if each["in"] == "path"}
    return Validator({"type": "object", "properties": properties}, "/path")


def _header_validators(parameters: Iterable[dict[str, Any]]) -> tuple[tuple[bytes, Validator], ...]:
    """Validators of the headers that the guard has not looked at already."""
    return tuple(
        (each["name"].lower().encode("ascii"), Validator(each["schema"], f"/header/{each['name'].lower()}"))
        for each in parameters
        if each["in"] == "header" and each["name"].lower() != "x-memory-space"
    )
