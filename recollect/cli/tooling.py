"""`mcp`: the memory as tools for programs that speak the Model Context Protocol."""

from __future__ import annotations

from typing import Annotated

import typer

from recollect.cli.console import EXIT_USAGE, Failure, KeyOption, Url, err
from recollect.settings import Settings, client_key, client_url


def mcp(
    space: Annotated[str | None, typer.Option("--space", "-s", help="The space meant where a call names none.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Also offer the tools that remember and forget.")] = False,
    http: Annotated[
        bool, typer.Option("--http", help="Serve streamable HTTP on this machine instead of stdio.")
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of --http.")] = 8090,
    url: Url = None,
    key: KeyOption = None,
) -> None:
    """Offer a running server as MCP tools: complete, recall and, with --write, remember and forget.

    Example: recollect mcp --space demo
    """
    try:
        # Here and not above: the protocol's library is an extra, and only this command needs it.
        from recollect.mcp import transports
    except ImportError:
        hint = "pip install 'recollect[mcp]'"
        raise Failure("The MCP library is not installed", hints=[hint], exit_code=EXIT_USAGE) from None
    url, key = url or client_url() or Settings.from_environment().url, key or client_key()
    if not http:
        transports.serve_stdio(url, key, space, may_write=write)
        return
    err.print(f"MCP at http://{transports.HOST}:{port}/mcp, for programs of this machine; Ctrl-C ends it.")
    transports.serve_http(url, key, space, port, may_write=write)
