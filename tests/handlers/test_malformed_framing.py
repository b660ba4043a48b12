"""The malformed corpus, continued: what only exists as bytes on a wire, sent to a real server."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.cli.conftest import start, stop

HOST = b"Host: 127.0.0.1\r\n"
SPACE = b"X-Memory-Space: demo\r\n"
JSON = b"Content-Type: application/json\r\n"
BODY = b'{"partial_episode":{"known_fields":{"what":"breakfast"}}}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
POST = b"POST /api/v1/complete HTTP/1.1\r\n"
HEAD = POST + HOST + SPACE + JSON
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
BODY_TIMEOUT_S = 1.0

FRAMES = [
    ("a sound request", HEAD + LENGTH + b"\r\n" + BODY, 200),
    ("a sound request in chunks", HEAD + CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY), 200),
    ("no host", POST + SPACE + JSON + LENGTH + b"\r\n" + BODY, 400),
    ("two hosts", HEAD + HOST + LENGTH + b"\r\n" + BODY, 400),
    ("two spaces", HEAD + SPACE + LENGTH + b"\r\n" + BODY, 400),
    ("two media types", HEAD + JSON + LENGTH + b"\r\n" + BODY, 400),
    ("two lengths", HEAD + LENGTH + b"Content-Length: 3\r\n\r\n" + BODY, 400),
    ("the same length twice", HEAD + LENGTH + LENGTH + b"\r\n" + BODY, 400),
    ("a length and chunks", HEAD + LENGTH + CHUNKED + b"0\r\n\r\n", 400),
    ("a negative length", HEAD + b"Content-Length: -1\r\n\r\n" + BODY, 400),
    ("a signed length", HEAD + b"Content-Length: +57\r\n\r\n" + BODY, 400),
    ("a huge length", HEAD + b"Content-Length: 99999999999999999999\r\n\r\n" + BODY, 413),
    ("a chunk size that is none", HEAD + CHUNKED + b"zz\r\n\r\n", 400),
    ("another coding", HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    ("a coding nobody knows", HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    ("a folded header", HEAD + LENGTH + b"X-Folded: a\r\n b\r\n\r\n" + BODY, 400),
    ("a space before the colon", HEAD + LENGTH + b"X-Spaced : a\r\n\r\n" + BODY, 400),
    ("a NUL in a header", HEAD + LENGTH + b"X-Nul: a\0b\r\n\r\n" + BODY, 400),
    ("an underscore for a hyphen", POST + HOST + JSON + b"X_Memory_Space: demo\r\n" + LENGTH + b"\r\n" + BODY, 400),
    ("lines without carriage return", b"GET /livez HTTP/1.1\nHost: 127.0.0.1\n\n", 400),
    ("no request line", b"GARBAGE\r\n\r\n", 400),
    ("a method in lower case", b"get /livez HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a version that is none", b"GET /livez HTTP/3.7\r\n" + HOST + b"\r\n", 400),
    ("the HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ("a WebSocket", b"GET /api/v1/complete HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
     b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", 405),
    ("a length that is no number", HEAD + b"Content-Length: plaintext\r\n\r\n" + BODY, 400),
    ("a probe in HTTP/1.0", b"GET /readyz HTTP/1.0\r\n\r\n", 200),
    ("a probe without a host", b"GET /readyz HTTP/1.1\r\n\r\n", 200),
    ("a life sign in HTTP/1.0", b"HEAD /livez HTTP/1.0\r\n\r\n", 200),
    ("a balancer's first question", b"OPTIONS / HTTP/1.0\r\n\r\n", 204),
    ("an operation in HTTP/1.0 without a host", b"GET /api/v1/version HTTP/1.0\r\n\r\n", 400),
    ("a page without a host", b"GET /docs HTTP/1.1\r\n\r\n", 400),
    ("a long request line", b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    ("many headers", HEAD + LENGTH + b"".join(b"X-%d: a\r\n" % n for n in range(120)) + b"\r\n" + BODY, 431),
    ("very many headers", HEAD + LENGTH + b"".join(b"X-%d: a\r\n" % n for n in range(400)) + b"\r\n" + BODY, 431),
    ("a large header", HEAD + LENGTH + b"X-Large: " + b"a" * 40_000 + b"\r\n\r\n" + BODY, 431),
    ("a tunnel", b"CONNECT example.com:443 HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("a broken escape", b"GET /api/v1/%zz HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    ("an escaped byte that is no text", b"GET /api/v1/episodes/%ff HTTP/1.1\r\n" + HOST + SPACE + b"\r\n", 400),
    ("an escaped NUL", b"GET /api/v1/episodes/%00 HTTP/1.1\r\n" + HOST + SPACE + b"\r\n", 400),
    ("a body that does not come", HEAD + b"Content-Length: 500\r\n\r\n" + BODY, 504),
]  # fmt: skip


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    served = start(tmp_path_factory.mktemp("served"), RECOLLECT_BODY_TIMEOUT_S=str(BODY_TIMEOUT_S))
    yield int(served.url.rpartition(":")[2])
    stop(served)


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "status"), [frame[1:] for frame in FRAMES], ids=[frame[0] for frame in FRAMES])
def test_a_frame_has_its_status(port: int, sent: bytes, status: int) -> None:
    reply = exchange(port, sent)
    assert reply.startswith(b"HTTP/1."), reply
    assert int(reply.split(b" ", 2)[1]) == status, reply
    head, _, body = reply.partition(b"\r\n\r\n")
    headers = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert {b"x-request-id", b"vary", b"cache-control"} <= headers.keys()
    for echoed in (b"plaintext", b"xchunked", b"x-spaced", b"garbage", b"breakfast"):
        assert status == 200 or echoed not in reply.lower(), "a refusal repeats what was sent"
    if status >= 400:
        problem = json.loads(body)
        assert headers[b"content-type"] == b"application/problem+json"
        assert problem["status"] == status
        assert problem["request_id"].encode() == headers[b"x-request-id"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "trickled"),
    [(b"", b""), (b"GET /livez HTTP/1.1\r\nX-Slow: ", b"a"), (HEAD, b"")],
    ids=["idle", "slow", "stuck"],
)
def test_a_client_that_does_not_finish_its_head_is_cut(port: int, sent: bytes, trickled: bytes) -> None:
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(sent)
        connection.settimeout(0.2)
        while time.monotonic() - begun < BODY_TIMEOUT_S + 15:
            try:
                if connection.recv(1024) == b"":
                    break
            except TimeoutError:
                connection.sendall(trickled)
            except ConnectionError:
                break
        else:
            pytest.fail("the connection is still open")


def exchange(port: int, sent: bytes) -> bytes:
    """What the server says until it has said all or closes."""
    received = b""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(20)
        try:
            connection.sendall(sent)
            while part := connection.recv(65_536):
                received += part
                head, _, body = received.partition(b"\r\n\r\n")
                lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if lengths and len(body) >= int(lengths[0].partition(b":")[2]):
                    break
        except ConnectionError:
            pass  # it answered and cut us off before it had read all
    return received
