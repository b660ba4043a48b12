"""`episodes`, `forget`, `feedback` and `schema`: what a space holds, piece by piece, and the types of its fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from recollect.cli.client import Client, segment
from recollect.cli.completing import parse_fields, print_notes
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
from recollect.cli.reading import require_columns

episodes = typer.Typer(no_args_is_help=True, help="List, show, put and delete single episodes.")

EpisodeId = Annotated[str, typer.Argument(metavar="EPISODE_ID", help="As `episodes list` shows it.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_TYPES = ("category", "text", "number", "time", "boolean", "list")


@episodes.command("list")
def list_episodes(
    space: Space = "demo",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 20,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Where the page before ended.")] = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """List episodes in the order in which they were written.

    Example: recollect episodes list --space tickets --limit 50
    """
    query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
    with Client(url, key, as_json=as_json) as client:
        page = client.call("GET", "/episodes", space=space, query=query)
    if as_json:
        print_json(page)
        return
    names = list(dict.fromkeys(name for item in page["items"] for name in item["fields"]))
    rows = [
        [item["id"], *(shown(item["fields"][name]) if name in item["fields"] else "" for name in names)]
        for item in page["items"]
    ]
    print_table(["episode", *names], rows)
    if page["next_cursor"]:
        out.print(f"[dim]There are more: --cursor {page['next_cursor']}[/]")


@episodes.command("show")
def show_episode(
    episode_id: EpisodeId, space: Space = "demo", url: Url = None, key: KeyOption = None, as_json: AsJson = False
) -> None:
    """Show one episode.

    Example: recollect episodes show ep_demo_0001 --space demo
    """
    with Client(url, key, as_json=as_json) as client:
        found = client.call("GET", f"/episodes/{segment(episode_id)}", space=space)
    if as_json:
        print_json(found)
        return
    print_table(["field", "value"], [[name, shown(value)] for name, value in found["fields"].items()])
    facts = [
        f"{name} {found[name]}" for name in ("occurred_at", "expires_at", "created_at", "revision") if name in found
    ]
    out.print(f"\n[dim]{escape(', '.join(facts))}[/]")


@episodes.command("put")
def put_episode(
    episode_id: EpisodeId,
    fields: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE…", help="All of its fields.")],
    space: Space,
    occurred_at: Annotated[
        str | None, typer.Option("--occurred-at", help="When, such as 2026-03-04T08:00:00Z.")
    ] = None,
    expires_at: Annotated[
        str | None, typer.Option("--expires-at", help="From when on it is as if never stored.")
    ] = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Store an episode under an id, in place of one that has it.

    Example: recollect episodes put t-17 product=router fault=overheats --space tickets
    """
    times = {name: at for name, at in (("occurred_at", occurred_at), ("expires_at", expires_at)) if at}
    body = {"fields": parse_fields(fields), **times}
    with Client(url, key, as_json=as_json) as client:
        stored = client.call("PUT", f"/episodes/{segment(episode_id)}", space=space, body=body)
    if as_json:
        print_json(stored)
    else:
        out.print(f"Stored {escape(stored['id'])}, revision {stored['revision']}.")


