"""The answer to what the server's parser refuses: a problem like any other, with the headers of every reply.

It never holds the parser's own words, which may quote the request.
"""

from __future__ import annotations

from http import HTTPStatus

from handlers import problems
from handlers.exchange import ALWAYS
from handlers.framing import MAX_HEADER_BYTES, MAX_REQUEST_LINE, RequestIds
from recollect import telemetry
from recollect.errors import HeadersTooLarge, InvalidRequest, RecollectError, TooLarge, Unexpected

_request_ids = RequestIds()


def answer(status: int, root_path: str) -> bytes:
    """The whole reply to a request that the parser refused with this status."""
    error = refusal(status)
    request_id = _request_ids.name({})
    public = problems.document(error, request_id=request_id, root_path=root_path)
    body = problems.encode(public)
    headers = (
        (b"content-type", problems.MEDIA_TYPE.encode("ascii")),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"x-request-id", request_id.encode("ascii")),
        *ALWAYS,
        (b"connection", b"close"),
    )
    telemetry.metrics().observe_request("none", public["status"], 0.0, code=error.code)
    head = b"HTTP/1.1 %d %b\r\n" % (public["status"], HTTPStatus(public["status"]).phrase.encode("ascii"))
    return head + b"".join(b"%b: %b\r\n" % header for header in headers) + b"\r\n" + body


def refusal(status: int) -> RecollectError:
    """What a request is told that is no HTTP, by the status that the parser gives it."""
    if status == HTTPStatus.REQUEST_URI_TOO_LONG:
        return TooLarge(
            f"The request line is longer than {MAX_REQUEST_LINE} bytes.",
            code="TARGET_TOO_LONG",
            context={"limit_bytes": MAX_REQUEST_LINE},
        )
    if status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        return HeadersTooLarge(
            f"The request's head is larger than {MAX_HEADER_BYTES} bytes.", context={"limit_bytes": MAX_HEADER_BYTES}
        )
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return InvalidRequest(
            "The Transfer-Encoding names a coding that is not known here: expected chunked, or a Content-Length.",
            code="TRANSFER_CODING_UNKNOWN",
        )
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return InvalidRequest(
            "The request is not well-formed HTTP/1.1: its request line, a header or the framing of its body"
            " (one Content-Length of digits, or Transfer-Encoding: chunked, not both) is broken.",
            code="MALFORMED_HTTP",
        )
    return Unexpected("The service failed at this request.")
