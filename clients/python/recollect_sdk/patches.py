"""JSON Patch (RFC 6902), as far as suggestions use it: add, replace, remove."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any


def patched(document: Mapping[str, Any], changes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A copy of the document with the changes made; raises ValueError for one that cannot be."""
    result: Any = copy.deepcopy(dict(document))
    for change in changes:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in change["path"].split("/")[1:]]
        place = result
        for part in way:
            place = place.setdefault(part, {}) if isinstance(place, dict) else place[int(part)]
        _change(place, last, change)
    return result  # type: ignore[no-any-return]


def _change(place: Any, last: str, change: Mapping[str, Any]) -> None:
    verb = change["op"]
    if verb not in {"add", "replace", "remove"}:
        raise ValueError(f"A patch that does “{verb}” cannot be applied.")
    if isinstance(place, list):
        at = len(place) if last == "-" else int(last)
        place[at : at + (verb != "add")] = [] if verb == "remove" else [change["value"]]
    elif verb == "remove":
        del place[last]
    else:
        place[last] = change["value"]
