"""The published corpus is the tested one, and a running server refuses all of it as published."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.contract.publish_malformed import FOLDER, files, unpack
from tests.contract.server import Server, serving

REQUESTS = [json.loads(line) for line in (FOLDER / "requests.jsonl").read_text("utf-8").splitlines()]
# A line break would end the header; what is then left of the request is among the frames.
SENDABLE = [row for row in REQUESTS if not re.search(r"[\r\n\0]", json.dumps(row["headers"], ensure_ascii=False))]
# The server in front takes shorter request lines than the application.
REFUSED_IN_FRONT = {"a large query": 414}
CODES_IN_FRONT = {400: ("MALFORMED_HTTP",), 431: ("TARGET_TOO_LONG",)}


def test_what_is_published_is_what_is_tested() -> None:
    for name, text in files().items():
        assert (FOLDER / name).read_text("utf-8") == text, "python -m tests.contract.publish_malformed"
    assert len(REQUESTS) >= 110
    assert all(unpack(row["body"]) is not None for row in REQUESTS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    variables = {"RECOLLECT_MAX_BODY_BYTES": "100000", "RECOLLECT_BODY_TIMEOUT_S": "1"}
    with serving(tmp_path_factory.mktemp("malformed"), **variables) as served:
        httpx.put(f"{served.api}/spaces/diary", json={}, timeout=60).raise_for_status()
        yield served


@pytest.mark.parametrize("row", SENDABLE, ids=[row["name"] for row in SENDABLE])
def test_a_running_server_refuses_it(row: dict[str, Any], server: Server) -> None:
    status, reply = exchange(server, row)
    assert status == REFUSED_IN_FRONT.get(row["name"], row["status"]), reply[:500]
    if reply:  # of what never reaches the guard, the parser says only that it is no HTTP
        assert json.loads(reply)["code"] in {row["code"], *CODES_IN_FRONT.get(row["status"], ())}
    else:
        assert row["method"] == "HEAD", "a refusal without a problem document"


def exchange(server: Server, row: dict[str, Any]) -> tuple[int, bytes]:
    """Send a request byte by byte as it is written down; the status and the problem document, if it is one."""
    path, mark, query = row["target"].partition("?")
    target = quote(path, safe="/.") + mark + quote(query, safe="=&%.:+_-")
    body = unpack(row["body"])
    headers = [f"{name}: {value}" for name, value in row["headers"]]
    if row["is_chunked"]:
        headers = [header for header in headers if not header.lower().startswith("transfer-encoding")]
        headers.append("Transfer-Encoding: chunked")
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    elif body and not any(name in {"content-length", "transfer-encoding"} for name, _ in row["headers"]):
        headers.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([f"{row['method']} {target} HTTP/1.1", *headers, "Connection: close", "", ""])
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        received = b""
        with suppress(OSError):  # refused before all of it was read
            connection.sendall(head.encode("latin-1") + body)
        with suppress(OSError):
            while part := connection.recv(65_536):
                received += part
    top, _, rest = received.partition(b"\r\n\r\n")
    is_problem = b"application/problem+json" in top and row["method"] != "HEAD"
    return int(top.split(b" ", 2)[1]), rest if is_problem else b""
