"""`consolidate`, `patterns` and `calibration`: let a space learn, and see what it has learned."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from recollect import telemetry
from recollect.cli.client import Client
from recollect.cli.console import (
    EXIT_REFUSED,
    AsJson,
    Failure,
    KeyOption,
    OneField,
    Space,
    Url,
    err,
    out,
    percent,
    print_json,
    print_table,
)
from recollect.settings import Settings

_POLL_S = 0.2
_NICE = 10  # those who ask go first
_UNDER_WAY = frozenset(("queued", "running"))


def consolidate(
    space: Space = "demo",
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Stay until it is done.")] = False,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Let a space learn regularities from its episodes.

    Example: recollect consolidate --space visits --wait
    """
    with Client(url, key, as_json=as_json) as client:
        state = client.call("POST", "/consolidate", space=space, body={})
        if wait:
            state = follow(client, space, state)
    if as_json:
        print_json(state)
    elif state["status"] in _UNDER_WAY:
        out.print(f"Begun. [dim]recollect consolidate --space {space} --wait[/] shows how it goes.")
    if state["status"] == "failed":
        problem = state.get("problem", {})
        raise Failure(problem.get("title", "The consolidation failed"), problem.get("detail", ""))
    if state["status"] == "succeeded" and not as_json:
        _print_learned(state)


