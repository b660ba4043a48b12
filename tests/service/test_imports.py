"""Many episodes at once: nothing good is lost because of something bad, and a cut can be resumed."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from recollect.errors import Conflict, DeadlineExceeded, InvalidRequest, StorageFull
from recollect.model import EpisodeInput, FieldType, ImportFormat, Scope, SpaceDraft
from recollect.service.imports import ImportPlan, import_episodes
from recollect.service.records import MAX_LINE_BYTES, read_lines
from recollect.service.runtime import Runtime
from recollect.service.spaces import put_space
from recollect.tables import TableOptions

VISITS = Path(__file__).parents[1] / "data" / "visits.jsonl"
JSONL, CSV = ImportFormat.JSONL, ImportFormat.CSV


async def cut(data: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    """The bytes as a network might deliver them."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def lines(*rows: Any) -> bytes:
    return b"".join((row if isinstance(row, bytes) else orjson.dumps(row)) + b"\n" for row in rows)


def stored(runtime: Runtime, scope: Scope) -> dict[str, dict[str, Any]]:
    uid = runtime.memories.space(scope).uid
    return {each.episode_id: orjson.loads(each.document)["fields"] for each in runtime.store.iterate_episodes(uid)}


class TestLines:
    async def test_flat_rows_and_episodes_are_told_apart(self, runtime: Runtime, scope: Scope) -> None:
        report = await import_episodes(
            runtime,
            scope,
            cut(
                lines(
                    {
                        "id": "flat",
                        "what": "walk",
                        "n": 3,
                        "gone": None,
                        "blank": " ",
                        "embedding": "loud",
                        "origin": "Oslo",
                    },
                    {"id": "whole", "fields": {"what": "run"}, "origin": "reconstructed"},
                    {"id": "fields-is-a-field", "fields": "green"},
                    {"id": 17, "what": "count"},
                    {"what": "nameless"},
                )
            ),
            form=JSONL,
        )
        assert (report.accepted, report.rejected_total, report.next_line, report.revision) == (5, 0, 6, 6)
        found = stored(runtime, scope)
        assert found["flat"] == {"what": "walk", "n": 3, "embedding": "loud", "origin": "Oslo"}
        assert found["whole"] == {"what": "run"}
        assert found["fields-is-a-field"] == {"fields": "green"}
        assert found["17"] == {"what": "count"}
        assert len(found) == 5

    async def test_bad_lines_are_named_and_cost_no_good_ones(self, runtime: Runtime, scope: Scope) -> None:
        bad: list[tuple[bytes, str, str]] = [
            (b'{"id":"x"', "", "SYNTAX"),
            (b"[1]", "", "TYPE"),
            (b'{"a":1,"a":2}', "", "DUPLICATE_MEMBER"),
            (b'{"a":NaN}', "", "NUMBER_NOT_FINITE"),
            (b'{"a":"\xff"}', "", "INVALID_UTF8"),
            (b'{"a":"\\ud800"}', "", "LONE_SURROGATE"),
            (b'{"id":"a b","a":1}', "/id", "ID_PATTERN"),
            (b'{"id":[],"a":1}', "/id", "TYPE"),
            (b'{"a":{}}', "", "FIELD_COUNT"),
            (b'{"fields":{"a":null}}', "/fields/a", "TYPE"),
            (b'{"fields":{"a":1},"b":2}', "/b", "UNKNOWN_MEMBER"),
            (b'{"id":"only"}', "", "FIELD_COUNT"),
            (b'{"a":"' + b"x" * MAX_LINE_BYTES + b'"}', "", "LINE_TOO_LONG"),
        ]
        good = [{"id": f"good{n}", "n": n} for n in range(len(bad) + 1)]
        data = lines(
            good[0], *(row for (line, _, _), after in zip(bad, good[1:], strict=True) for row in (line, after))
        )
        for size in (7_001, 65_536):
            report = await import_episodes(runtime, scope, cut(data, size), form=JSONL)
            assert report.accepted == len(good)
            assert [(each.line, each.pointer, each.code) for each in report.rejected] == [
                (2 * index + 2, pointer, code) for index, (_, pointer, code) in enumerate(bad)
            ]
            assert report.next_line == 2 * len(bad) + 2
        assert stored(runtime, scope).keys() == {row["id"] for row in good}

    async def test_however_the_bytes_are_cut_the_same_is_stored(self, runtime: Runtime, scope: Scope) -> None:
        rows = [{"id": f"e{n}", "text": "x" + "ä€😀\\n" * (n % 5), "n": n} for n in range(60)]
        data = b"\xef\xbb\xbf" + lines(*rows).replace(b"\n", b"\r\n\n", 7).removesuffix(b"\n")
        for size in (1, 2, 13, 1000):
            report = await import_episodes(runtime, scope, cut(data, size), form=JSONL)
            assert (report.accepted, report.rejected_total) == (60, 0), size
        assert stored(runtime, scope) == {row["id"]: {k: v for k, v in row.items() if k != "id"} for row in rows}

    async def test_the_later_of_two_rows_with_one_id_stands(self, runtime: Runtime, scope: Scope) -> None:
        report = await import_episodes(
            runtime, scope, cut(lines({"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "a", "n": 3})), form=JSONL
        )
        assert report.accepted == 3
        assert stored(runtime, scope) == {"a": {"n": 3}, "b": {"n": 2}}

    async def test_an_empty_body_is_an_empty_import(self, runtime: Runtime, scope: Scope) -> None:
        report = await import_episodes(runtime, scope, cut(b""), form=JSONL)
        assert (report.accepted, report.rejected_total, report.next_line) == (0, 0, 1)

    async def test_only_the_first_thousand_rejections_are_listed(self, runtime: Runtime, scope: Scope) -> None:
        report = await import_episodes(runtime, scope, cut(b"x\n" * 2500), form=JSONL)
        assert (len(report.rejected), report.rejected_total, report.next_line) == (1000, 2500, 2501)

    async def test_blocks_are_bounded_whatever_the_lines_are(self) -> None:
        data = (b"x" * 100_000 + b"\n") * 100
        blocks = [block async for block in read_lines(cut(data))]
        assert sum(len(block.rows) for block in blocks) == 100
        assert max(sum(map(len, block.rows)) for block in blocks) < 5 * 1024 * 1024
        assert [block.first_line for block in blocks] == [1, 42 + 1, 2 * 42 + 1][: len(blocks)]


class TestResuming:
    async def test_a_cut_import_resumes_where_the_report_says(self, runtime: Runtime, scope: Scope) -> None:
        rows = [{"id": f"e{n}", "n": n} for n in range(4500)]
        data = lines(*rows)

        async def broken() -> AsyncIterator[bytes]:
            async for chunk in cut(data[: len(data) // 2], 10_000):
                yield chunk
            raise DeadlineExceeded("The body did not arrive in time.")

        with pytest.raises(DeadlineExceeded) as failed:
            await import_episodes(runtime, scope, broken(), form=JSONL)
        progress = failed.value.context
        assert progress["next_line"] == progress["accepted"] + 1 == len(stored(runtime, scope)) + 1
        assert progress["accepted"] > 0
        report = await import_episodes(runtime, scope, cut(data), form=JSONL, start_line=progress["next_line"])
        assert report.accepted == 4500 - progress["accepted"]
        assert len(stored(runtime, scope)) == 4500

    async def test_a_refused_chunk_reports_what_is_durable(
        self, runtime: Runtime, scope: Scope, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit = runtime.store.commit
        calls = 0

        async def full_after_two(*given: Any, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > 2:
                raise StorageFull("The disk is full.")
            return await commit(*given, **more)

        monkeypatch.setattr(runtime.store, "commit", full_after_two)
        with pytest.raises(StorageFull) as failed:
            await import_episodes(runtime, scope, cut(lines(*({"n": n} for n in range(5000)))), form=JSONL)
        durable = len(stored(runtime, scope))  # two commits, each of as many chunks as were ready for it
        assert durable >= 2000
        assert durable % 1000 == 0
        assert failed.value.context == {"accepted": durable, "rejected_total": 0, "next_line": durable + 1}

    async def test_chunks_that_wait_for_one_flush_are_stored_as_one(
        self, runtime: Runtime, scope: Scope, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit, sizes, may_go = runtime.store.commit, list[int](), asyncio.Event()

        async def slow(uid: int, writes: Any, **more: Any) -> Any:
            sizes.append(len(writes))
            if len(sizes) == 1:
                await may_go.wait()
            return await commit(uid, writes, **more)

        async def sent() -> AsyncIterator[bytes]:
            for n in range(3):
                yield lines(*({"n": 1000 * n + each} for each in range(1000)))
            may_go.set()
            yield lines({"n": -1})

        monkeypatch.setattr(runtime.store, "commit", slow)
        report = await import_episodes(runtime, scope, sent(), form=JSONL)
        assert sizes[0] == 1000
        assert sum(sizes) == report.accepted == len(stored(runtime, scope)) == 3001
        assert len(sizes) < 4

    async def test_a_cancelled_import_leaves_whole_chunks(self, runtime: Runtime, scope: Scope) -> None:
        has_come = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(5):
                yield lines(*({"n": n} for n in range(500)))
            has_come.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(import_episodes(runtime, scope, endless(), form=JSONL))
        await has_come.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(stored(runtime, scope)) % 1000 == 0

    async def test_repeating_with_the_same_key_stores_nothing_twice(self, runtime: Runtime, scope: Scope) -> None:
        data = lines(*({"n": n} for n in range(2300)))  # without ids: only the key can tell
        first = await import_episodes(runtime, scope, cut(data), form=JSONL, idempotency_key="k")
        again = await import_episodes(runtime, scope, cut(data, 999), form=JSONL, idempotency_key="k")
        assert first == again
        assert len(stored(runtime, scope)) == 2300
        with pytest.raises(Conflict):
            await import_episodes(runtime, scope, cut(lines({"n": 1})), form=JSONL, idempotency_key="k")

    async def test_the_limit_of_the_space_stops_an_import_with_its_progress(
        self, runtime: Runtime, scope: Scope
    ) -> None:
        data = lines(*({"id": f"e{n}", "n": n} for n in range(5001)))
        with pytest.raises(Conflict) as refused:
            await import_episodes(runtime, scope, cut(data), form=JSONL)
        assert refused.value.code == "EPISODE_LIMIT"
        assert refused.value.context["next_line"] == 5001
        again = await import_episodes(
            runtime, scope, cut(lines(*({"id": f"e{n}", "n": 0} for n in range(5000)))), form=JSONL
        )
        assert again.accepted == 5000


class TestItems:
    async def test_objects_and_episode_inputs_are_taken(self, runtime: Runtime, scope: Scope) -> None:
        report = await import_episodes(
            runtime, scope, [{"fields": {"a": 1}, "id": "x"}, EpisodeInput({"a": 2}, "y"), "no object"]
        )
        assert report.accepted == 2
        assert [(each.line, each.code) for each in report.rejected] == [(3, "TYPE")]

    async def test_a_stream_of_episode_inputs_is_taken(self, runtime: Runtime, scope: Scope) -> None:
        async def messages() -> AsyncIterator[EpisodeInput]:
            for n in range(1500):
                yield EpisodeInput({"n": n}, f"e{n}")

        assert (await import_episodes(runtime, scope, messages())).accepted == 1500

    async def test_the_first_vector_sets_the_length_and_others_are_rejected(
        self, runtime: Runtime, scope: Scope
    ) -> None:
        report = await import_episodes(
            runtime, scope, [{"fields": {"a": 1}, "embedding": [1.0] * length} for length in (3, 3, 4, 3)]
        )
        assert (report.accepted, [(each.line, each.pointer, each.code) for each in report.rejected]) == (
            3,
            [(3, "/embedding", "DIMENSION")],
        )
        assert runtime.memories.space(scope).embedding_dimensions == 3

    async def test_a_vector_that_another_worker_wrote_meanwhile_decides(
        self, runtime: Runtime, scope: Scope, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit = runtime.store.commit
        uid = runtime.memories.space(scope).uid
        once = iter([True])

        async def overtaken(*given: Any, **more: Any) -> Any:
            if next(once, False):
                from recollect.service.admission import admit

                other = EpisodeInput({"a": 0}, embedding=struct.pack("<2f", 1, 2))
                await commit(uid, [admit(other, "other", None)])
            return await commit(*given, **more)

        monkeypatch.setattr(runtime.store, "commit", overtaken)
        report = await import_episodes(
            runtime, scope, [{"fields": {"a": 1}, "embedding": [1.0, 2.0, 3.0]}, {"fields": {"a": 2}}]
        )
        assert report.accepted == 1
        assert [(each.line, each.code) for each in report.rejected] == [(1, "DIMENSION")]

    async def test_types_are_inferred_and_declared_ones_kept(self, runtime: Runtime) -> None:
        scope = Scope("typed")
        await put_space(runtime, scope, SpaceDraft(schema={"zip": FieldType.CATEGORY}))
        choose = random.Random(3)
        rows = [
            {
                "when": f"2026-03-{n % 28 + 1:02}",
                "n": n,
                "ok": n % 2 == 0,
                "city": choose.choice("abc"),
                "tags": ["x"],
                "note": "a rather long remark that nobody repeats, number " + str(n),
                "zip": n,
            }
            for n in range(300)
        ]
        report = await import_episodes(runtime, scope, [*rows, {"rare": 1.5}])
        assert report.field_types == {
            "when": FieldType.TIME,
            "n": FieldType.NUMBER,
            "ok": FieldType.BOOLEAN,
            "city": FieldType.CATEGORY,
            "tags": FieldType.LIST,
            "note": FieldType.TEXT,
            "zip": FieldType.CATEGORY,
            "rare": FieldType.NUMBER,
        }


class TestTables:
    async def test_columns_become_members_and_fields(self, runtime: Runtime, scope: Scope) -> None:
        data = (
            b"id,what,n,zip,ok,occurred_at,origin,embedding_b64\r\n"
            b'a,"walk, slowly",3,007,true,2026-03-04T08:00:00Z,observed,AAAAPwAAgD8=\r\n'
            b'b,"two\nlines ""quoted""",-2.50,12,TRUE,,,\r\n'
            b"\r\n"
            b"c,,1e3,,false,,reconstructed,\n"
        )
        for size in (1, 5, 1000):
            report = await import_episodes(runtime, scope, cut(data, size), form=CSV)
            assert (report.accepted, report.rejected, report.next_line) == (3, (), 7), size
        assert stored(runtime, scope) == {
            "a": {"what": "walk, slowly", "n": 3, "zip": "007", "ok": True},
            "b": {"what": 'two\nlines "quoted"', "n": -2.5, "zip": "12", "ok": True},
            "c": {"n": 1000.0, "ok": False},
        }
        found = runtime.store.get_episode(runtime.memories.space(scope).uid, "a")
        assert found is not None
        assert found.embedding == struct.pack("<2f", 0.5, 1)

    async def test_the_schema_keeps_a_column_as_text(self, runtime: Runtime) -> None:
        scope = Scope("typed")
        await put_space(runtime, scope, SpaceDraft(schema={"zip": FieldType.CATEGORY}))
        await import_episodes(runtime, scope, cut(b"id,zip,n\na,12,12\n"), form=CSV)
        assert stored(runtime, scope) == {"a": {"zip": "12", "n": 12}}

    async def test_bad_records_are_named_and_cost_no_good_ones(self, runtime: Runtime, scope: Scope) -> None:
        data = (
            b"id,a,b\n"  # 1
            b"ok1,1,2\n"
            b"short,1\n"  # 3
            b"long,1,2,3\n"  # 4
            b"ok2,1,2\n"
            b"utf8,\xff,2\n"  # 6
            b"n u l,1,2\n"  # 7: an id with spaces
            b"nul,\x00,2\n"  # 8
            b'half,"1"x,2\n'  # 9
            b"ok3,1,2\n"
            b'open,"1,2\n'  # 11: the quote never closes
            b"ok4,1,2\n"
            b"ok5,1,2"
        )
        plan = ImportPlan(TableOptions(encoding="utf-8"))
        report = await import_episodes(runtime, scope, cut(data, 11), form=CSV, plan=plan)
        assert [(each.line, each.code) for each in report.rejected] == [
            (3, "CELL_COUNT"),
            (4, "CELL_COUNT"),
            (6, "INVALID_TEXT"),
            (7, "ID_PATTERN"),
            (8, "NUL_CHARACTER"),
            (9, "CSV_SYNTAX"),
            (11, "CSV_QUOTE"),
        ]
        assert stored(runtime, scope).keys() == {"ok1", "ok2", "ok3", "ok4", "ok5"}
        assert report.next_line == 14

    async def test_a_quote_that_swallows_too_much_is_given_up(self, runtime: Runtime, scope: Scope) -> None:
        row = b"%d," + b"x" * 1000 + b"\n"
        data = b'id,a\nbad,"oops\n' + b"".join(row % n for n in range(2500))
        report = await import_episodes(runtime, scope, cut(data), form=CSV)
        assert report.accepted == 2500
        assert [(each.line, each.code) for each in report.rejected] == [(2, "CSV_QUOTE")]

    async def test_resuming_counts_physical_lines(self, runtime: Runtime, scope: Scope) -> None:
        data = b'id,a\ne1,"x\ny"\ne2,2\ne3,3\n'
        report = await import_episodes(runtime, scope, cut(data), form=CSV, start_line=4)
        assert report.accepted == 2
        assert stored(runtime, scope).keys() == {"e2", "e3"}

    @pytest.mark.parametrize("header", [b"", b"\n\n", b",,\n\n", b'"a\n'])
    async def test_a_header_that_cannot_be_used_is_refused(self, runtime: Runtime, scope: Scope, header: bytes) -> None:
        with pytest.raises(InvalidRequest) as refused:
            await import_episodes(runtime, scope, cut(header), form=CSV)
        assert refused.value.code == "CSV_HEADER"


async def test_a_data_set_is_imported_whole(runtime: Runtime, scope: Scope) -> None:
    data = VISITS.read_bytes()
    report = await import_episodes(runtime, scope, cut(data, 777), form=JSONL)
    expected = {}
    for line in data.splitlines():
        row = orjson.loads(line)
        expected[row.pop("id")] = row
    assert (report.accepted, report.rejected_total) == (len(expected), 0)
    assert stored(runtime, scope) == expected


ODD_LINES = (
    b'{"a":1,"a":2}',
    b'{"a":"\\u0000"}',
    b'{"a":12345678901234567890}',
    b'{"a":1e999}',
    b'{"a":"12:30","b":"x:y"}',
    b'{"a":[1,2],"b":null}',
    b'{"fields":{"a":1}}',
    b'{"fields":1}',
    b'{"id":7,"a":true}',
    b'{"id":1.5,"a":1}',
    b'{"id":"no good","a":1}',
    b'{"id":"","a":"x"}',
    b'{"occurred_at":"2025-01-01T00:00:00Z","a":1}',
    b'{"origin":"Oslo","a":2}',
    b'{"a":"  ","b":"\xe2\x80\x8b","c":3}',
    b'{"a":null}',
    b"{}",
    b"",
    b'{"a":1},{"b":2}',
    b'{"a":"x"',
    b'"b":2}',
    b"[1]",
    b'{"a":{"b":1}}',
    b'{"a":1.0,"b":"\\ud83d\\ude00"}',
    b'{"a":"\\ud83d"}',
    b'{"":1}',
    b'{"a":9007199254740993,"b":-0.0}',
    b'{"a":"' + b"x" * 32_769 + b'"}',
)


@pytest.mark.parametrize("seed", range(12))
async def test_plain_objects_are_read_together_as_they_are_one_by_one(runtime: Runtime, seed: int) -> None:
    rng = random.Random(seed)
    odd = [rng.choice(ODD_LINES) for _ in range(rng.choice([0, 3, 30]))]
    plain = [{"id": f"e{n}", "a": rng.choice(["x", "Y", " z", "", None, 2, 2.0, True]), "b": n} for n in range(30)]
    content = [*odd, *map(orjson.dumps, plain), *(orjson.dumps({"b": n, "a": "x"}) for n in range(9))]
    rng.shuffle(content)
    found = []
    for name, key in (("together", None), ("singly", "k")):  # with a key each is read by itself, for its digest
        scope = Scope(name)
        await put_space(runtime, scope, SpaceDraft(missing_values=("Y",)))
        source = cut(b"\n".join(content))
        report = await import_episodes(
            runtime, scope, source, form=JSONL, plan=ImportPlan(name="f"), idempotency_key=key
        )
        uid = runtime.memories.space(scope).uid
        documents = [orjson.loads(each.document) for each in runtime.store.iterate_episodes(uid)]
        assert report.table is not None
        # Which value is shown as the example, and which column first, is not promised.
        columns = sorted((replace(each, sample=None) for each in report.table.columns), key=lambda each: each.column)
        counted = replace(report, table=replace(report.table, columns=tuple(columns)))
        found.append((counted, [(each["id"], each["fields"], list(each["fields"])) for each in documents]))
    assert found[0] == found[1]


TABLE_FILES = VISITS.parent / "tables"


async def test_blank_texts_and_nulls_of_json_lines_are_gaps(runtime: Runtime, scope: Scope) -> None:
    content = (TABLE_FILES / "lines.ndjson").read_bytes()
    report = await import_episodes(runtime, scope, cut(content), form=ImportFormat.FILE)
    assert report.table is not None
    assert {each.column: each.missing for each in report.table.columns} == {"id": 0, "a": 1, "b": 1}
    assert stored(runtime, scope) == {"1": {"a": "x"}, "2": {"b": 3}}


async def test_repeated_ids_are_counted_as_what_they_are(runtime: Runtime, scope: Scope) -> None:
    content = (TABLE_FILES / "repeated_ids.csv").read_bytes()
    preview = await import_episodes(runtime, scope, cut(content), form=CSV, plan=ImportPlan(preview=True))
    report = await import_episodes(runtime, scope, cut(content), form=CSV)
    for each in (preview, report):
        assert (each.records, each.new, each.replaced, each.duplicate) == (4, 2, 1, 1)
    assert preview.preview
    assert stored(runtime, scope) == {"1": {"city": "Oslo"}, "2": {"city": "Rome"}}


async def test_a_file_that_is_sent_again_stores_nothing_twice(runtime: Runtime, scope: Scope) -> None:
    content = (TABLE_FILES / "sizes_inch_marks.csv").read_bytes()
    first = await import_episodes(runtime, scope, cut(content), form=CSV)
    again = await import_episodes(runtime, scope, cut(content), form=CSV)
    assert (first.accepted, first.rejected_total, first.new) == (1003, 0, 1003)
    assert (again.new, again.duplicate, again.revision) == (0, 1003, first.revision)


async def test_codes_join_a_space_that_holds_texts_as_texts(runtime: Runtime, scope: Scope) -> None:
    await import_episodes(runtime, scope, cut((TABLE_FILES / "codes.csv").read_bytes()), form=CSV)
    await import_episodes(runtime, scope, cut(b"id,name,zip\nx,E,93650\n"), form=CSV)
    assert stored(runtime, scope)["x"] == {"name": "E", "zip": "93650"}
