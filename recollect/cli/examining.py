"""`evaluate` and `audit`: how well gaps like these would be filled, and which cells are probably wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from recollect.cli.client import Client
from recollect.cli.confirming import apply_to_file, apply_to_space, revert_in_space, write_suspects
from recollect.cli.console import (
    EXIT_USAGE,
    AsJson,
    Failure,
    KeyOption,
    Url,
    err,
    out,
    percent,
    print_json,
    print_table,
    shown,
)
from recollect.cli.learning import learn_first
from recollect.cli.reading import (
    Delimiter,
    Encoding,
    Header,
    HeaderLine,
    Learn,
    Nulls,
    SheetName,
    Types,
    open_sheet,
    reading,
    require_columns,
)
from recollect.cli.report import evaluation_page

if TYPE_CHECKING:
    from recollect.cli.sheets import Sheet
    from recollect.errors import RecollectError
    from recollect.tables import TableOptions

_POLL_S = 0.3
_UNDER_WAY = frozenset(("queued", "running"))
_SHOWN_WORST, _SHOWN_SUSPECTS, _PAGE = 10, 20, 1000
_LONGEST = 48

Json = dict[str, Any]
Report = Callable[[float], None]
Subject = Annotated[str, typer.Argument(metavar="FILE|SPACE", help="A table in a file, or a memory space.")]
Fields = Annotated[list[str] | None, typer.Option("--field", "-f", help="Only this field; repeat for more.")]


def evaluate(  # noqa: PLR0913, PLR0917  # a parameter per option
    subject: Subject,
    field: Fields = None,
    cases: Annotated[int, typer.Option("--cases", min=10, max=5000, help="Cells held out of each field.")] = 300,
    target_accuracy: Annotated[
        float, typer.Option("--target-accuracy", min=0, max=1, help="What is kept should be right so often.")
    ] = 0.95,
    html: Annotated[Path | None, typer.Option("--html", dir_okay=False, help="Write it as a page with plots.")] = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    null: Nulls = None,
    types: Types = None,
    learn: Learn = False,
    header: Header = None,
    header_line: HeaderLine = None,
    sheet_name: SheetName = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Hold cells out, fill them, and tell by field how many were right and how far the confidences hold.

    For example: recollect evaluate orders.csv --html orders.html
    """
    request: Json = {"cases": cases, "target_accuracy": target_accuracy} | ({"fields": field} if field else {})
    sheet = _sheet(
        subject,
        reading(
            delimiter, encoding, null, types, header=header, header_line=header_line, sheet=sheet_name, as_json=as_json
        ),
        as_json=as_json,
    )
    if sheet is not None:
        require_columns(sheet.columns, field or (), as_json=as_json)
    with _progress("evaluating", visible=not as_json) as progress:
        report = _reporter(progress)
        if sheet is not None:
            found = _evaluate_file(sheet, request, learn, report, as_json=as_json)
        else:
            with Client(url, key, as_json=as_json) as client:
                if learn:
                    progress.stop()
                    learn_first(client, subject, as_json=as_json)
                    progress.start()
                found = _job(client, subject, "/evaluation", request, report, as_json=as_json)
    if html is not None:
        _write(html, evaluation_page(subject, found))
    if as_json:
        print_json(found)
        return
    _print_evaluation(found)
    if html is not None:
        out.print(f"\nThe page: {html.absolute()}")


