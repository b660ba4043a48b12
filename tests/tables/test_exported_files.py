"""Tables as people export them: what a person would say is in them is what the reader finds."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from recollect.errors import InvalidRequest
from recollect.model import ColumnReport, ColumnRole, DateOrder, FieldType
from recollect.tables import Table, TableOptions, open_file, open_table
from recollect.tables.numbers import read_alone

FILES = Path(__file__).parents[1] / "data" / "tables"


def read(path: Path, **options: Any) -> tuple[Table, list[dict[str, Any]], list[int]]:
    """A table, its records as fields, and the lines of the refused ones."""
    with path.open("rb") as content, open_file(content, max_bytes=1 << 24) as file:
        table = open_table(file, TableOptions(**options))
        records: list[dict[str, Any]] = []
        refused: list[int] = []
        for block in table.blocks():
            refused += [each.line for each in block.rejections]
            records += [known(zip(block.names, row, strict=True)) for row in zip(*block.values, strict=True)]
    return table, records, refused


def known(cells: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in cells if value is not None}


def column(table: Table, name: str) -> ColumnReport:
    return next(each for each in table.report().columns if each.column == name)


@pytest.mark.parametrize("name", ["orders_us.csv", "orders.csv.gz", "orders_utf16.tsv", "orders_eu_cp1252.csv"])
def test_orders_read_alike_however_they_were_exported(name: str) -> None:
    table, records, refused = read(FILES / name)
    assert (len(records), refused) == (40, [])
    assert records[0] == {
        "order": "00000",
        "date": "2025-01-13",
        "customer": "customer 5",
        "city": "Lódz" if "cp1252" in name else "Łódź",
        "zip": "52150",
        "qty": 1,
        "amount": 297.68,
        "paid": True,
    }
    assert {name: column(table, name).type for name in ("date", "qty", "amount", "paid", "zip")} == {
        "date": FieldType.TIME,
        "qty": FieldType.NUMBER,
        "amount": FieldType.NUMBER,
        "paid": FieldType.BOOLEAN,
        "zip": None,
    }
    assert column(table, "city").missing == 3
    assert column(table, "city").missing_values == {"#N/A": 1, "-": 1, "N/A": 1}
    assert column(table, "qty").outliers == ("two",)
    assert [each["qty"] for each in records].count("two") == 1
    assert records[14]["customer"] == "customer 1"  # without the blanks after it


def test_what_was_found_out_is_told() -> None:
    american = read(FILES / "orders_us.csv")[0]
    assert (american.report().delimiter, american.report().encoding, american.report().decimal) == (",", "utf-8", ".")
    assert column(american, "date").date_order is DateOrder.MONTH_FIRST
    assert column(american, "amount").unit == "$"
    european = read(FILES / "orders_eu_cp1252.csv")[0]
    assert (european.report().delimiter, european.report().encoding, european.report().decimal) == (";", "cp1252", ",")
    assert column(european, "date").date_order is DateOrder.DAY_FIRST
    wide = read(FILES / "orders_utf16.tsv")[0]
    assert (wide.report().delimiter, wide.report().encoding) == ("\t", "utf-16")
    assert read(FILES / "orders.csv.gz")[0].report().compression == "gzip"


def test_a_quote_in_a_cell_is_an_inch_and_swallows_nothing() -> None:
    table, records, refused = read(FILES / "sizes_inch_marks.csv")
    assert (len(records), refused) == (1003, [])
    assert records[0] == {"name": "TV1", "size": '42"'}
    assert column(table, "size").outliers_total == 2


def test_cells_of_several_lines_are_one_cell() -> None:
    _, records, refused = read(FILES / "notes_multiline.csv")
    assert refused == []
    assert [each["note"] for each in records] == ["first line\nsecond, line", 'said "yes"', "plain"]


def test_a_line_for_the_spreadsheet_is_no_header() -> None:
    table, records, _ = read(FILES / "sep_line.csv")
    assert records == [{"name": "Ann", "city": "Oslo"}, {"name": "Bob", "city": "Bonn"}]
    assert table.report().header_line == 2


def test_a_nameless_column_that_counts_the_rows_is_left_out() -> None:
    table, records, _ = read(FILES / "index_column.csv")
    assert records == [{"name": "Ann", "city": "Oslo"}, {"name": "Bob", "city": "Bonn"}]
    assert column(table, "column_1").role is ColumnRole.INDEX


def test_a_column_called_origin_is_where_a_flight_departs() -> None:
    table, records, _ = read(FILES / "origin_column.csv")
    assert records[0] == {"flight": "A1", "origin": "OSL", "dest": "LHR"}
    assert column(table, "origin").role is ColumnRole.FIELD


def test_ragged_records_are_refused_by_their_line() -> None:
    _, records, refused = read(FILES / "ragged.csv")
    assert (len(records), refused) == (2, [3, 4])


def test_codes_stay_text() -> None:
    _, records, _ = read(FILES / "codes.csv")
    assert [each["zip"] for each in records] == ["02138", "93650", "01035", "80014"]
    assert [each["version"] for each in records] == ["1.10", "1.9", "2.0", "1.10"]


def test_a_name_that_may_mean_codes_or_amounts_leaves_numbers_what_they_are(tmp_path: Path) -> None:
    file = tmp_path / "invoices.csv"
    file.write_text("vat %,mobile visits,phone\n7,4279,5551234\n19,310,5559876\n7,1088,5550000\n")
    _, records, _ = read(file)
    assert records[0] == {"vat %": 7, "mobile visits": 4279, "phone": "5551234"}


def test_a_header_alone_is_a_table_of_no_records() -> None:
    assert read(FILES / "header_only.csv")[1:] == ([], [])


def text(folder: Path, content: str, **options: Any) -> tuple[Table, list[dict[str, Any]], list[int]]:
    path = folder / "table.csv"
    path.write_bytes(content.encode())
    return read(path, **options)


def values(folder: Path, *cells: str, **options: Any) -> list[Any]:
    """One column's values; each cell on a line of its own."""
    quoted = ('"' + cell.replace('"', '""') + '"' for cell in cells)
    _, records, _ = text(folder, "x,y\n" + "".join(f"{cell},1\n" for cell in quoted), **options)
    return [each.get("x") for each in records]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1", "2.5", "-3"), [1, 2.5, -3]),
        (("1,200", "3,400.5", "12"), [1200, 3400.5, 12]),
        (("1.200,50", "3,5"), [1200.5, 3.5]),
        (("1 200", "3\u00a0400"), [1200, 3400]),
        (("1'200.50", "7"), [1200.5, 7]),
        (("12,34,567", "1,000"), [1234567, 1000]),
        (("$4.50", "$1,200.00", "-$3"), [4.5, 1200.0, -3]),
        (("(1,200.00)", "5.00"), [-1200.0, 5.0]),
        (("4,50 €", "5,00 €"), [4.5, 5.0]),
        (("EUR 4", "EUR 5"), [4, 5]),
        (("12.5%", "3%"), [12.5, 3]),
        (("1e3", "2.5e-4"), [1000.0, 0.00025]),
        (("100.50-", "200.25"), [-100.5, 200.25]),
        (("+5", "+3.2", "+12"), [5, 3.2, 12]),
        (("9007199254740993", "2"), [9007199254740993, 2]),
    ],
)
def test_numbers_as_people_write_them(tmp_path: Path, cells: tuple[str, ...], expected: list[Any]) -> None:
    found = values(tmp_path, *cells)
    assert found == expected
    assert [type(each) for each in found] == [type(each) for each in expected]


