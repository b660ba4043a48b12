"""`duplicates` and `contradictions`: which episodes tell of one event or entity, and what they say differently."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from recollect.cli.client import Client
from recollect.cli.console import AsJson, KeyOption, Space, Url, out, percent, print_json, print_table, shown

Least = Annotated[float, typer.Option("--least", min=0, max=1, help="Of one event with at least this probability.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")]


def duplicates(
    space: Space = "demo",
    least: Least = 0.5,
    limit: Limit = 20,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """List the pairs of episodes that probably tell of one event; nothing is changed.

    Example: recollect duplicates --space visits --least 0.9
    """
    with Client(url, key, as_json=as_json) as client:
        found = client.call("GET", "/duplicates", space=space, query={"min_probability": least, "limit": limit})
    if as_json:
        print_json(found)
        return
    rows = [[*each["episode_ids"], percent(each["probability"]), _differs(each)] for each in found["items"]]
    if not rows:
        out.print("No two episodes seem to tell of one event.")
        return
    print_table(["episode", "and", "of one event>", "differ in"], rows)


def contradictions(
    space: Space = "demo",
    entity: Annotated[str | None, typer.Option("--entity", help="The field that names what they are about.")] = None,
    field: Annotated[str | None, typer.Option("--field", "-f", help="Only what is said of this field.")] = None,
    least: Least = 0.5,
    limit: Limit = 20,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """List what episodes say differently of one event or entity, and what the latest says; nothing is changed.

    Example: recollect contradictions --space people --entity who --field lives_in
    """
    query: dict[str, Any] = {"min_probability": least, "limit": limit}
    query |= {name: value for name, value in (("entity", entity), ("field", field)) if value is not None}
    with Client(url, key, as_json=as_json) as client:
        found = client.call("GET", "/contradictions", space=space, query=query)
    if as_json:
        print_json(found)
        return
    rows = [
        [
            shown(each["entity"]) if "entity" in each else percent(each["probability"]),
            each["field"],
            ", ".join(f"{shown(said['value'])} ({said['episodes']})" for said in each["values"]),
            shown(each["current"]) if "current" in each else "",
        ]
        for each in found["items"]
    ]
    if not rows:
        out.print("No two episodes say different things of one.")
        return
    print_table([entity or "of one event", "field", "values (episodes)", "the latest says"], rows)


def _differs(pair: dict[str, Any]) -> str:
    return ", ".join(f"{each['field']}: {' / '.join(map(shown, each['values']))}" for each in pair["differs"])