def patterns(
    space: Space = "demo",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 20,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """List the regularities of a space, strongest first.

    Example: recollect patterns --space visits --limit 10
    """
    with Client(url, key, as_json=as_json) as client:
        page = client.call("GET", "/patterns", space=space, query={"limit": limit})
    if as_json:
        print_json(page)
        return
    rows = [
        [each["statement"], str(each["support"]), percent(each["probability"]), f"{each['lift']:.1f}"]
        for each in page["items"]
    ]
    print_table(["regularity", "episodes>", "holds in>", "lift>"], rows)
    if page["next_cursor"]:
        out.print(f"[dim]There are more: --limit {min(1000, 5 * limit)}[/]")


def calibration(
    space: Space = "demo",
    field: OneField = None,
    source: Annotated[str | None, typer.Option("--source", help="Only answers from this source.")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Draw the reliability diagram into this file.")] = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Show how far the confidences of a space can be trusted.

    Example: recollect calibration --space visits --svg reliability.svg
    """
    query = {name: value for name, value in (("field", field), ("source", source)) if value is not None}
    with Client(url, key, as_json=as_json) as client:
        found = client.call("GET", "/calibration", space=space, query=query)
        picture = client.fetch("/calibration", "image/svg+xml", space=space, query=query) if svg else b""
    if svg is not None:
        _save(svg, picture)
    if as_json:
        print_json(found)
        return
    _print_calibration(found)
    if svg is not None:
        out.print(f"\nDrawn into {svg}")


def threshold(
    target: Annotated[float, typer.Argument(min=0.01, max=1, help="The share of answers that is to be right.")],
    space: Space = "demo",
    field: OneField = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Tell from which confidence on to act, when to ask a person, and when to say nothing.

    Example: recollect threshold 0.95 --space visits --field where
    """
    query = {"target_accuracy": target} | ({"field": field} if field is not None else {})
    with Client(url, key, as_json=as_json) as client:
        found = client.call("GET", "/calibration/threshold", space=space, query=query)
    if as_json:
        print_json(found)
        return
    _print_threshold(found)


def examine(kind: str, space: str, uid: int) -> None:
    """Evaluate or audit a space of the local store. Started by the service, which holds the space's lock for it."""
    # Here and not above: the process that forks the workers imports this module, and must not load the mathematics.
    from recollect.service.examining import examine as examine_here
    from recollect.service.runtime import open_runtime

    settings = Settings.from_environment()
    telemetry.configure_logging(settings.log_level, settings.log_format)
    os.nice(_NICE)

    async def work() -> str:
        async with open_runtime(settings) as runtime:
            return (await examine_here(runtime, kind, space, uid)).status

    if asyncio.run(work()) != "succeeded":
        raise typer.Exit(EXIT_REFUSED)


def learn(space: str, uid: int) -> None:
    """Consolidate a space of the local store. Started by the service, which holds the space's lock for it."""
    # Here and not above: the process that forks the workers imports this module, and must not load the mathematics.
    from recollect.service.consolidation import learn as consolidate_here
    from recollect.service.runtime import open_runtime

    settings = Settings.from_environment()
    telemetry.configure_logging(settings.log_level, settings.log_format)
    os.nice(_NICE)

    async def work() -> str:
        async with open_runtime(settings) as runtime:
            return (await consolidate_here(runtime, space, uid)).status

    if asyncio.run(work()) != "succeeded":
        raise typer.Exit(EXIT_REFUSED)


def snapshot(space: str, uid: int) -> None:
    """Write a space's snapshot. Started by the service, which holds the space's lock for it."""
    # Here and not above: the process that forks the workers imports this module, and must not load the mathematics.
    from recollect.service.runtime import open_runtime
    from recollect.service.snapshots import run

    settings = Settings.from_environment()
    telemetry.configure_logging(settings.log_level, settings.log_format)
    os.nice(_NICE)

    async def work() -> str:
        async with open_runtime(settings) as runtime:
            return run(runtime, space, uid)

    if asyncio.run(work()) != "succeeded":
        raise typer.Exit(EXIT_REFUSED)


def learn_first(client: Client, space: str, *, as_json: bool) -> None:
    """Let a space learn and wait for the end; raises Failure where it cannot."""
    state = follow(client, space, client.call("POST", "/consolidate", space=space, body={}))
    if state["status"] == "failed":
        problem = state.get("problem", {})
        title, detail = problem.get("title", "The consolidation failed"), problem.get("detail", "")
        raise Failure(title, detail, as_json=as_json)


def follow(client: Client, space: str, state: dict[str, Any]) -> dict[str, Any]:
    """The job's last state, shown until then as a bar where somebody watches."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("waiting for its turn", total=1.0)
        while state["status"] in _UNDER_WAY:
            described = "learning" if state["status"] == "running" else "waiting for its turn"
            bar.update(task, completed=state["progress"], description=described)
            time.sleep(_POLL_S)
            state = client.call("GET", "/consolidation", space=space)
    return state


def _print_learned(state: Mapping[str, Any]) -> None:
    before, after = state.get("loss_before"), state.get("loss_after")
    losses = [] if before is None or after is None else [["log-loss", f"{before:.3f} → {after:.3f} nats"]]
    rows = [
        ["episodes", f"{state.get('episodes', 0):,}"],
        ["fields learned", str(state.get("fields_learned", 0))],
        ["patterns", str(state.get("patterns", 0))],
        *losses,
    ]
    print_table(["learned", ""], rows)


def _print_calibration(found: Mapping[str, Any]) -> None:
    out.print(
        f"Before it is read, a cue is taken to mean a stored event with a chance of {percent(found['prior_stored'])}."
    )
    if found["status"] == "too_few":
        out.print(f"{found['n']} answers are too few to measure by. Consolidate the space first, or give feedback.")
        return
    rows = [
        [
            f"{each['lower']:.2f} – {each['upper']:.2f}",
            str(each["n"]),
            percent(each["confidence"]),
            percent(each["accuracy"]),
            f"{100 * (each['accuracy'] - each['confidence']):+.1f}",
        ]
        for each in found["bins"]
    ]
    print_table(["answers with", "how many>", "confidence>", "were right>", "difference>"], rows)
    out.print(
        f"\n{found['n']:,} answers, {found['feedback']:,} of them from feedback: expected calibration error "
        f"[bold]{found['ece']:.3f}[/], Brier score [bold]{found['brier']:.3f}[/]"
    )


def _print_threshold(found: Mapping[str, Any]) -> None:
    if found["status"] == "too_few":
        out.print(f"{found['n']} answers are too few to tell. Consolidate the space first, or give feedback.")
        return
    rest = 1.0 - found["share"] - found["assist_share"]
    rows = [["say nothing", f"below {found['assist_threshold']:.2f}", percent(rest), ""]]
    if found["threshold"] is None:
        out.print(f"No confidence is high enough for {percent(found['target_accuracy'])}.\n")
        rows.insert(0, ["ask a person", f"from {found['assist_threshold']:.2f}", percent(found["assist_share"]), ""])
    else:
        right = f"{percent(found['accuracy'])}, at least {percent(found['at_least'])}"
        between = f"{found['assist_threshold']:.2f} – {found['threshold']:.2f}"
        rows.insert(0, ["ask a person", between, percent(found["assist_share"]), ""])
        rows.insert(0, ["act", f"from {found['threshold']:.2f}", percent(found["share"]), right])
    print_table(["", "confidence", "of the answers>", "were right"], rows)
    told = {
        "contradicted": "It no longer holds: {latest_right} of the latest {latest} answers above it were right.",
        "drifted": "It may no longer hold: what was written since the space learned surprises it. Consolidate it.",
    }.get(found["status"])
    if told is not None:
        out.print(f"\n[bold]{told.format(**found)}[/]")


def _save(path: Path, picture: bytes) -> None:
    try:
        path.write_bytes(picture)
    except OSError as fault:
        raise Failure("The drawing cannot be written", f"{path}: {fault.strerror}") from None