@pytest.mark.parametrize(
    "cells",
    [
        ("02138", "93650"),
        ("1.9", "1.10", "2.0"),
        ("2E5", "3E7", "41"),
        ("+46701234567", "+46709876543"),
        ("99999999999999999999", "12345678901234567890"),
        ("$4", "€5"),
        ("1.2.3", "1.2.4"),
        ("192.168.0.1", "10.0.0.7"),
        ("A1", "B2"),
        ("NO", "NO", "NO"),
        ("NO", "SE", "DK"),
        ("3-1", "2-2"),
    ],
)
def test_codes_are_no_numbers(tmp_path: Path, cells: tuple[str, ...]) -> None:
    assert values(tmp_path, *cells) == list(cells)


def test_a_code_with_zeros_before_it_makes_codes_of_the_others_of_its_length(tmp_path: Path) -> None:
    zips = [f"{10_000 + 37 * place}" for place in range(300)] + ["01234"]
    assert values(tmp_path, *zips) == zips
    slips = [f"{number}" for number in range(300)] + ["012"]
    assert values(tmp_path, *slips) == [*range(300), "012"]


@pytest.mark.parametrize(
    ("name", "is_code"),
    [("zip", True), ("Phone_2", True), ("homeTel", True), ("Código postal", True), ("hotel", False), ("price", False)],
)
def test_a_column_called_after_codes_holds_codes(tmp_path: Path, name: str, is_code: bool) -> None:
    _, records, _ = text(tmp_path, f"{name},n\n35233,1\n93650,2\n")
    assert [each[name] for each in records] == (["35233", "93650"] if is_code else [35233, 93650])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("7/16/2025", "3/4/2025"), ["2025-07-16", "2025-03-04"]),
        (("16/7/2025", "3/4/2025"), ["2025-07-16", "2025-04-03"]),
        (("16.07.25", "03.04.98"), ["2025-07-16", "1998-04-03"]),
        (("2025/7/4", "2025/12/31"), ["2025-07-04", "2025-12-31"]),
        (("16 Jul 2025", "1-Mar-2024"), ["2025-07-16", "2024-03-01"]),
        (("July 16, 2025", "Mar 1, 2024"), ["2025-07-16", "2024-03-01"]),
        (("7/16/2025 2:05 PM", "3/4/2025 12:00 AM"), ["2025-07-16T14:05:00", "2025-03-04T00:00:00"]),
        (("2025-07-16 14:05", "2025-07-17 09:00"), ["2025-07-16 14:05", "2025-07-17 09:00"]),
        (("3. März 2025", "12. Dezember 2024"), ["2025-03-03", "2024-12-12"]),
        (("lundi 3 mars 2025", "1er août 2024", "2 févr. 2024"), ["2025-03-03", "2024-08-01", "2024-02-02"]),
        (("3 de marzo de 2025", "12 DIC 2024"), ["2025-03-03", "2024-12-12"]),
        (("3 марта 2025 г.", "12 дек 2024"), ["2025-03-03", "2024-12-12"]),
        (("2025. március 3.", "2024. dec. 12."), ["2025-03-03", "2024-12-12"]),
        (("2025年3月4日", "2024年12月31日"), ["2025-03-04", "2024-12-31"]),
        (("Mar 2025", "avril 2024", "03/2025"), ["2025-03", "2024-04", "2025-03"]),
        (("20250304", "20241231"), ["2025-03-04", "2024-12-31"]),
        (("16.07.2025 15:45 Uhr", "17.07.2025 9:05"), ["2025-07-16T15:45:00", "2025-07-17T09:05:00"]),
        (
            ("01/Jan/2025:10:00:00 +0000", "02/Feb/2025:23:59:59 +0100"),
            [
                "2025-01-01T10:00:00+00:00",
                "2025-02-02T23:59:59+01:00",
            ],
        ),
        (("Room 5 May 2020", "Hall 6 June 2021"), ["Room 5 May 2020", "Hall 6 June 2021"]),
        (("1 jui 2020", "2 jui 2021"), ["1 jui 2020", "2 jui 2021"]),  # juin or juillet
        (("20251304", "20241231"), [20251304, 20241231]),
        (("31/12/2025", "31/13/2025", *["30/11/2025"] * 30), ["2025-12-31", "31/13/2025", *["2025-11-30"] * 30]),
    ],
)
def test_dates_in_local_orders(tmp_path: Path, cells: tuple[str, ...], expected: list[str]) -> None:
    assert values(tmp_path, *cells) == expected


def test_an_ambiguous_order_is_said_and_can_be_set(tmp_path: Path) -> None:
    from recollect.tables import ColumnType

    table, records, _ = text(tmp_path, "d,n\n3/4/2025,1\n5/6/2025,2\n")
    assert records[0]["d"] == "2025-03-04"
    assert column(table, "d").is_ambiguous
    order = {"d": ColumnType(FieldType.TIME, DateOrder.DAY_FIRST)}
    table, records, _ = text(tmp_path, "d,n\n3/4/2025,1\n5/6/2025,2\n", types=order)
    assert records[0]["d"] == "2025-04-03"
    assert not column(table, "d").is_ambiguous


def test_another_column_of_dates_settles_the_order(tmp_path: Path) -> None:
    _, records, _ = text(tmp_path, "d,e\n3/4/2025,16/4/2025\n5/6/2025,17/6/2025\n")
    assert records[0] == {"d": "2025-04-03", "e": "2025-04-16"}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("Yes", "No", "yes"), [True, False, True]),
        (("Y", "N"), [True, False]),
        (("TRUE", "false"), [True, False]),
        (("true", "true"), [True, True]),
        (("ja", "nein"), [True, False]),
        (("evet", "hayır"), [True, False]),
        (("はい", "いいえ"), [True, False]),
        (("✓", "✗"), [True, False]),
        (("yes", "yes"), ["yes", "yes"]),
        (("yes", "no", "maybe"), ["yes", "no", "maybe"]),
    ],
)
def test_truths_come_in_pairs(tmp_path: Path, cells: tuple[str, ...], expected: list[Any]) -> None:
    assert values(tmp_path, *cells) == expected


