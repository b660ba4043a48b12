"""What an audit found, listed to be confirmed, and written where it was; every change with a receipt."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from recollect.cli.client import Client, segment
from recollect.cli.console import EXIT_USAGE, Failure, shown
from recollect.cli.reading import write_cells

if TYPE_CHECKING:
    from recollect.cli.sheets import Sheet

_COLUMNS = ("where", "field", "stored", "probably", "chance", "how", "behind it", "confirm")
_YES = frozenset(("yes", "y", "x", "true", "1"))
_KEPT = ("fields", "embedding", "occurred_at", "expires_at", "origin", "metadata")

Json = dict[str, Any]


def write_suspects(path: Path, items: Iterable[Mapping[str, Any]]) -> None:
    """The list of suspects, with an empty column to confirm in."""
    rows = (
        [
            each["episode_id"],
            each["field"],
            shown(each["value"]),
            "" if each.get("proposed") is None else shown(each["proposed"]),
            f"{each['chance']:.4f}",
            each["kind"],
            " ".join(evidence["episode_id"] for evidence in each["evidence"]),
            "",
        ]
        for each in items
    )
    try:
        write_cells(path, _COLUMNS, rows)
    except OSError as fault:
        raise Failure("The list cannot be written", f"{path}: {fault.strerror}") from None


def apply_to_file(path: Path, sheet: Sheet, listed: Path) -> Json:
    """A corrected copy of the table beside it, and the receipt."""
    places = {f"line {line}": place for place, line in enumerate(sheet.lines)}
    changes, filled = [], {}
    for where, name, before, after in _confirmed(listed):
        place = places.get(where)
        if place is None or name not in sheet.rows[place] or sheet.rows[place][name] != before:
            continue
        filled[place, name] = after
        changes.append({"where": where, "field": name, "before": before, "after": after})
    written = path.with_name(f"{path.stem}.corrected{path.suffix}")
    sheet.write(written, filled, None)
    receipt = _receipt(path.with_name(f"{path.stem}.receipt.json"), {"file": str(path.absolute()), "changes": changes})
    skipped = sum(1 for _ in _confirmed(listed)) - len(changes)
    return {"changed": len(changes), "skipped": skipped, "file": str(written.absolute()), "receipt": receipt}


def apply_to_space(client: Client, space: str, listed: Path) -> Json:
    """Write the confirmed values, each only where the episode still has what was told; and the receipt."""
    wanted = [(where, name, before, after) for where, name, before, after in _confirmed(listed)]
    changes = []
    for where, name, before, after in wanted:
        if _exchange(client, space, where, name, before, after):
            changes.append({"where": where, "field": name, "before": before, "after": after})
    receipt = _receipt(listed.with_name(f"{space}.receipt.json"), {"space": space, "changes": changes})
    return {"changed": len(changes), "skipped": len(wanted) - len(changes), "receipt": receipt}


def revert_in_space(client: Client, receipt: Path | None) -> Json:
    """Put back what a receipt tells, where nobody has changed it since."""
    assert receipt is not None
    try:
        told = orjson.loads(receipt.read_bytes())
        changes = [(each["where"], each["field"], each["after"], each["before"]) for each in told["changes"]]
        space = told["space"]
    except (ValueError, KeyError, TypeError) as fault:
        raise Failure("This is no receipt of a space", f"{receipt}: {fault}", exit_code=EXIT_USAGE) from None
    done = sum(_exchange(client, space, *change) for change in changes)
    return {"changed": done, "skipped": len(changes) - done}


def _exchange(client: Client, space: str, episode_id: str, name: str, before: Any, after: Any) -> bool:
    """Whether the episode had the value before and has the one after it now; nothing is written otherwise."""
    path = f"/episodes/{segment(episode_id)}"
    try:
        stored, tag = client.read(path, space=space)
    except Failure as failure:
        if (failure.problem or {}).get("status") == 404:
            return False
        raise
    if stored["fields"].get(name) != before:
        return False
    body = {part: stored[part] for part in _KEPT if stored.get(part) is not None}
    body["fields"] = stored["fields"] | {name: after}
    try:
        client.call("PUT", path, space=space, body=body, headers={"If-Match": tag})
    except Failure as failure:
        if (failure.problem or {}).get("status") == 412:  # somebody wrote meanwhile
            return False
        raise
    return True


def _confirmed(listed: Path) -> Iterator[tuple[str, str, Any, Any]]:
    """(where, field, stored value, value to write) of every confirmed line."""
    with listed.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not {"where", "field", "stored", "probably", "confirm"} <= set(reader.fieldnames or ()):
            detail = f"{listed} lacks the columns where, field, stored, probably and confirm."
            raise Failure("This is no list of an audit", detail, exit_code=EXIT_USAGE)
        for row in reader:
            if (row["confirm"] or "").strip().lower() in _YES and row["probably"]:
                yield row["where"], row["field"], _value(row["stored"]), _value(row["probably"])


def _value(text: str) -> Any:
    """A value as the list shows it."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _receipt(path: Path, told: Json) -> str:
    """Write a receipt, never over another."""
    count = 1
    while path.exists():
        count += 1
        path = path.with_name(f"{path.name.split('.receipt')[0]}.receipt-{count}.json")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    path.write_bytes(orjson.dumps({"at": now, **told}, option=orjson.OPT_INDENT_2) + b"\n")
    return str(path.absolute())
