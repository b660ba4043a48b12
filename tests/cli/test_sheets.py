"""Tables are written back as they were written; only what is filled in changes."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recollect.cli.sheets import _pack, read_sheet
from recollect.errors import InvalidRequest
from recollect.tables import TableOptions, open_file

FILES = sorted((Path(__file__).parents[1] / "data" / "tables").glob("*.*"))
CELL = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cn"), include_characters="\t\n"), max_size=6)


def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_in_which_nothing_is_filled_is_the_same_to_the_byte(path: Path, tmp_path: Path) -> None:
    written = tmp_path / path.name
    read_sheet(path).write(written, {}, None)
    assert unpacked(written) == unpacked(path)


@pytest.mark.parametrize(
    "path", [each for each in FILES if each.suffix in {".csv", ".tsv", ".gz"}], ids=lambda p: p.name
)
def test_a_filled_cell_is_read_back_and_no_other_changes(path: Path, tmp_path: Path) -> None:
    sheet = read_sheet(path)
    if not sheet.rows:
        return
    name, written = sheet.columns[-1], tmp_path / path.name
    value = next(row[name] for row in sheet.rows if name in row)
    sheet.write(written, {(0, name): value}, {(0, name): (0.75, "recalled")})
    again = read_sheet(written)
    assert [dict(row) for row in again.rows] == [
        {**row, **({name: value, f"{name}_confidence": 0.75, f"{name}_source": "recalled"} if place == 0 else {})}
        for place, row in enumerate(sheet.rows)
    ]
    assert again.lines[0] == sheet.lines[0]


@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t"),
    data=st.data(),
)
@settings(deadline=None, max_examples=150)
def test_what_was_not_filled_stands_as_it_stood(
    rows: list[tuple[str, str, str]], delimiter: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    quoted = ['"' + cell.replace('"', '""') + '"' for row in rows for cell in row]
    lines = [delimiter.join(quoted[place : place + 3]) for place in range(0, len(quoted), 3)]
    path = tmp_path_factory.mktemp("sheet") / "table.csv"
    path.write_bytes("\n".join([delimiter.join(("one", "two", "three")), *lines, ""]).encode())
    sheet = read_sheet(path)
    if not sheet.rows or "two" not in sheet.columns:
        return
    place = data.draw(st.integers(0, len(sheet.rows) - 1))
    written = path.with_name("written.csv")
    sheet.write(written, {(place, "two"): "filled"}, None)
    again = [cells for cells in csv.reader(io.StringIO(written.read_text(), newline=""), delimiter=delimiter) if cells]
    before = [cells for cells in csv.reader(io.StringIO(path.read_text(), newline=""), delimiter=delimiter) if cells]
    changed = [(row, each) for row in range(len(before)) for each in range(3) if before[row][each] != again[row][each]]
    assert [again[row][each] for row, each in changed] == ["filled"]
    assert [each for _, each in changed] == [1]


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
def test_a_cell_of_several_lines_stays_one_cell_beside_a_filled_one(end: str, tmp_path: Path) -> None:
    path, written = tmp_path / "table.csv", tmp_path / "written.csv"
    path.write_bytes(end.join(["one,two,three", 'a,,"first\rsecond\nthird"', "b,known,plain", ""]).encode())
    read_sheet(path).write(written, {(0, "two"): "over\ntwo lines"}, None)
    rows = read_sheet(written).rows
    assert [dict(row) for row in rows] == [
        {"one": "a", "two": "over\ntwo lines", "three": "first\rsecond\nthird"},
        {"one": "b", "two": "known", "three": "plain"},
    ]


def workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    rows: list[list[Any]] = [["city", "day", "open"], ["Oslo", datetime.date(2026, 1, 2), None], ["Rome", None, True]]
    for row in rows:
        sheet.append(row)
    sheet["A1"].font = openpyxl.styles.Font(bold=True)
    book.create_sheet("notes")["A1"] = "=1+1"
    book.save(path)


def test_a_workbook_keeps_its_sheets_formats_and_formulas(tmp_path: Path) -> None:
    path, written = tmp_path / "t.xlsx", tmp_path / "u.xlsx"
    workbook(path)
    sheet = read_sheet(path)
    assert [dict(row) for row in sheet.rows] == [{"city": "Oslo", "day": "2026-01-02"}, {"city": "Rome", "open": True}]
    filled = {(0, "open"): False, (1, "day"): "2026-01-03"}
    sheet.write(written, filled, {(0, "open"): (0.5, "imagined")})
    book = openpyxl.load_workbook(written)
    cells = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]
    assert cells[0] == ["city", "day", "open", "open_confidence", "open_source"]
    assert cells[1] == ["Oslo", cells[1][1], False, 0.5, "imagined"]
    assert [cells[row][1].isoformat() for row in (1, 2)] == ["2026-01-02T00:00:00", "2026-01-03T00:00:00"]
    assert book.worksheets[0]["A1"].font.b
    assert book["notes"]["A1"].value == "=1+1"
    with pytest.raises(InvalidRequest, match="--out"):
        sheet.write(tmp_path / "u.ods", filled, None)


def test_a_parquet_file_keeps_the_types_of_its_columns(tmp_path: Path) -> None:
    path, written = tmp_path / "t.parquet", tmp_path / "u.parquet"
    day = pyarrow.array([datetime.date(2026, 1, 2), None])
    pyarrow.parquet.write_table(pyarrow.table({"n": pyarrow.array([None, 2], pyarrow.int16()), "day": day}), path)
    sheet = read_sheet(path)
    sheet.write(written, {(0, "n"): 7, (1, "day"): "2026-01-03"}, None)
    table = pyarrow.parquet.read_table(written)
    assert table.schema.types == [pyarrow.int16(), pyarrow.date32()]
    assert table.to_pylist() == [
        {"n": 7, "day": datetime.date(2026, 1, 2)},
        {"n": 2, "day": datetime.date(2026, 1, 3)},
    ]


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "xz", "zip", "zstd"])
def test_a_packed_table_is_written_packed_as_it_was(compression: str, tmp_path: Path) -> None:
    path, written = tmp_path / "table.csv.packed", tmp_path / "written.csv.packed"
    path.write_bytes(_pack(b"name,city\nAnn,Rome\nBob,\n", compression, "table.csv"))
    sheet = read_sheet(path)
    sheet.write(written, {(1, "city"): "Oslo"}, None)
    assert compression == "zip" or written.read_bytes()[:2] == path.read_bytes()[:2]
    with written.open("rb") as content, open_file(content, max_bytes=1 << 20) as file:
        file.content.seek(0)
        assert (file.compression, file.content.read()) == (compression, b"name,city\nAnn,Rome\nBob,Oslo\n")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_an_encoding_and_its_mark_stay(encoding: str, mark: str, tmp_path: Path) -> None:
    mark = mark if encoding in {"utf-16-le", "utf-16-be"} else ""
    path, written = tmp_path / "table.csv", tmp_path / "written.csv"
    path.write_bytes(f"{mark}Ann,Zürich,2\nBob,Zürich,3\nCem,,4\n".encode(encoding))
    sheet = read_sheet(path, TableOptions(header=False, encoding=None if mark else encoding.removesuffix("-sig")))
    sheet.write(written, {(2, "column_2"): "Zürich"}, None)
    assert written.read_bytes() == f"{mark}Ann,Zürich,2\nBob,Zürich,3\nCem,Zürich,4\n".encode(encoding)


def test_what_an_encoding_cannot_spell_is_written_in_utf_8(tmp_path: Path) -> None:
    path, written = tmp_path / "table.csv", tmp_path / "written.csv"
    path.write_bytes("name;city\nJosé;Málaga\nAna;\n".encode("cp1252"))
    sheet = read_sheet(path)
    sheet.write(written, {(1, "city"): "東京"}, None)
    assert written.read_text("utf-8-sig") == "name;city\nJosé;Málaga\nAna;東京\n"
    assert "UTF-8" in sheet.notes[-1]


def test_records_of_another_width_stand_as_they_stood(tmp_path: Path) -> None:
    path, written = tmp_path / "table.csv", tmp_path / "written.csv"
    path.write_text("name,city\nAnn,Rome\nBob\nCem,Oslo,x\nDan,\n")
    sheet = read_sheet(path)
    assert (list(sheet.lines), list(sheet.unread)) == ([2, 5], [3, 4])
    sheet.write(written, {(1, "city"): "Rome"}, {(1, "city"): (0.9, "recalled")})
    assert written.read_text() == (
        "name,city,city_confidence,city_source\nAnn,Rome,,\nBob\nCem,Oslo,x\nDan,Rome,0.9000,recalled\n"
    )


def test_a_sheet_is_named_and_the_others_stay(tmp_path: Path) -> None:
    path, written = tmp_path / "book.xlsx", tmp_path / "written.xlsx"
    book = openpyxl.Workbook()
    book.active.title = "cover"
    book.active.append(["A report"])
    for name, rows in (("orders", [["name", "n"], ["Ann", 1], ["Bob", None]]), ("people", [["Ann", 30], ["Bob", 40]])):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    for wanted in ("orders", "2"):
        read = read_sheet(path, TableOptions(sheet=wanted))
        assert read.columns == ["name", "n"]
        read.write(written, {(1, "n"): 2}, None)
        again = openpyxl.load_workbook(written)
        assert again.sheetnames == ["cover", "orders", "people"]
        assert [[cell.value for cell in row] for row in again["orders"]] == [["name", "n"], ["Ann", 1], ["Bob", 2]]
    assert read_sheet(path, TableOptions(sheet="3")).columns == ["column_1", "column_2"]
    with pytest.raises(InvalidRequest, match="cover, orders, people"):
        read_sheet(path, TableOptions(sheet="4"))
    with pytest.raises(InvalidRequest, match="has none"):
        read_sheet(FILES[0], TableOptions(sheet="1"))


def test_a_table_without_a_header_gets_its_notes_without_one(tmp_path: Path) -> None:
    path, written = tmp_path / "table.csv", tmp_path / "written.csv"
    path.write_text("Ann,Rome,30\nBob,,40\nCem,Rome,50\n")
    sheet = read_sheet(path)
    assert sheet.columns == ["column_1", "column_2", "column_3"]
    assert "no header" in sheet.notes[0]
    sheet.write(written, {(1, "column_2"): "Rome"}, {(1, "column_2"): (0.5, "imagined")})
    assert written.read_text() == "Ann,Rome,30,,\nBob,Rome,40,0.5000,imagined\nCem,Rome,50,,\n"


@pytest.mark.parametrize("text", ["[1, 2]", '[{"a": 1}, null]', '{"a": 1}\n3\n'])
def test_json_that_holds_no_records_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(InvalidRequest, match="no JSON object"):
        read_sheet(path)


@pytest.mark.parametrize(
    ("cells", "value", "expected"),
    [
        (["1,5", "2,25"], 3.75, "3,75"),
        (["4,50 €", "1.200,00 €"], 7.5, "7,5 €"),
        (["12 m2", "1.450,5 m2"], 7.5, "7,5 m2"),
        (["-3°C", "12.5°C"], -7.5, "-7.5°C"),
        (["$4.50", "-$1.25"], -7.5, "-$7.5"),
        (["12.5%", "3%"], 40, "40%"),
        (["1.5", "2"], 3.75, "3.75"),
    ],
)
def test_a_number_that_no_cell_has_is_spelt_as_the_others_are(
    cells: list[str], value: float, expected: str, tmp_path: Path
) -> None:
    path, written = tmp_path / "t.csv", tmp_path / "u.csv"
    path.write_text("n;x\n" + "".join(f"{cell};1\n" for cell in [*cells, ""]), encoding="utf-8")
    read_sheet(path).write(written, {(len(cells), "n"): value}, None)
    assert written.read_text(encoding="utf-8").splitlines()[-1] == f"{expected};1"
    assert read_sheet(written).rows[-1]["n"] == value


def test_what_is_filled_in_an_object_within_another_goes_there(tmp_path: Path) -> None:
    path, written = tmp_path / "t.json", tmp_path / "u.json"
    path.write_text('[{"name": "Ann", "address": {"city": "Oslo"}}, {"name": "Bob"}]')
    sheet = read_sheet(path)
    assert sheet.columns == ["name", "address.city"]
    sheet.write(written, {(1, "address.city"): "Bonn"}, None)
    assert json.loads(written.read_text())[1] == {"name": "Bob", "address": {"city": "Bonn"}}