@episodes.command("delete")
def delete_episode(
    episode_id: EpisodeId,
    space: Space,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Erase one episode, for good.

    Example: recollect episodes delete t-17 --space tickets
    """
    with Client(url, key, as_json=as_json) as client:
        client.call("DELETE", f"/episodes/{segment(episode_id)}", space=space)
    if as_json:
        print_json({"deleted": episode_id})
    else:
        out.print(f"Deleted {escape(episode_id)}.")


def forget(
    space: Space,
    fields: Annotated[
        list[str] | None, typer.Argument(metavar="FIELD=VALUE…", help="What the episodes to forget have.")
    ] = None,
    yes: Yes = False,
    proof: Annotated[Path | None, typer.Option("--proof", help="Write a proof of the forgetting here.")] = None,
    check: Annotated[Path | None, typer.Option("--check", help="Check a proof written before; forget nothing.")] = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Forget every episode with these values: count them first, then erase exactly as many.

    Example: recollect forget customer=4711 --space tickets
    """
    if not fields and check is None:
        raise Failure("Say what to forget", "FIELD=VALUE, once or more", exit_code=EXIT_USAGE, as_json=as_json)
    with Client(url, key, as_json=as_json) as client:
        if check is not None:
            _check_proof(client, space, check, as_json=as_json)
            return
        where = {"fields": as_stored(client, space, fields or [])}
        receipt = client.call("POST", "/forget", space=space, body={"filter": where})
        count = receipt["count"]
        if not count:  # nothing, or nothing of that name: who erases must not take one for the other
            known = _fields_of(client, space)
            require_columns(list(known) or where["fields"], where["fields"], of="space", what="field", as_json=as_json)
        if count and not yes and not as_json:
            yes = typer.confirm(f"Forget {count:,} episodes of {space}, for good?", err=True)
            if not yes:
                raise Failure("Nothing was forgotten")
        if count and yes:
            body = {"filter": where, "dry_run": False, "expected_count": count, "proof": proof is not None}
            receipt = client.call("POST", "/forget", space=space, body=body)
    if as_json:
        print_json(receipt)
    elif not count:
        out.print("No episode has these values.")
        print_notes(receipt)
    else:
        out.print(f"Forgot {receipt['count']:,} episodes of [bold]{escape(space)}[/].")
    if proof is not None and "proof" in receipt:
        _write_proof(proof, receipt)
        if not as_json:
            told = "the same" if receipt["proof"]["after"] == receipt["proof"]["twin"] else "not the same"
            out.print(f"The answers are {told} as those of a twin that never had them; the proof: {proof}")


def _write_proof(file: Path, receipt: dict[str, Any]) -> None:
    try:
        file.write_text(json.dumps(receipt, indent=2) + "\n", encoding="utf-8")
    except OSError as fault:
        raise Failure("The proof cannot be written", f"{file}: {fault.strerror}") from None


def _check_proof(client: Client, space: str, file: Path, *, as_json: bool) -> None:
    """Ask the probes of a kept receipt again."""
    try:
        receipt = json.loads(file.read_text(encoding="utf-8"))
        body = {"probes": receipt["proof"]["probes"], "revision": receipt["revision"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise Failure("The proof cannot be read", f"{file} is no receipt with a proof.", exit_code=EXIT_USAGE) from None
    found = client.call("POST", "/forget/proof", space=space, body=body)
    if as_json:
        print_json(found)
    elif found["is_forgotten"]:
        out.print(f"Forgotten: {space} answers as if it had never had it ({len(body['probes'])} cues asked).")
    elif found["learned_before"]:
        out.print(f"What {space} has learned, it learned while it had it: recollect consolidate --space {space} --wait")
    else:
        out.print(f"Not forgotten: {space} answers otherwise than a twin that never had it.")


def feedback(
    completion: Annotated[str, typer.Argument(metavar="COMPLETION_ID", help="As `complete --verbose` shows it.")],
    field: Annotated[str, typer.Argument(metavar="FIELD", help="The completed field.")],
    verdict: Annotated[str | None, typer.Argument(metavar="right|wrong", help="Whether its value was right.")] = None,
    true_value: Annotated[str | None, typer.Option("--true-value", help="Or what it really was.")] = None,
    space: Space = "demo",
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a completed field was right; it counts in the calibration.

    Example: recollect feedback cmp_f3364eaf41d252de99cbfb67 where right --space journal
    """
    if (verdict is None) == (true_value is None) or verdict not in {None, "right", "wrong"}:
        hint = f"For example: recollect feedback {completion} {field} right"
        raise Failure("Say right or wrong, or give the true value", hints=[hint], exit_code=EXIT_USAGE)
    body: dict[str, Any] = {"completion_id": completion, "field": field}
    with Client(url, key, as_json=as_json) as client:
        if verdict:
            body["verdict"] = verdict
        else:
            body["true_value"] = as_stored(client, space, [f"{field}={true_value}"])[field]
        taken = client.call("POST", "/feedback", space=space, body=body)
    if as_json:
        print_json(taken)
    else:
        out.print(f"Taken: {escape(field)} was {taken['verdict']}, said with {percent(taken['confidence'])}.")


def schema(
    types: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FIELD=TYPE…", help=f"Types to set: {', '.join(_TYPES)}; nothing learns it from the data."
        ),
    ] = None,
    space: Space = "demo",
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Show the fields of a space and their types, or set some.

    Example: recollect schema zip=text opened=time size= --space shops
    """
    changes = dict(_type_of(pair) for pair in types or ())
    with Client(url, key, as_json=as_json) as client:
        if changes:
            client.call("PATCH", f"/spaces/{segment(space)}", body={"schema": changes})
        found = client.call("GET", f"/spaces/{segment(space)}")
        stats = client.call("GET", f"/spaces/{segment(space)}/stats")
    declared = found["schema"]
    if as_json:
        print_json({"schema": declared, "fields": stats["fields"]})
        return
    rows = [
        [
            each["name"],
            each["type"],
            "set" if each["name"] in declared else "learned",
            str(each["episodes"]),
            str(each["distinct_values"]),
        ]
        for each in stats["fields"]
    ]
    held = {each["name"] for each in stats["fields"]}
    rows += [[name, kind, "set", "0", "0"] for name, kind in declared.items() if name not in held]
    print_table(["field", "type", "by", "episodes>", "distinct>"], rows)


def _type_of(pair: str) -> tuple[str, str | None]:
    name, equals, kind = pair.partition("=")
    if not equals or not name or (kind and kind not in _TYPES):
        raise Failure(
            "The command line cannot be read",
            f"“{pair}” is not FIELD=TYPE.",
            hints=[f"The types are {', '.join(_TYPES)}. For example: recollect schema zip=text"],
            exit_code=EXIT_USAGE,
        )
    return name, kind or None


def as_stored(client: Client, space: str, pairs: list[str]) -> dict[str, Any]:
    """The values as the fields' types have them: 02134 stays text where a field has text."""
    fields = parse_fields(pairs)
    texts = {name for name, kind in _fields_of(client, space).items() if kind in {"category", "text"}}
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name in texts and not isinstance(fields[name], str | list):
            fields[name] = text
    return fields


def _fields_of(client: Client, space: str) -> dict[str, str]:
    """The fields that the space's episodes have, with their types."""
    stats = client.call("GET", f"/spaces/{segment(space)}/stats")
    return {each["name"]: each["type"] for each in stats["fields"]}
