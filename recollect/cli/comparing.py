"""`duplicates`, `merge` and `contradictions`: which episodes tell of one event or entity, and where they differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from recollect.cli.client import Client
from recollect.cli.console import (
    EXIT_USAGE,
    AsJson,
    Failure,
    KeyOption,
    Space,
    Url,
    out,
    percent,
    print_json,
    print_table,
    shown,
)
from recollect.cli.episodes import as_stored

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


def merge(  # noqa: PLR0913, PLR0917  # a parameter per option
    space: Annotated[str, typer.Option("--space", "-s", help="The memory space.")],
    episode_ids: Annotated[
        list[str] | None, typer.Argument(metavar="EPISODE_ID…", help="Two or more; the first stays.")
    ] = None,
    latest: Annotated[bool, typer.Option("--latest", help="Where they differ, the latest holds.")] = False,
    set_fields: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="What holds instead; repeat for more.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be.")] = False,
    receipt: Annotated[
        Path | None, typer.Option("--receipt", dir_okay=False, help="Write the receipt here: it takes the merge back.")
    ] = None,
    undo: Annotated[
        Path | None, typer.Option("--undo", exists=True, dir_okay=False, help="Take back what this receipt tells.")
    ] = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Make one episode of several that tell of one event, or take that back by its receipt.

    Example: recollect merge visit-17 visit-17b --space visits --receipt merged.json
    """
    with Client(url, key, as_json=as_json) as client:
        if undo is not None:
            _unmerge(client, space, undo, as_json=as_json)
            return
        if len(episode_ids or ()) < 2 or not (dry_run or receipt or as_json):
            detail = "Two or more ids, and --receipt FILE (or --json, or --dry-run): the receipt is kept nowhere else."
            raise Failure("Say what to merge", detail, exit_code=EXIT_USAGE, as_json=as_json)
        body: dict[str, Any] = {"episode_ids": episode_ids, "dry_run": dry_run}
        body |= {"prefer": "latest"} if latest else {}
        body |= {"fields": as_stored(client, space, set_fields)} if set_fields else {}
        if receipt is not None:
            _write_receipt(receipt, "")  # no merge begins whose receipt cannot be kept
        told = client.call("POST", "/merge", space=space, body=body)
    if receipt is not None:
        _write_receipt(receipt, json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    if as_json:
        print_json(told)
        return
    rows = [[each["field"], " / ".join(map(shown, each["values"])), shown(each["kept"])] for each in told["differs"]]
    if rows:
        print_table(["field", "they said", "kept"], rows)
    verb = "would be" if dry_run else "are"
    out.print(f"{len(told['episodes'])} episodes {verb} one: {escape(told['episode_id'])}.")
    if receipt is not None and not dry_run:
        out.print(f"To take it back: recollect merge --space {space} --undo {receipt}")


def _write_receipt(file: Path, text: str) -> None:
    try:
        if file.exists() and file.stat().st_size:
            detail = f"{file} holds something already, perhaps another receipt."
            raise Failure("The receipt is not written", detail, exit_code=EXIT_USAGE)
        file.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise Failure("The receipt cannot be written", f"{file}: {fault.strerror}") from None


def _unmerge(client: Client, space: str, file: Path, *, as_json: bool) -> None:
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Failure("The receipt cannot be read", f"{file} is no JSON.", exit_code=EXIT_USAGE) from None
    done = client.call("POST", "/merge/undo", space=space, body=body)
    if as_json:
        print_json(done)
    else:
        out.print(f"{len(done['episode_ids'])} episodes stand again: {', '.join(map(escape, done['episode_ids']))}.")


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
