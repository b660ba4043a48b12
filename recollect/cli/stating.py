"""`probability`: how probable a statement is."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from rich.markup import escape

from recollect.cli.client import Client
from recollect.cli.completing import HappenedBy, Known, KnownBy, as_of, parse_fields, print_notes
from recollect.cli.console import EXIT_USAGE, AsJson, Failure, KeyOption, Space, Url, out, percent, print_json

_CONDITION = re.compile(r"(?P<field>[^=<>!]+)(?P<sign>!=|>=|<=|=)(?P<value>.*)", re.DOTALL)
_EXAMPLE = "For example: --that where=kitchen --that 'minutes>=20'"


def probability(
    known: Known = None,
    that: Annotated[
        list[str] | None,
        typer.Option("--that", help="FIELD=VALUE, FIELD!=VALUE, FIELD>=VALUE or FIELD<=VALUE; repeat for more."),
    ] = None,
    space: Space = "demo",
    known_by: KnownBy = None,
    happened_by: HappenedBy = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Tell how probable a statement is, given what you know.

    Example: recollect probability what=breakfast --that where=kitchen --that 'who!=Jonas'
    """
    if not that:
        raise _unreadable("No statement was given.")
    statement = _merged([_condition(text) for text in that])
    body = {"partial_episode": {"known_fields": parse_fields(known or [])}, "statement": statement}
    body |= as_of(known_by, happened_by)
    with Client(url, key, as_json=as_json) as client:
        answer = client.call("POST", "/probability", space=space, body=body)
    if as_json:
        print_json(answer)
        return
    out.print(f"[bold]{percent(answer['probability'])}[/]", markup=True)
    if answer["high"] - answer["low"] > 0.0005:
        out.print(f"between {percent(answer['low'])} and {percent(answer['high'])}")
    if len(statement) > 1:
        for condition, alone in zip(statement, answer["alone"], strict=True):
            out.print(f"[dim]{escape(condition['field'])} alone: {percent(alone)}[/]", markup=True)
    print_notes(answer)


def _condition(text: str) -> dict[str, Any]:
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise _unreadable(f"“{text}” is no condition.")
    field, sign = found["field"], found["sign"]
    value = parse_fields([f"{field}={found['value']}"])[field]
    if sign in {"=", "!="}:
        values = value if isinstance(value, list) else [value]
        return {"field": field, "one_of": values} | ({"negated": True} if sign == "!=" else {})
    return {"field": field, "at_least" if sign == ">=" else "at_most": value}


def _merged(conditions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The two bounds of one field as one condition."""
    merged: list[dict[str, Any]] = []
    for condition in conditions:
        own = condition.keys() - {"field"}
        twin = next((each for each in merged if each["field"] == condition["field"]), None)
        if twin is not None and "one_of" not in own | twin.keys() and not own & twin.keys():
            twin.update(condition)
        else:
            merged.append(condition)
    return merged


def _unreadable(detail: str) -> Failure:
    return Failure("The command line cannot be read", detail, hints=[_EXAMPLE], exit_code=EXIT_USAGE)