def test_the_usual_markers_are_gaps_and_the_doubtful_ones_are_told(tmp_path: Path) -> None:
    cities = ["Oslo"] * 20 + ["#N/A", "n/a", "NULL", "None", "-", ""]
    assert values(tmp_path, *cities) == ["Oslo"] * 20 + [None] * 6
    veneers = ["Brick"] * 10 + ["None"] * 10
    assert values(tmp_path, *veneers) == veneers
    table, _, _ = text(tmp_path, "x,y\n" + "".join(f"{cell},1\n" for cell in veneers))
    assert column(table, "x").missing_candidates == {"None": 10}


def test_numbers_that_stand_for_none_are_told_where_they_lie_far_from_the_others(tmp_path: Path) -> None:
    ages = [f"{20 + n % 40}" for n in range(40)] + ["999", "999", "-1", "-1", "99"]
    table, records, _ = text(tmp_path, "x,y\n" + "".join(f"{age},1\n" for age in ages))
    assert column(table, "x").missing_candidates == {"999": 2, "-1": 2}
    assert records[40]["x"] == 999
    degrees = [f"{n - 20}" for n in range(40)] + ["-9", "-9"]
    table, _, _ = text(tmp_path, "x,y\n" + "".join(f"{each},1\n" for each in degrees))
    assert column(table, "x").missing_candidates == {}
    table, records, _ = text(tmp_path, "x,y\n1,1\n-999,2\n", missing_values=frozenset(("-999",)))
    assert records == [{"x": 1, "y": 1}, {"y": 2}]


@pytest.mark.parametrize(
    ("cells", "unit", "expected"),
    [
        (("12 kg", "7.5kg"), "kg", [12, 7.5]),
        (("80 km/h", "1,200 km/h"), "km/h", [80, 1200]),
        (("37,5 °C", "-4°C"), "°C", [37.5, -4]),
        (("12 m2", "7 m2"), "m2", [12, 7]),
        (("9", "4.5", "5 kg", *("7",) * 40), "", [9, 4.5, "5 kg"]),  # nobody knows what the others are
    ],
)
def test_numbers_may_have_a_unit_that_is_the_same_in_every_cell(
    tmp_path: Path, cells: tuple[str, ...], unit: str, expected: list[Any]
) -> None:
    table, records, _ = text(tmp_path, "x,y\n" + "".join(f'"{each}",1\n' for each in cells))
    assert (column(table, "x").type, column(table, "x").unit) == (FieldType.NUMBER, unit)
    assert [each["x"] for each in records[: len(expected)]] == expected


@pytest.mark.parametrize(
    ("cells", "unit", "expected"),
    [
        (("5k", "1.2k", "800"), "", [5000, 1200, 800]),
        (("5K", "1.25M", "980"), "", [5000, 1_250_000, 980]),
        (("$1.2M", "$850K", "$3B"), "$", [1_200_000, 850_000, 3_000_000_000]),
        (("$1.2m", "($2m)", "$40"), "$", [1_200_000, -2_000_000, 40]),
        (("1,2 Mio. €", "0,85 Mrd. €", "900 Tsd. €"), "€", [1_200_000, 850_000_000, 900_000]),
        (("3 bn", "750 mn", "1.5bn"), "", [3_000_000_000, 750_000_000, 1_500_000_000]),
        (("-2.5k", "1.0001k", "7"), "", [-2500, 1000.1, 7]),
    ],
)
def test_letters_and_words_for_thousands_and_millions_are_read(
    tmp_path: Path, cells: tuple[str, ...], unit: str, expected: list[Any]
) -> None:
    table, records, _ = text(tmp_path, "x;y\n" + "".join(f"{each};1\n" for each in cells * 3))
    assert (column(table, "x").type, column(table, "x").unit) == (FieldType.NUMBER, unit)
    assert [each["x"] for each in records[: len(expected)]] == expected
    assert column(table, "x").coerced >= 6


@pytest.mark.parametrize(
    "cells",
    [
        ("10K", "5K", "42K"),
        ("12", "7B", "9B"),
        ("6M", "12M", "18M"),
        ("5 k", "7k"),
        ("1.2m", "800k", "3"),
        ("4K", "8 K"),
    ],
)
def test_letters_that_may_be_parts_of_names_leave_them_text(tmp_path: Path, cells: tuple[str, ...]) -> None:
    assert values(tmp_path, *cells * 3) == [*cells * 3]


def test_a_house_number_with_a_letter_is_no_thousand(tmp_path: Path) -> None:
    houses = [*(str(n) for n in range(1, 190)), "12a", "7b", "3k", "5k", "9c", "12m"]
    assert values(tmp_path, *houses)[-6:] == ["12a", "7b", "3k", "5k", "9c", "12m"]
    assert values(tmp_path, *houses[:189], "3k")[-1] == "3k"


def test_a_header_of_distances_is_a_header(tmp_path: Path) -> None:
    _, records, _ = text(tmp_path, "5K,10K\n25,52\n31,64\n")
    assert records == [{"5K": 25, "10K": 52}, {"5K": 31, "10K": 64}]


@pytest.mark.parametrize(
    "cells", [("12A", "7A"), ("12 kg", "7 lb"), ("12 kg", "7"), ("1st", "2nd"), ("12 Main", "9 Main"), ("$5", "€7")]
)
def test_parts_of_names_and_several_units_are_no_unit(tmp_path: Path, cells: tuple[str, ...]) -> None:
    assert values(tmp_path, *cells * 3) == [*cells * 3]


