"""`status`: whether the server answers, as whom one calls, and what it holds."""

from __future__ import annotations

from recollect.cli.client import Client
from recollect.cli.console import AsJson, KeyOption, Url, print_json, print_table
from recollect.cli.spaces import fetch_spaces


def status(url: Url = None, key: KeyOption = None, as_json: AsJson = False) -> None:
    """Show the server's version, who you are to it, and its spaces.

    Example: recollect status --url http://127.0.0.1:8080
    """
    with Client(url, key, as_json=as_json) as client:
        version = client.call("GET", "/version")
        caller = client.call("GET", "/whoami")
        spaces = fetch_spaces(client)
    if as_json:
        print_json({"url": client.url, "version": version, "whoami": caller, "spaces": spaces})
        return
    reached = caller.get("spaces") or ["all spaces"]
    rows = [
        ["server", client.url],
        ["version", f"{version['version']}, engine {version['engine_version']}"],
        ["you are", f"{caller['key_id']}: {', '.join(caller['actions'])} on {', '.join(reached)}"],
        ["it holds", ", ".join(str(each["space_id"]) for each in spaces) or "no spaces"],
    ]
    print_table(["fact", "value"], rows)