def audit(  # noqa: PLR0913, PLR0917  # a parameter per option
    subject: Subject,
    field: Fields = None,
    source: Annotated[
        str | None, typer.Option("--source", help="The field that names where a row is from; its errors are counted.")
    ] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", min=0, max=1, help="Tell the cells that are wrong with more than this.")
    ] = 0.5,
    out_file: Annotated[
        Path | None, typer.Option("--out", "-o", dir_okay=False, help="The list to write. (default: NAME.suspects.csv)")
    ] = None,
    apply: Annotated[
        Path | None,
        typer.Option("--apply", exists=True, dir_okay=False, help="Write what this list has `yes` under `confirm`."),
    ] = None,
    revert: Annotated[
        Path | None, typer.Option("--revert", exists=True, dir_okay=False, help="Take back what this receipt tells.")
    ] = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    null: Nulls = None,
    types: Types = None,
    header: Header = None,
    header_line: HeaderLine = None,
    sheet_name: SheetName = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Find the cells that are probably wrong; nothing is changed but what you confirm.

    For example: recollect audit orders.csv, then write yes under confirm in orders.suspects.csv, then
    recollect audit orders.csv --apply orders.suspects.csv
    """
    sheet = _sheet(
        subject,
        reading(
            delimiter, encoding, null, types, header=header, header_line=header_line, sheet=sheet_name, as_json=as_json
        ),
        as_json=as_json,
    )
    if apply is not None or revert is not None:
        _change(subject, sheet, apply, revert, url, key, as_json=as_json)
        return
    request: Json = {"threshold": threshold} | ({"fields": field} if field else {})
    request |= {"source_field": source} if source else {}
    if sheet is not None:
        require_columns(sheet.columns, (*(field or ()), source), as_json=as_json)
    with _progress("auditing", visible=not as_json) as progress:
        report = _reporter(progress)
        if sheet is not None:
            found = _audit_file(sheet, request, report, as_json=as_json)
        else:
            with Client(url, key, as_json=as_json) as client:
                found = _job(client, subject, "/audit", request, report, as_json=as_json)
                found = _all_pages(client, subject, found)
    listed = out_file or Path(subject).with_suffix("").with_name(f"{Path(subject).stem}.suspects.csv")
    if as_json and out_file is None:
        print_json(found)
        return
    write_suspects(listed, found["items"])
    if as_json:
        print_json(found)
        return
    _print_audit(found)
    if found["items"]:
        out.print(f"\nThe list: {listed.absolute()}")
        out.print(f"Write yes under `confirm` where you agree, then: recollect audit {subject} --apply {listed}")


def _sheet(subject: str, options: TableOptions, *, as_json: bool) -> Sheet | None:
    """The table, where the subject is a file."""
    path = Path(subject)
    if not path.is_file():
        if path.suffix or "/" in subject:
            raise Failure("There is no such file", str(path.absolute()), exit_code=EXIT_USAGE, as_json=as_json)
        return None
    return open_sheet(path, options, as_json=as_json)


def _progress(what: str, *, visible: bool) -> Progress:
    columns = (TextColumn(what), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    return Progress(*columns, console=err, transient=True, disable=not (visible and err.is_terminal))


def _reporter(progress: Progress) -> Report:
    task = progress.add_task("", total=1.0)
    return lambda share: progress.update(task, completed=share)


def _refused(refusal: RecollectError, sheet: Sheet, *, as_json: bool) -> Failure:
    """Why a file cannot be looked at, in a file's terms."""
    if refusal.code != "TOO_FEW_EPISODES":
        return Failure(refusal.title, refusal.detail, exit_code=EXIT_USAGE, as_json=as_json)
    detail = f"It has {len(sheet.rows)} rows that can be read; {refusal.context['required_episodes']} are needed."
    return Failure("The table is too small", detail, exit_code=EXIT_USAGE, as_json=as_json)


def _evaluate_file(sheet: Sheet, request: Mapping[str, Any], learn: bool, report: Report, *, as_json: bool) -> Json:
    # Here and not above: the process that forks the workers imports this module, and must not load the mathematics.
    from recollect.errors import RecollectError
    from recollect.model import EvaluateRequest
    from recollect.service.standalone import evaluate_alone

    try:
        found = asdict(evaluate_alone(sheet.rows, EvaluateRequest(**_tuples(request)), report, learns=learn))
    except RecollectError as refusal:
        raise _refused(refusal, sheet, as_json=as_json) from None
    found["fields"] = sorted(found["fields"], key=lambda each: sheet.columns.index(each["field"]))
    for case in found["worst"]:
        case["episode_id"] = f"line {sheet.lines[int(case['episode_id'])]}"
    return {**found.pop("job"), **found}


def _audit_file(sheet: Sheet, request: Mapping[str, Any], report: Report, *, as_json: bool) -> Json:
    # Here and not above: see _evaluate_file.
    from recollect.errors import RecollectError
    from recollect.model import AuditRequest
    from recollect.service.standalone import audit_alone

    try:
        found = asdict(audit_alone(sheet.rows, AuditRequest(**_tuples(request)), report))
    except RecollectError as refusal:
        raise _refused(refusal, sheet, as_json=as_json) from None

    def line(row: str) -> str:
        return f"line {sheet.lines[int(row)]}"

    for item in found["items"]:
        item["episode_id"] = line(item["episode_id"])
        item["evidence"] = [{"episode_id": line(row), "weight": weight} for row, weight in item["evidence"]]
    for group in found["groups"]:
        group["episode_ids"] = [line(row) for row in group["episode_ids"]]
    return {**found.pop("job"), **found}


def _tuples(request: Mapping[str, Any]) -> Json:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in request.items()}


def _job(client: Client, space: str, path: str, request: Mapping[str, Any], report: Report, *, as_json: bool) -> Json:
    """The state of a space's job once it is over; a failure becomes one here."""
    found: Json = client.call("POST", path, space=space, body=request)
    while found["status"] in _UNDER_WAY:
        report(found["progress"])
        time.sleep(_POLL_S)
        found = client.call("GET", path, space=space)
    if found["status"] == "failed":
        problem = found.get("problem", {})
        raise Failure(problem.get("title", "It failed"), problem.get("detail", ""), as_json=as_json)
    return found


def _all_pages(client: Client, space: str, found: Json) -> Json:
    items, cursor = list(found["items"]), found["next_cursor"]
    while cursor:
        page = client.call("GET", "/audit", space=space, query={"limit": _PAGE, "cursor": cursor})
        items += page["items"]
        cursor = page["next_cursor"]
    return {**found, "items": items, "next_cursor": None}


