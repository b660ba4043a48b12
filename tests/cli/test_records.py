"""Files of episodes: one record per line, row or item; faults by line."""

from pathlib import Path
from typing import Any

import pytest

from recollect.cli.records import Record, read_records, summarise


def read(folder: Path, name: str, text: str) -> list[Record]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return list(read_records(path))


def episodes(records: list[Record]) -> list[dict[str, Any] | None]:
    return [record.episode for record in records]


def test_json_lines_flat_or_whole_are_episodes_with_their_line(tmp_path: Path) -> None:
    records = read(
        tmp_path, "a.jsonl", '{"id": 7, "what": "tea", "who": null}\n\n{"fields": {"what": "run"}, "id": "e2"}\n'
    )
    assert episodes(records) == [{"id": "7", "fields": {"what": "tea"}}, {"fields": {"what": "run"}, "id": "e2"}]
    assert [record.line for record in records] == [1, 3]


def test_a_bad_line_is_a_fault_of_that_line_only(tmp_path: Path) -> None:
    good, bad, odd = read(tmp_path, "a.ndjson", '{"a": 1}\n{"a": \n[1]\n')
    assert good.episode == {"fields": {"a": 1}}
    assert (bad.line, bad.episode) == (2, None)
    assert "not JSON" in bad.fault
    assert (odd.line, odd.fault) == (3, "an object was expected, this is list")


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a": 2}]', '{"items": [{"a": 1}, {"a": 2}]}', '{"a": 1}\n{"a": 2}\n'])
def test_json_is_an_array_an_object_with_items_or_lines_after_all(tmp_path: Path, text: str) -> None:
    assert episodes(read(tmp_path, "a.json", text)) == [{"fields": {"a": 1}}, {"fields": {"a": 2}}]


def test_csv_columns_are_numbers_only_if_all_their_values_are(tmp_path: Path) -> None:
    text = "id,n,zip,ok,note,mixed\n1,3,01234,true,,1\n2,4.5,99999,FALSE,hi,x\n"
    first, second = episodes(read(tmp_path, "a.csv", text))
    assert first == {"id": "1", "fields": {"n": 3, "zip": "01234", "ok": True, "mixed": "1"}}
    assert second == {"id": "2", "fields": {"n": 4.5, "zip": "99999", "ok": False, "note": "hi", "mixed": "x"}}


def test_csv_faults_name_the_row(tmp_path: Path) -> None:
    _, short = read(tmp_path, "a.csv", "a,b\n1,2\n3\n")
    assert (short.line, short.fault) == (3, "1 cells, but the header has 2")
    with pytest.raises(ValueError, match="twice"):
        read(tmp_path, "b.csv", "a,a\n1,2\n")


def test_an_unknown_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.jsonl"):
        read(tmp_path, "a.bin", "hello")


def test_the_summary_names_each_field_s_type(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        f'{{"who": "ann", "n": {n}, "when": "2026-01-0{n}", "tags": ["x"], "say": "line {n}"}}' for n in range(1, 9)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    fields, count = summarise(path)
    assert count == 8
    assert {name: each.kind for name, each in fields.items()} == {
        "who": "category",
        "n": "number",
        "when": "time",
        "tags": "list",
        "say": "text",
    }
