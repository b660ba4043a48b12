"""The command line against a real server, as a user types it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Served
from tests.cli.forking import Ran

TABLES = Path(__file__).parent.parent / "data" / "tables"
VISITS = Path(__file__).parent.parent / "data" / "visits.jsonl"
Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def filled(recollect: Run) -> str:
    done = recollect("import", str(VISITS), "--space", "visits", "--create")
    assert done.code == 0, done.out + done.err
    return "visits"


def test_serve_answers_at_the_address_it_prints(server: Served) -> None:
    page = httpx.get(f"{server.url}/docs", follow_redirects=True)
    assert page.status_code == 200
    assert "swagger" in page.text.lower()


def test_the_demo_space_is_there_and_completes_breakfast(recollect: Run) -> None:
    done = recollect("complete", "what=breakfast", "--json")
    assert done.code == 0, done.out + done.err
    answer = json.loads(done.out)
    assert answer["completed_episode"]["fields"]["what"] == "breakfast"
    assert 0 < answer["completion_confidence"] <= 1
    assert set(answer) == {"completion_id", "completed_episode", "completion_confidence"}


def test_the_demo_space_cannot_be_written(recollect: Run) -> None:
    done = recollect("import", str(VISITS), "--space", "demo")
    assert done.code == 1
    assert "SPACE_READ_ONLY" in done.err


def test_an_import_shows_the_types_and_reports_what_was_taken(recollect: Run) -> None:
    done = recollect("import", str(VISITS), "--space", "shown", "--create")
    assert done.code == 0, done.err
    assert "300 records" in done.out
    assert "300 accepted, 0 rejected" in done.out
    for name, kind in {"where": "category", "minutes": "number", "when": "time", "with": "list"}.items():
        assert any(line.split()[:2] == [name, kind] for line in done.out.splitlines())


def test_the_same_file_is_imported_once_unless_asked_again(recollect: Run, filled: str) -> None:
    second = recollect("import", str(VISITS), "--space", filled, "--json")
    assert json.loads(second.out)["already_imported"] is True
    again = recollect("import", str(VISITS), "--space", filled, "--again", "--json")
    assert json.loads(again.out)["accepted"] == 300
    assert json.loads(again.out)["already_imported"] is False


def test_a_space_made_anew_is_filled_anew(recollect: Run) -> None:
    for _ in range(2):
        done = recollect("import", str(VISITS), "--space", "phoenix", "--create", "--json")
        assert json.loads(done.out)["accepted"] == 300
        assert json.loads(done.out)["already_imported"] is False
        assert recollect("spaces", "delete", "phoenix", "--yes").code == 0


def test_rejected_records_are_named_by_line(recollect: Run, tmp_path: Path) -> None:
    file = tmp_path / "mixed.jsonl"
    file.write_text('{"what": "tea"}\nnot json\n[1]\n{"what": "run"}\n', encoding="utf-8")
    done = recollect("import", str(file), "--space", "mixed", "--create", "--json")
    report = json.loads(done.out)
    assert done.code == 5
    assert (report["accepted"], report["rejected_total"]) == (2, 2)
    assert sorted(each["line"] for each in report["rejected"]) == [2, 3]


def test_what_an_interrupted_import_stored_is_not_stored_twice(recollect: Run, server: Served, tmp_path: Path) -> None:
    lines = [json.dumps({"n": n, "what": f"w{n % 7}"}) + "\n" for n in range(1200)]
    file = tmp_path / "long.jsonl"
    file.write_text("".join(lines), encoding="utf-8")
    assert recollect("spaces", "create", "resumed").code == 0
    first = httpx.post(  # as if the command had been killed after a part of the file was stored
        f"{server.url}/api/v1/imports",
        params={"source": f"imp_{hashlib.sha256(file.read_bytes()).hexdigest()[:16]}"},
        headers={"X-Memory-Space": "resumed", "Content-Type": "application/x-ndjson"},
        content="".join(lines[:1000]),
    )
    assert first.json()["new"] == 1000
    done = json.loads(recollect("import", str(file), "--space", "resumed", "--json").out)
    assert (done["accepted"], done["new"], done["duplicate"]) == (1200, 200, 1000)
    page = httpx.get(f"{server.url}/api/v1/spaces/resumed/stats").json()
    assert page["episodes"] == 1200


def test_rejected_records_are_written_mended_and_imported(recollect: Run, tmp_path: Path) -> None:
    home = tmp_path / "rejects.csv"
    done = recollect("import", str(TABLES / "ragged.csv"), "-s", "ragged", "--create", "--rejects", str(home))
    assert done.code == 5
    assert home.read_text() == "a,b,c\n4,5\n6,7,8,9\n"
    home.write_text("a,b,c\n4,5,6\n6,7,8\n")
    mended = json.loads(recollect("import", str(home), "-s", "ragged", "--json").out)
    assert (mended["records"], mended["new"]) == (2, 2)


@pytest.mark.parametrize("name", ["picture.png", "table.csv"])
def test_a_file_that_is_no_table_is_refused(recollect: Run, server: Served, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes((Path(__file__).parents[2] / "docs" / "performance" / "completion.png").read_bytes())
    done = recollect("import", str(file), "-s", "pictures", "--create")
    assert (done.code, done.out) == (1, "")
    assert "The file cannot be read" in done.err
    assert "The file is a PNG image and no table." in done.err
    assert httpx.get(f"{server.url}/api/v1/spaces/pictures").status_code == 404  # nothing was stored, nothing is left
    for command in ("fill", "evaluate", "audit"):
        done = recollect(command, str(file))
        assert (done.code, done.out) == (2, ""), command
        assert "a PNG image and no table" in done.err, command


def test_a_word_among_numbers_is_told_with_the_options_that_name_it_and_what_is_taken(
    recollect: Run, server: Served, tmp_path: Path
) -> None:
    file = tmp_path / "scores.csv"
    file.write_text("name,score\n" + "".join(f"p{n},{['1.5', '2', 'n.v.', 'NULL'][n % 4]}\n" for n in range(20)))
    asked = ("import", str(file), "-s", "scores", "--create", "--preview")
    told = recollect(*asked).out
    assert "may mean missing, kept: n.v. (5)" in told
    assert "--null 'NULL' --null 'n.v.'" in told
    named = json.loads(recollect(*asked, "--null", "NULL", "--null", "n.v.", "--json").out)
    assert {each["name"]: each["type"] for each in named["table"]["columns"]}["score"] == "number"


def test_a_preview_stores_nothing_and_tells_what_would_be(recollect: Run, server: Served) -> None:
    done = recollect("import", str(TABLES / "orders_us.csv"), "-s", "orders", "--create", "--preview")
    assert done.code == 0, done.err
    for told in ("month first", "numbers in $", "taken for missing: #N/A (1), - (1), N/A (1)", "kept as text: two"):
        assert told in done.out
    assert "40 would be accepted" in done.out
    assert httpx.get(f"{server.url}/api/v1/spaces/orders").status_code == 404


def test_a_table_without_a_header_is_told_of_and_may_have_one(recollect: Run, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("Ann,Rome,30\nBob,Oslo,40\nCem,Rome\n")
    found = recollect("import", str(file), "-s", "headless", "--create", "--preview")
    assert "no header: the first line is a record" in found.out
    assert "2 would be accepted, 1 would be rejected" in found.out
    assert "A record with fewer or more cells" in found.out
    told = json.loads(
        recollect("import", str(file), "-s", "headless", "--create", "--header", "--preview", "--json").out
    )
    assert (told["records"], told["table"]["header_line"]) == (2, 1)
    rejects = tmp_path / "rejects.csv"
    done = recollect(
        *(
            "import",
            str(file),
            "-s",
            "headless",
            "--create",
            "--no-header",
            "--map",
            "column_1=name",
            "--rejects",
            str(rejects),
        ),
    )
    assert done.code == 5
    assert rejects.read_text() == "Cem,Rome\n"


def test_the_counts_tell_new_replaced_and_duplicate(recollect: Run) -> None:
    report = json.loads(recollect("import", str(TABLES / "repeated_ids.csv"), "-s", "twice", "--create", "--json").out)
    counts = {name: report[name] for name in ("records", "new", "replaced", "duplicate", "rejected_total")}
    assert counts == {"records": 4, "new": 2, "replaced": 1, "duplicate": 1, "rejected_total": 0}


def test_an_export_imports_again_as_the_same_episodes(recollect: Run, tmp_path: Path, filled: str) -> None:
    lines = tmp_path / "visits.jsonl"
    assert recollect("export", "-s", filled, str(lines)).code == 0
    assert len(lines.read_text().splitlines()) == 300
    again = json.loads(recollect("import", str(lines), "-s", filled, "--json").out)
    assert (again["duplicate"], again["rejected_total"]) == (300, 0)


@pytest.mark.parametrize("value", ["one\rtwo", "one\ntwo", "one\r\ntwo"], ids=ascii)
def test_a_table_of_episodes_with_line_breaks_imports_again(recollect: Run, tmp_path: Path, value: str) -> None:
    space, file, table = f"breaks-{value.encode().hex()}", tmp_path / "notes.jsonl", tmp_path / "notes.csv"
    episodes = [{"id": "a", "fields": {"note": value, "who": "Ada"}}, {"id": "b", "fields": {"note": "x", "who": "Bo"}}]
    file.write_text("".join(json.dumps(each) + "\n" for each in episodes))
    assert recollect("import", str(file), "-s", space, "--create").code == 0
    assert recollect("export", "-s", space, str(table)).code == 0
    again = json.loads(recollect("import", str(table), "-s", space, "--json").out)
    assert (again["records"], again["duplicate"], again["rejected_total"]) == (2, 2, 0)


def test_options_outrank_what_is_found_out(recollect: Run, server: Served) -> None:
    done = recollect(
        *("import", str(TABLES / "orders_eu_cp1252.csv"), "-s", "told", "--create", "--json", "--id", "order"),
        *("--type", "qty=category", "--null", "Springfield", "--map", "paid=settled", "--map", "date=@occurred_at"),
    )
    assert json.loads(done.out)["new"] == 40, done.err
    episode = httpx.get(f"{server.url}/api/v1/episodes/00001", headers={"X-Memory-Space": "told"}).json()
    assert (episode["fields"]["qty"], episode["fields"]["settled"]) == ("4", True)
    assert episode["occurred_at"] == "2025-02-14T00:00:00Z"


def test_an_option_that_names_no_column_is_refused_with_those_there_are(recollect: Run) -> None:
    done = recollect("import", str(TABLES / "codes.csv"), "-s", "unnamed", "--create", "--type", "zpi=text")
    assert done.code == 1
    assert "name, city, zip, version" in done.err


def test_who_says_that_the_event_is_new_is_told_no_memory(recollect: Run, filled: str) -> None:
    asked = ("complete", "what=running", "-s", filled, "-t", "where", "--threshold", "0", "--verbose", "--json")
    stored, new = (json.loads(recollect(*asked, option).out) for option in ("--stored", "--new"))
    assert stored["reconstruction_stats"]["match_confidence"] == 1.0
    assert new["reconstruction_stats"]["match_confidence"] == 0.0
    assert new["source_attribution"]["where"]["source"] != "recalled"


def test_complete_shows_value_source_and_confidence(recollect: Run, filled: str) -> None:
    done = recollect("complete", "what=running", "-s", filled, "-t", "where", "--threshold", "0")
    assert done.code == 0, done.err
    rows = {line.split()[0]: line.split()[1:] for line in done.out.splitlines() if line.strip()}
    assert rows["what"][:2] == ["running", "given"]
    assert rows["where"][0] == "park"
    assert rows["where"][1] in {"recalled", "reconstructed", "consolidated", "imagined"}


def test_verbose_adds_evidence_and_statistics(recollect: Run, filled: str) -> None:
    done = recollect("complete", "what=running", "-s", filled, "--threshold", "0", "--verbose")
    assert done.code == 0, done.err
    assert "metacognitive confidence" in done.out
    assert "ca3_iterations" in done.out


def test_too_little_evidence_says_what_to_do_and_exits_4(recollect: Run, filled: str) -> None:
    done = recollect("complete", "colour=never-seen", "-s", filled, "--threshold", "0.99")
    assert done.code == 4
    assert "→" in done.err
    as_json = recollect("complete", "colour=never-seen", "-s", filled, "--threshold", "0.99", "--json")
    assert as_json.code == 4
    assert json.loads(as_json.out)["status"] == 422


def test_recall_ranks_stored_episodes(recollect: Run, filled: str) -> None:
    answer = json.loads(recollect("recall", "what=film", "who=Cleo", "-s", filled, "-n", "3", "--json").out)
    assert [item["episode"]["fields"]["what"] for item in answer["items"]] == ["film"] * 3
    assert "film" in recollect("recall", "what=film", "-s", filled).out


def test_spaces_are_created_once_listed_shown_and_deleted(recollect: Run) -> None:
    assert recollect("spaces", "create", "brief", "-d", "For a moment").code == 0
    assert recollect("spaces", "create", "brief").code == 1
    assert "For a moment" in recollect("spaces", "list").out
    assert recollect("spaces", "show", "brief").code == 0
    assert recollect("spaces", "delete", "brief", "--yes").code == 0
    missing = recollect("spaces", "show", "brief")
    assert missing.code == 1
    assert "SPACE_NOT_FOUND" in missing.err


def test_status_names_the_server_and_its_spaces(recollect: Run, server: Served) -> None:
    assert "demo" in recollect("status").out
    document = json.loads(recollect("status", "--json").out)
    assert document["url"] == server.url
    assert "demo" in [each["space_id"] for each in document["spaces"]]


def test_an_import_into_no_space_hints_at_create(recollect: Run) -> None:
    done = recollect("import", str(VISITS), "--space", "absent")
    assert done.code == 1
    assert "--create" in done.err