def _change(
    subject: str,
    sheet: Sheet | None,
    apply: Path | None,
    revert: Path | None,
    url: str | None,
    key: str | None,
    *,
    as_json: bool,
) -> None:
    """Write what was confirmed, or take it back."""
    if apply is not None and revert is not None:
        raise Failure("One of --apply and --revert", exit_code=EXIT_USAGE, as_json=as_json)
    if sheet is not None:
        if apply is None:
            detail = f"{subject} was never changed; what was corrected is a file of its own."
            raise Failure("There is nothing to take back", detail, exit_code=EXIT_USAGE, as_json=as_json)
        told = apply_to_file(Path(subject), sheet, apply)
    else:
        with Client(url, key, as_json=as_json) as client:
            told = apply_to_space(client, subject, apply) if apply is not None else revert_in_space(client, revert)
    if as_json:
        print_json(told)
        return
    out.print(f"[bold]{told['changed']}[/] cells changed, {told['skipped']} left as they are.")
    for name in ("file", "receipt"):
        if name in told:
            out.print(f"The {'corrected table' if name == 'file' else 'receipt'}: {told[name]}")
    if "receipt" in told and sheet is None and apply is not None:
        out.print(f"To take it back: recollect audit {subject} --revert {told['receipt']}")


def _print_evaluation(found: Mapping[str, Any]) -> None:
    target = found["target_accuracy"]
    named = [*((each["field"], each["quality"]) for each in found["fields"]), ("all", found["overall"])]
    rows = [
        [
            name,
            f"{q['cases']:,}",
            percent(q["accuracy"]),
            percent(q["base_rate"]),
            percent(q["neighbours_accuracy"]),
            percent(q["mean_confidence"]),
            "" if q["ece"] is None else f"{q['ece']:.3f}",
            f"{q['log_loss']:.2f}",
            percent(q["coverage"]) if q["accuracy_kept"] is not None else "none",
            f"{q['threshold']:.2f}" if q["accuracy_kept"] is not None else "",
        ]
        for name, q in named
        if q is not None
    ]
    head = ["field", "asked>", "right>", "most frequent>", "neighbours>", "confidence>", "ECE>", "log-loss>"]
    print_table([*head, f"kept at {target:.0%}>", "threshold>"], rows)
    out.print(
        "\n`right`: the share of held-out cells filled right; `most frequent`, `neighbours`: what two simple ways do."
        "\n`confidence` should be near `right`; ECE is their mean distance."
        f"\n`kept`: the share of the answers above `threshold`, of which {target:.0%} are right."
    )
    distances = [
        [name, f"{q['mean_absolute_error']:.4g}", f"{q['base_mean_absolute_error']:.4g}"]
        for name, q in named[:-1]
        if q.get("mean_absolute_error") is not None
    ]
    if distances:
        print_table(["number", "mean distance>", "of the median>"], distances, title="\nHow far off the numbers are")
    worst = [
        [
            each["episode_id"],
            each["field"],
            _short(each["value"]),
            _short(each["answered"]),
            percent(each["confidence"]),
        ]
        for each in found["worst"][:_SHOWN_WORST]
    ]
    if worst:
        print_table(["where", "field", "is", "was answered", "confidence>"], worst, title="\nThe surest wrong answers")


def _print_audit(found: Mapping[str, Any]) -> None:
    items = found["items"]
    out.print(f"[bold]{found['suspects']:,}[/] of {found['cells']:,} cells are probably wrong.\n")
    rows = [
        [
            each["episode_id"],
            each["field"],
            _short(each["value"]),
            _short(each["proposed"]) if each.get("proposed") is not None else "",
            percent(each["chance"]),
            each["kind"],
            str(len(each["evidence"])),
        ]
        for each in items[:_SHOWN_SUSPECTS]
    ]
    if rows:
        print_table(["where", "field", "stored", "probably", "wrong>", "how", "episodes behind it>"], rows)
    if len(items) > _SHOWN_SUSPECTS:
        out.print(f"… and {len(items) - _SHOWN_SUSPECTS:,} more")
    if found["source_rates"]:
        rates = sorted(found["source_rates"], key=lambda each: -each["rate"])
        listed = [[_short(each["source"]), f"{each['cells']:,}", percent(each["rate"])] for each in rates[:10]]
        print_table(["source", "cells>", "wrong>"], listed, title="\nHow often each source is wrong")
    same = [group for group in found["groups"] if not group.get("differs_in")]
    if same:
        out.print(f"\n{len(same):,} groups of rows say the same; the first: {', '.join(same[0]['episode_ids'][:5])}")
    but_one = [group for group in found["groups"] if group.get("differs_in")]
    if but_one:
        first = but_one[0]
        out.print(
            f"{len(but_one):,} groups say the same but for one field; the first differs in '{first['differs_in']}': "
            f"{', '.join(first['episode_ids'][:5])}"
        )


def _short(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise Failure("The page cannot be written", f"{path}: {fault.strerror}") from None
