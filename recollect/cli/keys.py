"""`keys`: create, list and revoke API keys in a data folder; no running server is needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recollect import keys as access_keys
from recollect.cli.console import AsJson, err, out, print_json, print_table
from recollect.cli.local import Data, with_runtime
from recollect.model import Action, Key

if TYPE_CHECKING:
    from recollect.service.runtime import Runtime

keys = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys (in a data folder).")


@keys.command("create")
def create_key(
    label: Annotated[str, typer.Option("--label", "-l", help="Whom or what it is for.")] = "",
    action: Annotated[
        list[Action] | None, typer.Option("--action", "-a", help="What it may do; repeat for more. (default: admin)")
    ] = None,
    space: Annotated[
        list[str] | None, typer.Option("--space", "-s", help="A space it reaches; repeat for more. (default: all)")
    ] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, help="Days until it expires. (default: never)")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and show it, once.

    Example: recollect keys create --label app --action read --space tickets --days 90
    """
    expires_at = None if days is None else (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")
    actions = action or [Action.ADMIN]
    folder, secret, key = with_runtime(
        lambda runtime: _issue(runtime, actions, space or None, label, expires_at),
        data=data,
        as_json=as_json,
        makes_store=True,
    )
    if as_json:
        print_json(_document(key) | {"key": secret})
        return
    err.print(f"Created {key.key_id} in {folder}. The key is shown once; only its digest is stored.")
    out.print(secret)


@keys.command("list")
def list_keys(data: Data = None, as_json: AsJson = False) -> None:
    """List every key, revoked and expired ones included.

    Example: recollect keys list
    """

    async def read(runtime: Runtime) -> list[Key]:
        return runtime.store.list_keys()

    found = with_runtime(read, data=data, as_json=as_json)
    if as_json:
        print_json({"items": [_document(key) for key in found]})
        return
    rows = [
        [
            key.key_id,
            key.label,
            ", ".join(sorted(key.actions)),
            "all" if key.spaces is None else ", ".join(key.spaces),
            key.created_at,
            _state(key),
        ]
        for key in found
    ]
    print_table(["key", "label", "actions", "spaces", "created", "state"], rows)


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `keys list` shows it.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """End a key, at once and on all workers.

    Example: recollect keys revoke key_8d6b2f
    """
    key = with_runtime(lambda runtime: access_keys.revoke(runtime.store, key_id), data=data, as_json=as_json)
    if as_json:
        print_json(_document(key))
    else:
        out.print(f"Revoked {key.key_id}.")


async def _issue(
    runtime: Runtime, actions: list[Action], spaces: list[str] | None, label: str, expires_at: str | None
) -> tuple[Path, str, Key]:
    """The data folder, the secret and the key."""
    return runtime.settings.data, *await access_keys.issue(runtime.store, actions, spaces, label, expires_at)


def _state(key: Key) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at}"
    if key.expires_at is None:
        return "holds"
    is_over = datetime.fromisoformat(key.expires_at) <= datetime.now(UTC)
    return f"expired {key.expires_at}" if is_over else f"holds until {key.expires_at}"


def _document(key: Key) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "label": key.label,
        "actions": sorted(key.actions),
        "spaces": None if key.spaces is None else list(key.spaces),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }
