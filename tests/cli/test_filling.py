"""`recollect fill`: a file with gaps in, the same file filled out."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.forking import Ran

Recollect = Callable[..., Ran]
PLACES = {"breakfast": "kitchen", "lunch": "canteen", "dinner": "Café Ö"}


def table(count: int = 60) -> list[dict[str, str]]:
    """Meals, every sixth without its place, one with an odd spelling of a number."""
    meals = list(PLACES)
    rows = [{"no": str(n), "what": meals[n % 3], "where": PLACES[meals[n % 3]], "hot": "TRUE"} for n in range(count)]
    for n in range(0, count, 6):
        rows[n]["where"] = ""
    rows[1]["hot"] = ""
    return rows


def write(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.mark.parametrize(("name", "delimiter"), [("meals.csv", ","), ("meals.tsv", "\t")])
def test_a_file_fills_its_own_gaps_and_nothing_else_changes(
    name: str, delimiter: str, recollect: Recollect, tmp_path: Path
) -> None:
    rows = table()
    file = write(tmp_path / name, rows, delimiter)
    ran = recollect("fill", str(file), "--target", "where", "--target", "hot", "--workers", "1")
    assert ran.code == 0, ran.err
    written = file.with_name(f"meals.filled{file.suffix}")
    filled = read(written, delimiter)
    for before, after in zip(rows, filled, strict=True):
        assert after == before | {"where": PLACES[before["what"]], "hot": "TRUE"}
    assert written.read_bytes().count(b"\r\n") == len(rows) + 1
    cells = read(tmp_path / "meals.filled.cells.csv")
    assert [(cell["line"], cell["field"], cell["value"]) for cell in cells[:3]] == [
        ("2", "where", "kitchen"),
        ("3", "hot", "True"),
        ("8", "where", "kitchen"),
    ]
    assert all(0 < float(cell["confidence"]) <= 1 and cell["source"] and cell["filled"] == "yes" for cell in cells)
    assert "11 of 11 blank cells filled, in 60 rows." in ran.out


def test_notes_stand_beside_what_was_filled(recollect: Recollect, tmp_path: Path) -> None:
    file = write(tmp_path / "meals.csv", table())
    assert recollect("fill", str(file), "--target", "where", "--notes", "--workers", "1").code == 0
    first, second, *_ = read(tmp_path / "meals.filled.csv")
    assert list(first) == ["no", "what", "where", "hot", "where_confidence", "where_source"]
    assert float(first["where_confidence"]) > 0.5
    assert second["where_confidence"] == second["where_source"] == ""


def test_lines_of_json_stay_lines_of_json(recollect: Recollect, tmp_path: Path) -> None:
    file = tmp_path / "meals.jsonl"
    rows = [{"what": what, "n": n, "where": PLACES[what]} for n in range(4) for what in PLACES]
    file.write_text("\n".join(json.dumps(row) for row in [rows[0] | {"where": None}, *rows[1:]]))
    ran = recollect("fill", str(file), "--json", "--workers", "1")
    assert ran.code == 0, ran.err
    summary = json.loads(ran.out)
    assert (summary["rows"], summary["blank"], summary["filled"]) == (12, 1, 1)
    lines = [json.loads(line) for line in Path(summary["file"]).read_text().splitlines()]
    assert lines[1:] == rows[1:]
    assert lines[0].keys() == rows[0].keys()


def test_a_space_fills_a_file(recollect: Recollect, tmp_path: Path) -> None:
    file = write(tmp_path / "walks.csv", [{"what": "breakfast", "where": ""}, {"what": "swim", "where": ""}])
    ran = recollect("fill", str(file), "--space", "demo", "--threshold", "0.6")
    assert ran.code == 0, ran.err
    assert read(tmp_path / "walks.filled.csv")[0]["where"] == "kitchen"
    again = recollect("fill", str(file), "--space", "demo", "--target-accuracy", "0.9", "--force")
    assert "No known cell could be asked" in again.out
    assert again.code == 4


def test_a_column_that_a_space_has_not_is_named_with_the_nearest(recollect: Recollect, tmp_path: Path) -> None:
    file = write(tmp_path / "walks.csv", [{"waht": "breakfast", "what": "breakfast", "where": ""}])
    ran = recollect("fill", str(file), "--space", "demo")
    assert ran.err.count("No stored episode has the field 'waht'; the nearest is 'what'.") == 1, ran.err
    told = recollect("fill", str(file), "--space", "demo", "--force", "--json")
    assert [note["field"] for note in json.loads(told.out)["cue_notes"]] == ["waht"]


def test_what_cannot_be_filled_says_why(recollect: Recollect, tmp_path: Path) -> None:
    file = write(tmp_path / "meals.csv", table(12))
    both = recollect("fill", str(file), "--threshold", ".5", "--target-accuracy", ".5")
    assert (both.code, "One of --threshold" in both.err) == (2, True)
    unknown = recollect("fill", str(file), "--target", "whre")
    assert (unknown.code, "whre; it has no, what, where, hot." in unknown.err) == (2, True)
    assert "'where' instead of 'whre'" in unknown.err
    absent = recollect("fill", str(tmp_path / "nowhere.csv"))
    assert (absent.code, "No such file" in absent.err, "Errno" in absent.err) == (2, True, False)
    (tmp_path / "meals.filled.csv").write_text("mine")
    taken = recollect("fill", str(file))
    assert (taken.code, "exists already" in taken.err, "--force" in taken.err) == (2, True, True)
    assert (tmp_path / "meals.filled.csv").read_text() == "mine"
    same = recollect("fill", str(file), "--out", str(file), "--force")
    assert (same.code, "exists already" in same.err) == (2, True)


def test_a_whole_table_stays_as_it_is(recollect: Recollect, tmp_path: Path) -> None:
    file = write(tmp_path / "whole.csv", [{"a": "1", "b": "x"}])
    ran = recollect("fill", str(file))
    assert (ran.code, "0 of 0 blank cells filled" in ran.out) == (0, True)
    assert (tmp_path / "whole.filled.csv").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("name", ["meals.xlsx", "meals.json", "meals.parquet"])
def test_a_table_is_not_written_under_the_name_of_another_kind(name: str, recollect: Recollect, tmp_path: Path) -> None:
    file = write(tmp_path / "meals.csv", table(12))
    ran = recollect("fill", str(file), "--out", str(tmp_path / name))
    assert ran.code == 2
    assert "ends in .csv" in ran.err
    assert not (tmp_path / name).exists()


def test_a_table_goes_through_a_pipe(recollect: Recollect, tmp_path: Path) -> None:
    rows = table()
    file = write(tmp_path / "meals.csv", rows)
    ran = recollect("fill", "-", "--target", "where", "--workers", "1", stdin=file.read_text(encoding="utf-8"))
    assert ran.code == 0, ran.err
    filled = list(csv.DictReader(ran.out.splitlines()))
    assert filled == [row | {"where": PLACES[row["what"]]} for row in rows]
    assert "10 of 10 blank cells filled" in ran.err
    cells = tmp_path / "cells.csv"
    ran = recollect("fill", str(file), "--out", "-", "--cells", str(cells), "--workers", "1")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("no,what,where,hot")
    assert len(read(cells)) == 11
    assert recollect("fill", str(file), "--out", "-", "--json").code == 2
    assert {path.name for path in tmp_path.iterdir()} == {"cells.csv", "meals.csv"}