@pytest.mark.parametrize(
    "cells", [("1.5", "2", "4.25"), ("2025-03-01", "2025-04-07", "2024-12-24"), ("yes", "no", "yes")]
)
def test_one_word_that_recurs_among_numbers_times_or_truths_is_told_and_makes_room_where_it_is_named(
    tmp_path: Path, cells: tuple[str, ...]
) -> None:
    table, records, _ = text(tmp_path, "x,y\n" + "".join(f"{each},1\n" for each in (*cells, "n.v.") * 5))
    assert column(table, "x").missing_candidates == {"n.v.": 5}
    assert (column(table, "x").type, records[3]["x"]) == (None, "n.v.")
    named = frozenset(("n.v.",))
    table, records, _ = text(
        tmp_path, "x,y\n" + "".join(f"{each},1\n" for each in (*cells, "n.v.") * 5), missing_values=named
    )
    assert column(table, "x").type in {FieldType.NUMBER, FieldType.TIME, FieldType.BOOLEAN}
    assert column(table, "x").missing_candidates == {}
    assert "x" not in records[3]


@pytest.mark.parametrize("words", [("low", "high"), ("n.v.",), ("n.v.", "n.v.", "<0.1")])
def test_several_words_a_slip_and_what_has_figures_are_no_such_word(tmp_path: Path, words: tuple[str, ...]) -> None:
    table, _, _ = text(tmp_path, "x,y\n" + "".join(f"{each},1\n" for each in ("1.5", "2", "4.25", *words)))
    assert column(table, "x").missing_candidates == {}


def test_the_importer_s_own_markers_take_the_place_of_the_usual_ones(tmp_path: Path) -> None:
    found = values(tmp_path, "Oslo", "-", "unbekannt", missing_values=frozenset(("unbekannt",)))
    assert found == ["Oslo", "-", None]


def test_names_without_blanks_twice_or_not_at_all(tmp_path: Path) -> None:
    table, records, _ = text(tmp_path, "\ufeff a , b,b,\n1,2,3,4\n5,6,7,8\n")
    assert [each.column for each in table.report().columns] == ["a", "b", "b_2", "column_4"]
    assert records[0] == {"a": 1, "b": 2, "b_2": 3, "column_4": 4}


def test_columns_are_renamed_left_out_and_taken_for_members(tmp_path: Path) -> None:
    table, records, _ = text(
        tmp_path,
        "no,origin,when,x\n7,observed,1.2.2025,9\n",
        id_column="no",
        renamed={"origin": "origin", "when": "@occurred_at", "x": ""},
    )
    assert records == [{"origin": "observed"}]
    assert [each.role.value for each in table.report().columns] == ["id", "field", "occurred_at", "left_out"]


@pytest.mark.parametrize("options", [{"id_column": "nope"}, {"renamed": {"nope": "a"}}, {"renamed": {"a": "b"}}])
def test_options_that_name_no_column_or_one_twice_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        text(tmp_path, "a,b\n1,2\n", **options)
    assert refused.value.code == "IMPORT_OPTIONS"


def test_lines_may_end_as_on_old_macs(tmp_path: Path) -> None:
    path = tmp_path / "mac.csv"
    path.write_bytes(b"a,b\r1,2\r3,4\r")
    assert read(path)[1] == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_a_line_that_the_encoding_cannot_hold_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(b"a,b\n" + "ä,ö\n".encode() * 20 + b"\xff,x\n" + b"1,2\n")
    _, records, refused = read(path)
    assert (len(records), refused) == (21, [22])


def test_a_file_is_not_changed_by_reading_it(tmp_path: Path) -> None:
    copy = tmp_path / "orders.csv"
    shutil.copy(FILES / "orders_us.csv", copy)
    read(copy)
    assert copy.read_bytes() == (FILES / "orders_us.csv").read_bytes()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("$1.2M", 1_200_000),
        ("5k", 5000),
        ("1,200,000", 1_200_000),
        ("1.200,50 €", 1200.5),
        ("(12.50)", -12.5),
        ("1,200", None),
        ("12,5", 12.5),
        ("10 kg", None),
        ("12.5%", None),
        ("5 Main St", None),
        ("12B", None),
        ("1.2M", 1_200_000),
        ("90 mn", None),
    ],
)
def test_a_number_alone_is_read_where_it_can_be_one_only(text: str, number: float | None) -> None:
    assert read_alone(text) == number
