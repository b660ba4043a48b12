"""`recollect evaluate` and `audit`, of files and of spaces."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.forking import Ran
from tests.engine.consolidation.test_audit import hospitals

Recollect = Callable[..., Ran]
WRONG = {5: "city", 20: "owner", 33: "name"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A table with three typing errors."""
    rows = hospitals(90, 1)
    for place, name in WRONG.items():
        text = str(rows[place][name])
        rows[place][name] = text[:3] + text[4:]
    path = tmp_path / "wards.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def confirm(listed: Path, *, most: int) -> list[dict[str, str]]:
    """Write yes beside the first lines of a list; those lines."""
    with listed.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows[:most]:
        row["confirm"] = "yes"
    with listed.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return rows[:most]


class _Page(HTMLParser):
    """What a page loads from elsewhere, and how many plots it has."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.plots = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [value or "" for name, value in attrs if name in {"src", "href"}]
        self.plots += tag == "svg"
        assert tag != "script"


def test_a_file_is_evaluated_in_a_table_a_page_and_json(recollect: Recollect, file: Path) -> None:
    page = file.with_suffix(".html")
    ran = recollect("evaluate", str(file), "--cases", "30", "--html", str(page))
    assert ran.code == 0, ran.err
    assert "most frequent" in ran.out
    assert "How far off the numbers are" in ran.out
    text = page.read_text(encoding="utf-8")
    seen = _Page()
    seen.feed(text)
    assert seen.loaded == []
    assert seen.plots == 2  # too few cells for a diagram of each field
    for part in text.split("<svg")[1:]:
        ElementTree.fromstring("<svg" + part.split("</svg>")[0] + "</svg>")
    found = json.loads(recollect("evaluate", str(file), "--field", "city", "--cases", "30", "--json").out)
    assert [each["field"] for each in found["fields"]] == ["city"]
    assert found["overall"]["cases"] == 30
    assert found["overall"]["accuracy"] > found["overall"]["base_rate"]


def test_what_is_confirmed_is_written_into_a_corrected_copy(recollect: Recollect, file: Path) -> None:
    before = file.read_bytes()
    ran = recollect("audit", str(file), "--source", "by")
    assert ran.code == 0, ran.err
    assert "How often each source is wrong" in ran.out
    listed = file.with_name("wards.suspects.csv")
    with listed.open(newline="", encoding="utf-8") as rows:
        told = {(row["where"], row["field"]): row for row in csv.DictReader(rows)}
    assert {(f"line {place + 2}", name) for place, name in WRONG.items()} <= set(told)
    changed = confirm(listed, most=2)
    applied = recollect("audit", str(file), "--apply", str(listed))
    assert applied.code == 0, applied.err
    assert "2 cells changed, 0 left as they are." in applied.out
    assert file.read_bytes() == before
    with file.with_name("wards.corrected.csv").open(newline="", encoding="utf-8") as rows:
        corrected = list(csv.DictReader(rows))
    for row in changed:
        assert corrected[int(row["where"].removeprefix("line ")) - 2][row["field"]] == row["probably"]
    receipt = json.loads(file.with_name("wards.receipt.json").read_text())
    assert [each["after"] for each in receipt["changes"]] == [row["probably"] for row in changed]


def test_what_is_confirmed_of_a_space_is_written_and_taken_back(recollect: Recollect, file: Path) -> None:
    assert recollect("import", str(file), "--space", "wards", "--create").code == 0
    listed = file.with_name("list.csv")
    ran = recollect("audit", "wards", "--out", str(listed), "--json")
    assert ran.code == 0, ran.err
    items = json.loads(ran.out)["items"]
    (row,) = confirm(listed, most=1)
    applied = json.loads(recollect("audit", "wards", "--apply", str(listed), "--json").out)
    assert (applied["changed"], applied["skipped"]) == (1, 0)
    again = json.loads(recollect("audit", "wards", "--apply", str(listed), "--json").out)
    assert (again["changed"], again["skipped"]) == (0, 1)  # it is right already
    back = json.loads(recollect("audit", "wards", "--revert", applied["receipt"], "--json").out)
    assert (back["changed"], back["skipped"]) == (1, 0)
    assert items[0]["value"] == row["stored"]
    evaluated = recollect("evaluate", "wards", "--cases", "10", "--field", "city")
    assert evaluated.code == 0, evaluated.err
    assert "city" in evaluated.out


def test_what_cannot_be_examined_says_why(recollect: Recollect, file: Path) -> None:
    missing = recollect("audit", "nowhere.csv")
    assert (missing.code, "There is no such file" in missing.err) == (2, True)
    unknown = recollect("evaluate", str(file), "--field", "cty")
    assert (unknown.code, "'city' instead of 'cty'" in unknown.err) == (2, True)
    source = recollect("audit", str(file), "--source", "cty")
    assert (source.code, "The file has no such column" in source.err) == (2, True)
    both = recollect("audit", str(file), "--apply", str(file), "--revert", str(file))
    assert (both.code, "One of --apply and --revert" in both.err) == (2, True)
    other = recollect("audit", str(file), "--apply", str(file))
    assert (other.code, "no list of an audit" in other.err) == (2, True)
    no_space = recollect("audit", "nowhere")
    assert (no_space.code, "404" in no_space.err, "recollect spaces list" in no_space.err) == (1, True, True)


def test_what_episodes_say_differently_is_listed(recollect: Callable[..., Ran]) -> None:
    assert "No two episodes seem" in recollect("duplicates", "--least", "0.99").out
    found = recollect("contradictions", "--entity", "what", "--field", "where")
    assert found.code == 0
    assert "kitchen (" in found.out
    assert json.loads(recollect("duplicates", "--json").out)["items"] == []
