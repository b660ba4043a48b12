"""What the shell offers while a command is typed: spaces, fields and values, asked of the server.

A server that does not answer soon, or refuses, leaves the shell without suggestions and without an error.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import typer

_PATIENCE_S = 2.0
_SAMPLE = 200  # episodes whose values are offered


def suggest_spaces(ctx: typer.Context, incomplete: str) -> list[str]:
    """The spaces that the key may see."""
    found = _ask(ctx, "/spaces")
    return [each["space_id"] for each in found.get("items", []) if each["space_id"].startswith(incomplete)]


def suggest_fields(ctx: typer.Context, incomplete: str) -> list[str]:
    """The fields of the space, the fullest first."""
    found = _ask(ctx, f"/spaces/{_space(ctx)}/stats")
    return [each["name"] for each in found.get("fields", []) if each["name"].startswith(incomplete)]


def suggest_known(ctx: typer.Context, incomplete: str) -> list[str]:
    """`FIELD=` until there is an equals sign, then the values of that field.

    Bash ends a word at the sign: it asks for `bre` after the words `what` and `=`, and wants the value alone.
    """
    before = list(ctx.params.get("known") or [])
    if before[-1:] == ["="]:
        return list(_values(ctx, "".join(before[-2:-1]), incomplete))
    name, sign, begun = incomplete.partition("=")
    if sign:
        return [f"{name}={value}" for value in _values(ctx, name, begun)]
    return [f"{name}=" for name in suggest_fields(ctx, incomplete)]


def _values(ctx: typer.Context, name: str, begun: str) -> Iterator[str]:
    """The distinct texts of a field that begin so, of those that a shell takes for one word without quotes."""
    found = _ask(ctx, "/episodes", space=_space(ctx), query={"limit": _SAMPLE})
    held = (episode["fields"].get(name) for episode in found.get("items", []))
    for value in dict.fromkeys(value for value in held if isinstance(value, str)):
        if value.startswith(begun) and shlex.quote(value) == value:
            yield value


def _space(ctx: typer.Context) -> str:
    return ctx.params.get("space") or "demo"


def _ask(ctx: typer.Context, path: str, **request: Any) -> dict[str, Any]:
    from recollect.cli.client import Client  # it prints with what names these suggestions
    from recollect.cli.console import Failure
    from recollect.settings import SettingsError

    with suppress(Failure, SettingsError), Client(ctx.params.get("url"), ctx.params.get("key")) as client:
        found = client.call("GET", path, timeout_s=_PATIENCE_S, **request)
        return found if isinstance(found, dict) else {}
    return {}
