"""Spreadsheets, Parquet, Arrow, JSON and packed files hold what a CSV holds."""

from __future__ import annotations

import bz2
import datetime
import gzip
import io
import lzma
import zipfile
from typing import Any

import openpyxl
import pyarrow
import pytest
from backports import zstd
from pyarrow import feather, parquet

from recollect.errors import InvalidRequest, TooLarge
from recollect.tables import TEXT_TABLES, Format, TableOptions, cuts, open_file, open_table, read_objects
from recollect.tables import table as table_module
from recollect.tables.flat import FlatReader

ROWS = [
    {"name": "Ann", "zip": "02138", "n": 3, "x": 2.5, "ok": True, "day": "2026-03-01"},
    {"name": "Bob", "zip": "93650", "n": 4, "x": 1.0, "ok": False, "day": "2026-03-02"},
]
CSV = b"name,zip,n,x,ok,day\nAnn,02138,3,2.5,true,2026-03-01\nBob,93650,4,1.0,false,2026-03-02\n"


def read(content: bytes, **limits: Any) -> tuple[Format, str, list[dict[str, Any]]]:
    with open_file(io.BytesIO(content), max_bytes=limits.get("max_bytes", 1 << 20)) as file:
        if file.format not in TEXT_TABLES:
            return file.format, file.compression, [dict(row) for row in read_objects(file)]
        blocks = list(open_table(file, TableOptions()).blocks())
        rows = [dict(zip(block.names, row, strict=True)) for block in blocks for row in zip(*block.values, strict=True)]
        return file.format, file.compression, rows


def columns() -> pyarrow.Table:
    rows = [{**row, "day": datetime.date.fromisoformat(str(row["day"]))} for row in ROWS]
    return pyarrow.Table.from_pylist(rows)


def spreadsheet() -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    sheet.append(list(ROWS[0]))
    for row in ROWS:
        sheet.append([datetime.date.fromisoformat(str(value)) if key == "day" else value for key, value in row.items()])
    book.save(out)
    return out.getvalue()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("table.csv", CSV)
    return out.getvalue()


@pytest.mark.parametrize(
    ("compression", "content"),
    [
        ("", CSV),
        ("gzip", gzip.compress(CSV)),
        ("zstd", zstd.compress(CSV)),
        ("bzip2", bz2.compress(CSV)),
        ("xz", lzma.compress(CSV)),
        ("zip", zipped()),
    ],
)
def test_packed_tables_are_unpacked(compression: str, content: bytes) -> None:
    assert read(content) == (Format.CSV, compression, ROWS)


def test_a_spreadsheet_holds_the_same() -> None:
    kind, _, rows = read(spreadsheet())
    assert kind is Format.EXCEL
    assert rows == ROWS


def test_parquet_and_feather_hold_the_same() -> None:
    for kind, write in ((Format.PARQUET, parquet.write_table), (Format.ARROW, feather.write_feather)):
        out = io.BytesIO()
        write(columns(), out)
        assert read(out.getvalue()) == (kind, "", ROWS)


def test_json_is_an_array_or_an_object_with_items() -> None:
    import json

    names, rows = list(ROWS[0]), [list(row.values()) for row in ROWS]
    for document in (
        ROWS,
        {"items": ROWS},
        {"data": ROWS, "total": 2, "next": None},
        [names, *rows],
        {"columns": names, "index": [0, 1], "data": rows},
        {name: {str(n): row[name] for n, row in enumerate(ROWS)} for name in names},
    ):
        assert read(json.dumps(document).encode()) == (Format.JSON, "", ROWS)
    assert read(json.dumps({"items": ROWS}, indent=1).encode())[2] == ROWS
    single = {"name": "Ann", "tags": ["a", "b"], "address": {"city": "Oslo"}}
    assert read(json.dumps(single, indent=1).encode()) == (Format.JSON, "", [single])


def test_a_column_in_brackets_is_no_json() -> None:
    assert read(b"[id no],[name]\n7,Ann\n")[2] == [{"[id no]": 7, "[name]": "Ann"}]


def test_what_is_in_an_object_within_another_has_both_names() -> None:
    reader = FlatReader(TableOptions())
    row = {"id": "a", "address": {"city": "Oslo", "at": {"lat": 59.9}, "tel": None}, "tags": ["x"], "lines": [{"n": 1}]}
    members, fields = reader.read(row)
    assert members == {"id": "a"}
    assert fields == {"address.city": "Oslo", "address.at.lat": 59.9, "tags": ["x"], "lines": '[{"n":1}]'}
    assert reader.path("address.at.lat") == ("address", "at", "lat")


def test_what_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(TooLarge):
        read(gzip.compress(b"a\n" * 100_000), max_bytes=1000)


@pytest.mark.parametrize("content", [b"PAR1 but no more", b"PK\x03\x04 but no more", b"\x1f\x8b\x08", b"ARROW1 no"])
def test_a_damaged_file_is_refused_as_one(content: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(content)
    assert refused.value.code == "UNREADABLE_FILE"


def test_a_table_too_large_to_be_kept_is_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f'{n},"name {n % 7}, {n % 5}",2025-01-{n % 28 + 1:02}' for n in range(9000)]
    content = "\n".join(["n,name,day", *lines]).encode()
    kept = read(content)[2]
    monkeypatch.setattr(table_module, "_MAX_CELLS_KEPT", 20_000)
    monkeypatch.setattr(cuts, "_MAX_DISTINCT_KEPT", 10)
    assert read(content)[2] == kept
    assert len(kept) == 9000
