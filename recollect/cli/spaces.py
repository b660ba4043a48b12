"""`spaces`: list, create, show and delete memory spaces."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from recollect.cli.client import Client, segment
from recollect.cli.console import AsJson, Failure, KeyOption, Url, out, print_json, print_table
from recollect.cli.suggesting import suggest_spaces

spaces = typer.Typer(no_args_is_help=True, help="List, create, show and delete memory spaces.")

SpaceName = Annotated[str, typer.Argument(metavar="SPACE", help="The space's name.", autocompletion=suggest_spaces)]


@spaces.command("list")
def list_spaces(url: Url = None, key: KeyOption = None, as_json: AsJson = False) -> None:
    """List the spaces that the key may see.

    Example: recollect spaces list
    """
    with Client(url, key, as_json=as_json) as client:
        items = fetch_spaces(client)
    if as_json:
        print_json({"items": items})
        return
    rows = [[str(item["space_id"]), _vectors(item), _access(item), item.get("description", "")] for item in items]
    print_table(["space", "vectors", "access", "description"], rows)


@spaces.command("create")
def create_space(
    space: SpaceName,
    description: Annotated[str, typer.Option("--description", "-d", help="What it holds, for people.")] = "",
    dimensions: Annotated[
        int | None, typer.Option("--dimensions", min=1, help="Length of its episodes' embeddings, if they have any.")
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option("--missing", help="A text that stands for no value, such as N/A; repeat for more."),
    ] = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Create a space; one that exists stays as it is and is refused.

    Example: recollect spaces create tickets --description "Support tickets" --missing N/A --missing -999
    """
    body: dict[str, Any] = {"description": description} if description else {}
    if missing:
        body["missing_values"] = missing
    if dimensions is not None:
        body["embedding_dimensions"] = dimensions
    with Client(url, key, as_json=as_json) as client:
        made = client.call("PUT", f"/spaces/{segment(space)}", body=body, headers={"If-None-Match": "*"})
    if as_json:
        print_json(made)
    else:
        out.print(f"Created the space [bold]{space}[/].")


@spaces.command("show")
def show_space(space: SpaceName, url: Url = None, key: KeyOption = None, as_json: AsJson = False) -> None:
    """Show a space: what it is and what it holds.

    Example: recollect spaces show visits
    """
    with Client(url, key, as_json=as_json) as client:
        found = client.call("GET", f"/spaces/{segment(space)}")
        stats = client.call("GET", f"/spaces/{segment(space)}/stats")
    if as_json:
        print_json({"space": found, "stats": stats})
        return
    found = found | {"missing_values": ", ".join(found.get("missing_values", ()))}
    facts = [(name, value) for name, value in (found | stats).items() if not isinstance(value, dict | list)]
    print_table(["fact", "value"], [[name, str(value)] for name, value in facts])
    rows = [
        [each["name"], each["type"], str(each["episodes"]), str(each["distinct_values"])] for each in stats["fields"]
    ]
    if rows:
        print_table(["field", "type", "episodes>", "distinct>"], rows, title="\nFields")


@spaces.command("delete")
def delete_space(
    space: SpaceName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Delete a space and every episode in it, for good.

    Example: recollect spaces delete visits
    """
    with Client(url, key, as_json=as_json) as client:
        if not yes and not typer.confirm(f"Delete the space {space} and everything in it, for good?", err=True):
            raise Failure("Nothing was deleted", as_json=as_json)
        client.call("DELETE", f"/spaces/{segment(space)}")
    if as_json:
        print_json({"deleted": space})
    else:
        out.print(f"Deleted the space [bold]{space}[/].")


def fetch_spaces(client: Client) -> list[dict[str, Any]]:
    """Every space that the key may see, page by page."""
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = client.call("GET", "/spaces", query={"limit": 100} | ({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page.get("next_cursor")
        if not cursor:
            return items


def _vectors(space: dict[str, Any]) -> str:
    dimensions = space.get("embedding_dimensions")
    return f"{dimensions}-d" if dimensions else "none"


def _access(space: dict[str, Any]) -> str:
    return "read only" if space.get("read_only") else "read, write"
