"""The malformed corpus: every input here has exactly one status, none is a fault of the service.

Grouped as the guard meets them. What only exists as bytes on a wire is in
`test_malformed_framing.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.handlers.conftest import BREAKFAST, JSON, SPACE, Answer, Edge

COMPLETE = "/api/v1/complete"
NDJSON = ("content-type", "application/x-ndjson")
CSV = ("content-type", "text/csv")
CLAIM = "malformed-corpus-marker"  # stands where a value stands: no refusal may repeat it


def known(value: str) -> bytes:
    """A completion request whose only known field has this JSON text as its value."""
    return b'{"partial_episode":{"known_fields":{"what":%b}}}' % value.encode()


@dataclass(frozen=True)
class Case:
    """One input and what must come back."""

    name: str
    status: int
    code: str
    body: bytes | tuple[bytes, ...] = BREAKFAST
    headers: tuple[tuple[str, str | bytes], ...] = (JSON, SPACE)
    method: str = "POST"
    target: str = COMPLETE
    violation: str | None = None
    host: tuple[str, str] | None = ("host", "127.0.0.1")


def bad_json(name: str, body: bytes, violation: str) -> Case:
    return Case(name, 400, "MALFORMED_JSON", body, violation=violation)


def bad_shape(name: str, body: bytes, violation: str, target: str = COMPLETE) -> Case:
    return Case(name, 400, "SCHEMA_VIOLATION", body, target=target, violation=violation)


def bad_head(name: str, headers: tuple[tuple[str, str | bytes], ...], violation: str, **more: Any) -> Case:
    return Case(name, 400, "INVALID_HEADER", headers=headers, violation=violation, **more)


def bad_write(name: str, header: tuple[str, str], violation: str) -> Case:
    body, headers = b'{"fields":{"what":"breakfast"}}', (JSON, SPACE, header)
    return Case(name, 400, "SCHEMA_VIOLATION", body, headers, "PUT", "/api/v1/episodes/ep_1", violation)


ENCODING = [
    bad_json("a byte order mark", b"\xef\xbb\xbf" + BREAKFAST, "BYTE_ORDER_MARK"),
    bad_json("UTF-16 little-endian", BREAKFAST.decode().encode("utf-16"), "INVALID_UTF8"),
    bad_json("UTF-16 big-endian without a mark", BREAKFAST.decode().encode("utf-16-be"), "SYNTAX"),
    bad_json("UTF-32", BREAKFAST.decode().encode("utf-32"), "INVALID_UTF8"),
    bad_json("Latin-1 text", b'{"partial_episode":{"known_fields":{"what":"caf\xe9"}}}', "INVALID_UTF8"),
    bad_json("an overlong slash", b'{"partial_episode":{"known_fields":{"what":"\xc0\xaf"}}}', "INVALID_UTF8"),
    bad_json("an encoded surrogate", b'{"partial_episode":{"known_fields":{"what":"\xed\xa0\x80"}}}', "INVALID_UTF8"),
    bad_json(
        "a code point beyond Unicode",
        b'{"partial_episode":{"known_fields":{"what":"\xf4\x90\x80\x80"}}}',
        "INVALID_UTF8",
    ),
    bad_json("a sequence cut short", b'{"partial_episode":{"known_fields":{"what":"\xe2\x82"}}}', "INVALID_UTF8"),
    bad_json("a lone high surrogate", known(r'"\ud800"'), "LONE_SURROGATE"),
    bad_json("a lone low surrogate", known(r'"\udc00"'), "LONE_SURROGATE"),
    bad_json("surrogates in the wrong order", known(r'"\udc00\ud800"'), "LONE_SURROGATE"),
    bad_json("a lone surrogate in a name", b'{"\\ud800":1}', "LONE_SURROGATE"),
    bad_json("an escaped NUL", known(r'"a\u0000b"'), "NUL_CHARACTER"),
    bad_json("an escaped NUL in a name", b'{"partial_episode":{"known_fields":{"a\\u0000":1}}}', "NUL_CHARACTER"),
    bad_json("a raw NUL", known('"\0"'), "SYNTAX"),
    bad_json("a raw newline in a text", known('"a\nb"'), "SYNTAX"),
    bad_json("a form feed between tokens", b"\x0c" + BREAKFAST, "SYNTAX"),
    bad_json("a no-break space between tokens", "\u00a0".encode() + BREAKFAST, "SYNTAX"),
    bad_json("an escape that is none", known(r'"\x41"'), "SYNTAX"),
]
NUMBERS = [
    bad_json("NaN", known("NaN"), "NUMBER_NOT_FINITE"),
    bad_json("Infinity", known("Infinity"), "NUMBER_NOT_FINITE"),
    bad_json("minus Infinity", known("-Infinity"), "NUMBER_NOT_FINITE"),
    bad_json("a float beyond float64", known("1e400"), "NUMBER_NOT_FINITE"),
    bad_json("a negative float beyond float64", known("-1e400"), "NUMBER_NOT_FINITE"),
    bad_json("five thousand digits", known("9" * 5000), "NUMBER_NOT_FINITE"),
    bad_json("three hundred digits", known("9" * 300), "INTEGER_OUT_OF_RANGE"),
    bad_json("int64 + 1", known("9223372036854775808"), "INTEGER_OUT_OF_RANGE"),
    bad_json("uint64 + 1", known("18446744073709551616"), "INTEGER_OUT_OF_RANGE"),
    bad_json("-int64 - 1", known("-9223372036854775809"), "INTEGER_OUT_OF_RANGE"),
    bad_json("a large integer in a list", known("[1, 99999999999999999999]"), "INTEGER_OUT_OF_RANGE"),
    bad_json("a leading zero", known("01"), "SYNTAX"),
    bad_json("a leading plus", known("+1"), "SYNTAX"),
    bad_json("no digit before the point", known(".5"), "SYNTAX"),
    bad_json("no digit after the point", known("1."), "SYNTAX"),
    bad_json("hexadecimal", known("0x10"), "SYNTAX"),
    bad_json("an empty exponent", known("1e"), "SYNTAX"),
    bad_shape("a vector element beyond float32", b'{"partial_episode":{"partial_embedding":[1e39]}}', "TOO_LARGE"),
    bad_shape("a threshold above one", BREAKFAST[:-1] + b',"config":{"ca1_threshold":1.01}}', "TOO_LARGE"),
    bad_shape("a negative count", BREAKFAST[:-1] + b',"config":{"num_hypotheses":-1}}', "TOO_SMALL"),
    bad_shape("a count that is no integer", BREAKFAST[:-1] + b',"config":{"num_hypotheses":1.5}}', "TYPE"),
]
STRUCTURE = [
    bad_json("nothing", b" ", "BODY_EMPTY"),
    bad_json("half a document", BREAKFAST[:-2], "SYNTAX"),
    bad_json("two documents", BREAKFAST + BREAKFAST, "SYNTAX"),
    bad_json("a trailing comma", b'{"partial_episode":{},}', "SYNTAX"),
    bad_json("a comment", b"/* why */" + BREAKFAST, "SYNTAX"),
    bad_json("single quotes", b"{'partial_episode':{}}", "SYNTAX"),
    bad_json("a bare name", b"{partial_episode:{}}", "SYNTAX"),
    bad_json("a duplicate member at the root", b'{"partial_episode":{},"partial_episode":{}}', "DUPLICATE_MEMBER"),
    bad_json("a duplicate member inside", b'{"partial_episode":{"known_fields":{"a":1,"a":2}}}', "DUPLICATE_MEMBER"),
    bad_json("a duplicate by escape", b'{"partial_episode":{"known_fields":{"a":1,"\\u0061":1}}}', "DUPLICATE_MEMBER"),
    bad_json("a duplicate beside a colon in a text", b'{"a":":","b":1,"b":1}', "DUPLICATE_MEMBER"),
    bad_json("a duplicate in a mixed list", b'{"targets":[1,{"a":1,"a":1}]}', "DUPLICATE_MEMBER"),
    bad_json("33 lists", known("[" * 30 + "]" * 30), "TOO_DEEP"),
    bad_json("33 objects", b'{"a":' * 33 + b"1" + b"}" * 33, "TOO_DEEP"),
    bad_json("a thousand lists", b"[" * 1000 + b"]" * 1000, "TOO_DEEP"),
    bad_json("forty thousand lists", b"[" * 40_000 + b"]" * 40_000, "TOO_DEEP"),
    bad_json("forty thousand lists left open", b"[" * 40_000, "TOO_DEEP"),
    bad_shape("a list at the root", b"[]", "TYPE"),
    bad_shape("null at the root", b"null", "TYPE"),
    bad_shape("a text at the root", b'"breakfast"', "TYPE"),
    bad_shape("no partial episode", b"{}", "MISSING_MEMBER"),
    bad_shape("an unknown member", BREAKFAST[:-1] + b',"verbose":true}', "UNKNOWN_MEMBER"),
    bad_shape("an unknown member inside", b'{"partial_episode":{"known_field":{"what":1}}}', "UNKNOWN_MEMBER"),
    bad_shape("a null field", known("null"), "EXCLUDED"),
    bad_shape("an object as a field", known('{"a":1}'), "EXCLUDED"),
    bad_shape("a list in a list", known("[[1]]"), "EXCLUDED"),
    bad_shape("a null in a list", known("[null]"), "EXCLUDED"),
    bad_shape(
        "both forms of a vector",
        b'{"partial_episode":{"partial_embedding":[1],"partial_embedding_b64":"AACAPwAA"}}',
        "EXCLUDED",
    ),
    bad_shape("a text for a number", b'{"partial_episode":{"partial_embedding":["%b"]}}' % CLAIM.encode(), "TYPE"),
    bad_shape("a boolean for a number", b'{"partial_episode":{"partial_embedding":[true]}}', "TYPE"),
    bad_shape("base64 with other characters", b'{"partial_episode":{"partial_embedding_b64":"@@@@@@@@"}}', "PATTERN"),
    bad_shape("base64 of half a number", b'{"partial_episode":{"partial_embedding_b64":"AAAAAAAA"}}', "FORMAT"),
    bad_shape(
        "base64 of NaN only", b'{"partial_episode":{"partial_embedding_b64":"AADAfwAAwH8AAMB/"}}', "UNKNOWN_DIMENSION"
    ),
    bad_shape("the same target twice", BREAKFAST[:-1] + b',"targets":["where","where"]}', "NOT_UNIQUE"),
]
SIZES = [
    Case("a body beyond the cap", 413, "TOO_LARGE", b'"' + b"a" * 100_000 + b'"'),
    Case(
        "a body beyond the cap in chunks",
        413,
        "TOO_LARGE",
        (b"a" * 60_000,) * 2,
        (JSON, SPACE, ("transfer-encoding", "chunked")),
    ),
    Case("an announced body beyond the cap", 413, "TOO_LARGE", headers=(JSON, SPACE, ("content-length", "100001"))),
    Case("a length of twenty digits", 413, "TOO_LARGE", headers=(JSON, SPACE, ("content-length", "9" * 20))),
    bad_head("a negative length", (JSON, SPACE, ("content-length", "-1")), "TYPE"),
    bad_head("a length with a sign", (JSON, SPACE, ("content-length", "+57")), "TYPE"),
    bad_shape("a long text", known('"' + "a" * 32_769 + '"'), "TOO_LONG"),
    bad_shape("a long list", known("[" + "1," * 1024 + "1]"), "TOO_MANY"),
    bad_shape(
        "many fields",
        b'{"partial_episode":{"known_fields":{%b}}}' % b",".join(b'"f%d":1' % n for n in range(257)),
        "TOO_MANY",
    ),
    bad_shape("a long vector", b'{"partial_episode":{"partial_embedding":[%b1]}}' % (b"1," * 4096), "TOO_MANY"),
    bad_shape("an empty vector", b'{"partial_episode":{"partial_embedding":[]}}', "TOO_FEW"),
    bad_shape("an empty batch", b'{"items":[]}', "TOO_FEW", "/api/v1/complete/batch"),
    bad_shape(
        "a batch too many", b'{"items":[%b]}' % b",".join([BREAKFAST] * 257), "TOO_MANY", "/api/v1/complete/batch"
    ),
    bad_shape(
        "ten thousand violations", b'{"partial_episode":{"partial_embedding":[%b"x"]}}' % (b'"x",' * 9_999), "TOO_MANY"
    ),
    Case("many headers", 431, "HEADERS_TOO_LARGE", headers=(JSON, SPACE, *((f"x-{n}", "a") for n in range(100)))),
    Case("a large header", 431, "HEADERS_TOO_LARGE", headers=(JSON, SPACE, ("x-large", "a" * 33_000))),
    Case("a large query", 431, "HEADERS_TOO_LARGE", target=f"{COMPLETE}?a={'a' * 33_000}"),
]
HEADERS = [
    bad_head("no space", (JSON,), "MISSING_HEADER"),
    bad_head("the space twice", (JSON, SPACE, SPACE), "REPEATED_HEADER"),
    bad_head("two spaces", (JSON, SPACE, ("x-memory-space", "other")), "REPEATED_HEADER"),
    bad_head("an empty space", (JSON, ("x-memory-space", "")), "PATTERN"),
    bad_head("a space with a capital", (JSON, ("x-memory-space", "Diary")), "PATTERN"),
    bad_head("a space with a comma", (JSON, ("x-memory-space", "diary, other")), "PATTERN"),
    bad_head("a space with a slash", (JSON, ("x-memory-space", "../diary")), "PATTERN"),
    bad_head("a space of 64 characters", (JSON, ("x-memory-space", "a" * 64)), "PATTERN"),
    bad_head("a space in Latin-1", (JSON, ("x-memory-space", b"di\xe4ry")), "PATTERN"),
    bad_head("a space with a newline", (JSON, ("x-memory-space", b"diary\n")), "PATTERN"),
    bad_head("no host", (JSON, SPACE), "MISSING_HEADER", host=None),
    bad_head("the host twice", (JSON, SPACE, ("host", "127.0.0.1")), "REPEATED_HEADER"),
    bad_head("the media type twice", (JSON, JSON, SPACE), "REPEATED_HEADER"),
    bad_head(
        "the key twice", (JSON, SPACE, ("authorization", "Bearer a"), ("authorization", "Bearer a")), "REPEATED_HEADER"
    ),
    bad_head("the length twice", (JSON, SPACE, ("content-length", "57"), ("content-length", "57")), "REPEATED_HEADER"),
    bad_head(
        "an idempotency key twice", (JSON, SPACE, ("idempotency-key", "a"), ("idempotency-key", "a")), "REPEATED_HEADER"
    ),
    Case("no media type", 415, "UNSUPPORTED_MEDIA_TYPE", headers=(SPACE,)),
    Case("plain text", 415, "UNSUPPORTED_MEDIA_TYPE", headers=(SPACE, ("content-type", "text/plain"))),
    Case(
        "a form", 415, "UNSUPPORTED_MEDIA_TYPE", headers=(SPACE, ("content-type", "application/x-www-form-urlencoded"))
    ),
    Case(
        "another JSON", 415, "UNSUPPORTED_MEDIA_TYPE", headers=(SPACE, ("content-type", "application/merge-patch+json"))
    ),
    Case("a stream where none is taken", 415, "UNSUPPORTED_MEDIA_TYPE", headers=(SPACE, NDJSON)),
    Case("a type that is none", 415, "UNSUPPORTED_MEDIA_TYPE", headers=(SPACE, ("content-type", ";;;"))),
    Case(
        "another charset",
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        headers=(SPACE, ("content-type", "application/json; charset=latin-1")),
    ),
    Case(
        "a charset that is none",
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        headers=(SPACE, ("content-type", "application/json; charset=nonsense")),
    ),
    Case("gzip", 415, "UNSUPPORTED_MEDIA_TYPE", headers=(JSON, SPACE, ("content-encoding", "gzip"))),
    Case(
        "an encoding that is none",
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        headers=(JSON, SPACE, ("content-encoding", "br, identity")),
    ),
    bad_head("another transfer coding", (JSON, SPACE, ("transfer-encoding", "gzip, chunked")), "ENUM"),
    Case("an answer in XML", 406, "NOT_ACCEPTABLE", headers=(JSON, SPACE, ("accept", "application/xml"))),
    Case("JSON refused", 406, "NOT_ACCEPTABLE", headers=(JSON, SPACE, ("accept", "application/json;q=0"))),
    Case("a key that is none", 401, "KEY_MALFORMED", headers=(JSON, SPACE, ("authorization", "Basic YTpi"))),
    Case("a key without text", 401, "KEY_MALFORMED", headers=(JSON, SPACE, ("authorization", "Bearer "))),
    Case("a key in Latin-1", 401, "KEY_MALFORMED", headers=(JSON, SPACE, ("authorization", b"Bearer k\xe9y"))),
    Case("a key that nobody made", 401, "KEY_INVALID", headers=(JSON, SPACE, ("authorization", f"Bearer {CLAIM}"))),
    bad_write("an unquoted entity tag", ("if-match", "1"), "PATTERN"),
    bad_write("an empty idempotency key", ("idempotency-key", ""), "TOO_SHORT"),
    bad_write("a long idempotency key", ("idempotency-key", "a" * 129), "TOO_LONG"),
]


def get(name: str, status: int, code: str, target: str, violation: str | None = None) -> Case:
    return Case(name, status, code, b"", (SPACE,), "GET", target, violation)


PATHS = [
    get("nowhere", 404, "ROUTE_NOT_FOUND", "/api/v1/nowhere"),
    get("a trailing slash", 404, "ROUTE_NOT_FOUND", "/api/v1/version/"),
    get("a doubled slash", 404, "ROUTE_NOT_FOUND", "/api//v1/version"),
    get("another case", 404, "ROUTE_NOT_FOUND", "/API/v1/version"),
    get("the base path alone", 404, "ROUTE_NOT_FOUND", "/api/v1"),
    get("a way up", 404, "ROUTE_NOT_FOUND", "/api/v1/../../etc/passwd"),
    get("a file that is not served", 404, "ROUTE_NOT_FOUND", "/docs/../pyproject.toml"),
    get("no id", 404, "ROUTE_NOT_FOUND", "/api/v1/episodes/"),
    get("a slash in an id", 404, "ROUTE_NOT_FOUND", "/api/v1/episodes/a/b"),
    get("an unknown id", 404, "EPISODE_NOT_FOUND", "/api/v1/episodes/nobody"),
    get("an id with a NUL", 400, "SCHEMA_VIOLATION", "/api/v1/episodes/a\0b", "PATTERN"),
    get("an id with a newline", 400, "SCHEMA_VIOLATION", "/api/v1/episodes/a\n", "PATTERN"),
    get("an id in Cyrillic", 400, "SCHEMA_VIOLATION", "/api/v1/episodes/ж", "PATTERN"),
    get("an id of 129 characters", 400, "SCHEMA_VIOLATION", "/api/v1/episodes/" + "a" * 129, "TOO_LONG"),
    get("a space id with a dot", 400, "SCHEMA_VIOLATION", "/api/v1/spaces/a.b", "PATTERN"),
    get("an unknown space", 404, "SPACE_NOT_FOUND", "/api/v1/spaces/nobody"),
    get("an unknown parameter", 400, "SCHEMA_VIOLATION", "/api/v1/episodes?limits=1", "UNKNOWN_MEMBER"),
    get("a parameter twice", 400, "SCHEMA_VIOLATION", "/api/v1/episodes?limit=1&limit=2", "REPEATED_PARAMETER"),
    get("a limit that is none", 400, "SCHEMA_VIOLATION", f"/api/v1/episodes?limit={CLAIM}", "TYPE"),
    get("a limit of zero", 400, "SCHEMA_VIOLATION", "/api/v1/episodes?limit=0", "TOO_SMALL"),
    get("a limit in other digits", 400, "SCHEMA_VIOLATION", "/api/v1/episodes?limit=%D9%A3", "TYPE"),
    get("a limit of twenty digits", 400, "SCHEMA_VIOLATION", "/api/v1/episodes?limit=" + "9" * 20, "TYPE"),
    get("a query that is no text", 400, "SCHEMA_VIOLATION", "/api/v1/episodes?limit=%ff", "QUERY"),
    get("a query with a NUL", 400, "SCHEMA_VIOLATION", "/api/v1/calibration?field=a%00", "QUERY"),
    get("a query without values", 400, "SCHEMA_VIOLATION", "/api/v1/episodes?limit", "QUERY"),
    get(
        "a hundred parameters",
        400,
        "SCHEMA_VIOLATION",
        "/api/v1/episodes?" + "&".join(f"a{n}=1" for n in range(100)),
        "QUERY",
    ),
    Case("a boolean that is none", 400, "SCHEMA_VIOLATION", target=f"{COMPLETE}?verbose=yes", violation="TYPE"),
    get(
        "a time without offset",
        400,
        "SCHEMA_VIOLATION",
        "/api/v1/episodes?occurred_after=2026-03-04T08:00:00",
        "TOO_SHORT",
    ),
    get(
        "a time that never was",
        400,
        "SCHEMA_VIOLATION",
        "/api/v1/episodes?occurred_after=2026-02-30T08:00:00Z",
        "FORMAT",
    ),
    Case("a method that the path does not take", 405, "METHOD_NOT_ALLOWED", b"", (SPACE,), "DELETE"),
    Case("a method nobody knows", 405, "METHOD_NOT_ALLOWED", b"", (), "BREW"),
    Case("a page that is written to", 405, "METHOD_NOT_ALLOWED", b"", (), "POST", "/docs"),
    Case("a body where none is taken", 400, "BODY_NOT_EXPECTED", BREAKFAST, (SPACE, JSON), "GET", "/api/v1/episodes"),
]
CURSORS = [
    get("a cursor that is none", 400, "STALE_CURSOR", "/api/v1/episodes?cursor=AAAA"),
    get("a cursor with a changed letter", 400, "STALE_CURSOR", "/api/v1/episodes?cursor=AAAAAAAAAAAxMDAsMQ"),
    get("a cursor with other characters", 400, "SCHEMA_VIOLATION", "/api/v1/episodes?cursor=%3D%3D", "PATTERN"),
    get("an empty cursor", 400, "SCHEMA_VIOLATION", "/api/v1/episodes?cursor=", "TOO_SHORT"),
    get("a cursor of 513 characters", 400, "SCHEMA_VIOLATION", "/api/v1/episodes?cursor=" + "a" * 513, "TOO_LONG"),
    get("a cursor of spaces that is none", 400, "STALE_CURSOR", "/api/v1/spaces?cursor=AAAA"),
]
IMPORTS = [
    Case("a CSV of nothing", 400, "CSV_HEADER", b"\n\n", (CSV, SPACE), target="/api/v1/imports"),
    Case(
        "a CSV whose header never closes", 400, "CSV_HEADER", b'"what,\na,b\n', (CSV, SPACE), target="/api/v1/imports"
    ),
    Case(
        "a table's column that is not there",
        400,
        "IMPORT_OPTIONS",
        b"what\na\n",
        (CSV, SPACE),
        target="/api/v1/imports?types=waht%3Dtext",
        violation="UNKNOWN_COLUMN",
    ),
    Case(
        "a table in an unknown encoding",
        400,
        "IMPORT_OPTIONS",
        b"what\na\n",
        (CSV, SPACE),
        target="/api/v1/imports?encoding=morse",
        violation="ENCODING",
    ),
    Case(
        "a table in a codec that is none of text",
        400,
        "IMPORT_OPTIONS",
        b"what\na\n",
        (CSV, SPACE),
        target="/api/v1/imports?encoding=base64",
        violation="ENCODING",
    ),
    Case(
        "a picture for a table",
        400,
        "UNREADABLE_FILE",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU",
        (CSV, SPACE),
        target="/api/v1/imports",
        violation="NO_TABLE",
    ),
    Case(
        "a document for a table",
        400,
        "UNREADABLE_FILE",
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
        (("content-type", "application/octet-stream"), SPACE),
        target="/api/v1/imports",
        violation="NO_TABLE",
    ),
    Case(
        "a cut archive",
        400,
        "UNREADABLE_FILE",
        b"\x1f\x8b\x08",
        (("content-type", "application/octet-stream"), SPACE),
        target="/api/v1/imports",
        violation="UNREADABLE_FILE",
    ),
    Case(
        "an import of no items", 400, "SCHEMA_VIOLATION", b'{"items":[]}', target="/api/v1/imports", violation="TOO_FEW"
    ),
    Case("a list as an import", 400, "SCHEMA_VIOLATION", b"[]", target="/api/v1/imports", violation="TYPE"),
    Case(
        "an import from line 0",
        400,
        "SCHEMA_VIOLATION",
        b"{}",
        (NDJSON, SPACE),
        target="/api/v1/imports?start_line=0",
        violation="TOO_SMALL",
    ),
    Case(
        "a compressed import",
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        b"{}",
        (NDJSON, SPACE, ("content-encoding", "gzip")),
        target="/api/v1/imports",
    ),
    Case(
        "an import in another charset",
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        b"{}",
        (("content-type", "text/csv; charset=cp1252"), SPACE),
        target="/api/v1/imports",
    ),
]
CASES = ENCODING + NUMBERS + STRUCTURE + SIZES + HEADERS + PATHS + CURSORS + IMPORTS

BAD_LINES = [
    (b'{"fields":{"what":1}', "SYNTAX"),
    (b'{"fields":{"what":NaN}}', "NUMBER_NOT_FINITE"),
    (b'{"fields":{"what":1,"what":2}}', "DUPLICATE_MEMBER"),
    (b'{"fields":{"what":"\\ud800"}}', "LONE_SURROGATE"),
    (b'{"fields":{"what":"\xff"}}', "INVALID_UTF8"),
    (b'{"fields":{"what":null}}', "TYPE"),
    (b'{"fields":{}}', "FIELD_COUNT"),
    (b"[]", "TYPE"),
    (b'{"fields":{"what":1},"extra":1}', "UNKNOWN_MEMBER"),
    (b"[" * 5_000, "TOO_DEEP"),
]


def test_the_corpus_has_a_hundred_inputs_with_names_of_their_own() -> None:
    assert len(CASES) + len(BAD_LINES) >= 110
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_malformed_request_is_refused_with_its_own_status(edge: Edge, case: Case) -> None:
    answer = edge.call(case.method, case.target, case.body, case.headers, host=case.host)
    assert answer.status == case.status, answer.body
    check_refusal(answer, case.code)
    if case.violation is not None:
        assert case.violation in {each["code"] for each in answer.json["errors"]}


@pytest.mark.parametrize(("line", "code"), BAD_LINES, ids=[code for _, code in BAD_LINES])
def test_a_malformed_line_of_an_import_is_reported_and_the_rest_is_taken(edge: Edge, line: bytes, code: str) -> None:
    good = b'{"id":"imported","fields":{"what":"breakfast","where":"kitchen"}}'
    answer = edge.call("POST", "/api/v1/imports", b"\n".join((good, line, good)), [NDJSON, SPACE])
    assert answer.status == 200, answer.body
    report = answer.json
    assert (report["accepted"], report["rejected_total"]) == (2, 1)
    assert [(each["line"], each["code"]) for each in report["rejected"]] == [(2, code)]


def check_refusal(answer: Answer, code: str) -> None:
    """What every refusal has: a small problem that names itself and repeats no value."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.body) <= 8_192
    assert CLAIM.encode() not in answer.body
    problem = answer.json
    assert problem["code"] == code
    assert problem["status"] == answer.status
    assert problem["type"].startswith("/problems/")
    assert problem["request_id"] == answer.headers["x-request-id"]
