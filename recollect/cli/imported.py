"""What an import found and did, for a person: the columns, what was decided of them, and the counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape

from recollect.cli.console import out, print_table

_SHOWN_REJECTIONS = 20
_MOST_DISTINCT = 1000
_ROLES = {"index": "left out: counts the rows", "left_out": "left out", "id": "the episode's id"}


def print_report(name: str, report: Mapping[str, Any]) -> None:
    """Print an import's report."""
    table = report.get("table")
    if table is not None:
        out.print(f"{escape(name)}: {report['records']} records{_writing(table)}")
        for note in table_notes(table):
            out.print(f"  {escape(note)}")
        print_table(["field", "type", "known>", "missing>", "distinct>", "for example"], map(_row, table["columns"]))
        # Markers that are named take the place of those found, whatever column they are in.
        taken = sorted({text for column in table["columns"] for text in column["missing_values"]})
        for column in table["columns"]:
            for note in _notes(column, taken):
                out.print(f"  {escape(column['column'])}: {escape(note)}")
    would = "would be " if report["preview"] else ""
    out.print(
        f"[bold]{report['accepted']}[/] {would}accepted, [bold]{report['rejected_total']}[/] {would}rejected:"
        f" {report['new']} new, {report['replaced']} replaced, {report['duplicate']} duplicate;"
        f" {report['coerced']} cells coerced"
    )
    if report["rejected"]:
        rows = [[str(each["line"]), each["pointer"], each["reason"]] for each in report["rejected"][:_SHOWN_REJECTIONS]]
        print_table(["line>", "at", "reason"], rows)
    if any(each["code"] == "TOTAL_ROW" for each in report["rejected"]):
        out.print("A last line that adds up the others is refused: it is no record.")
    if any(each["code"] == "CELL_COUNT" for each in report["rejected"]):
        out.print(
            "A record with fewer or more cells than there are columns is refused: no one can say which is missing."
        )
    if report["rejected_total"] > _SHOWN_REJECTIONS:
        out.print(f"… and {report['rejected_total'] - _SHOWN_REJECTIONS} more; --rejects FILE writes them all")


def table_notes(table: Mapping[str, Any]) -> Iterator[str]:
    """What was decided of the table as a whole, with the option that decides otherwise."""
    if table["header_line"] == 0:
        yield "no header: the first line is a record, columns are called by their places  (--header if it names them)"
    if table["header_line"] > 1:
        yield f"the table begins on line {table['header_line']}; what is above is none of it  (--header-line if not)"
    if table["units_line"]:
        yield f"line {table['units_line']} holds the units of the columns and is no record"
    others = [name for name in table["sheets"] if name != table["sheet"]]
    if others:
        yield f"other sheets, not read: {', '.join(others)}  (--sheet NAME)"


def _writing(table: Mapping[str, Any]) -> str:
    """How the file is written, as far as it says something."""
    delimiter = {"\t": "tab"}.get(table["delimiter"], table["delimiter"])
    parts = [
        table["format"],
        table["compression"],
        table["encoding"],
        f"delimiter {delimiter}" if delimiter else "",
        f"decimal {table['decimal']}" if table["decimal"] == "," else "",
        f"sheet {table['sheet']}" if table["sheet"] else "",
    ]
    return escape(f" ({', '.join(part for part in parts if part)})")


def _row(column: Mapping[str, Any]) -> list[str]:
    is_field = column["role"] == "field"
    distinct = f"{column['distinct']}" if column["distinct"] <= _MOST_DISTINCT else f"{_MOST_DISTINCT}+"
    counts = [f"{column['known']}", f"{column['missing']}", distinct]
    if column["role"] in {"index", "left_out"}:
        counts = ["", "", ""]
    return [
        column["name"] if is_field else column["column"],
        (column["type"] or "") if is_field else _ROLES.get(column["role"], column["role"]),
        *counts,
        (column["sample"] or "")[:60],
    ]


def _notes(column: Mapping[str, Any], taken: Sequence[str]) -> Iterator[str]:
    """What a person should know of a column, with the option that decides otherwise; `taken` mean a gap already."""
    name = column["column"]
    if column["name"] not in {None, name}:
        yield f"becomes {column['name']}"
    if column["missing_values"]:
        yield f"taken for missing: {_counted(column['missing_values'])}"
    if column["missing_candidates"]:
        names = " ".join(f"--null '{text}'" for text in (*taken, *column["missing_candidates"]))
        yield f"may mean missing, kept: {_counted(column['missing_candidates'])}  ({names})"
    if column["date_order"] not in {None, "year_first"}:
        order = column["date_order"].replace("_", " ")
        other = "month_first" if column["date_order"] == "day_first" else "day_first"
        doubt = f", though the cells would read as well otherwise  (--type '{name}=time:{other}')"
        yield f"dates read {order}{doubt if column['is_ambiguous'] else ''}"
    elif column["is_ambiguous"] and column["type"] == "number":
        yield f"numbers read with {column['decimal']} as decimal mark, though they would read as well otherwise"
    if column["unit"]:
        yield f"in {column['unit']}" if column["type"] != "number" else f"numbers in {column['unit']}"
    if column["outliers_total"]:
        kind, examples = column["type"], ", ".join(column["outliers"])
        yield f"{column['outliers_total']} not {kind}, kept as text: {examples}"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{text} ({count})" for text, count in counts.items())
