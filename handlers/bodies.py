"""The request's body: which media type it may have, how large it may be, how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from typing import Any

from starlette.types import Receive

from recollect.errors import DeadlineExceeded, InvalidRequest, Suggestion, TooLarge, UnsupportedMediaType, Violation

JSON = "application/json"
FILE = "application/octet-stream"


class ClientGone(Exception):
    """The client closed the connection before its body was complete: nobody is left to answer."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a body may cost: bytes, and seconds until its last byte must have arrived."""

    max_bytes: int
    timeout_s: float


def media_type(headers: dict[bytes, bytes], accepted: tuple[str, ...]) -> str:
    """The body's media type, one of `accepted`; raises UnsupportedMediaType."""
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() != b"identity":
        raise _unsupported("The body must not have a Content-Encoding.", accepted, (_AS_IT_IS,))
    given = headers.get(b"content-type")
    if given is None:
        raise _unsupported(f"The body has no Content-Type; expected {' or '.join(accepted)}.", accepted)
    kind, charset = _parse_media_type(given)
    if kind not in accepted:
        raise _unsupported(f"The body's Content-Type is not taken here; expected {' or '.join(accepted)}.", accepted)
    if charset not in {"", "utf-8", "utf8"}:
        raise _unsupported("The body's charset is not taken here; expected utf-8.", accepted)
    return kind


def is_announced(headers: dict[bytes, bytes]) -> bool:
    """Whether the head announces a body."""
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


def declared_length(headers: dict[bytes, bytes], allowance: Allowance) -> int | None:
    """The Content-Length, if there is one; raises TooLarge before a byte of it is read."""
    text = headers.get(b"content-length")
    if text is None:
        return None
    if not text.isdigit():
        violation = Violation("/header/content-length", "TYPE", "digits", f"{len(text)} other characters")
        raise InvalidRequest("The Content-Length is not a number.", code="INVALID_HEADER", violations=(violation,))
    if len(text) > 18 or int(text) > allowance.max_bytes:
        raise _too_large(allowance, "Content-Length")
    return int(text)


async def chunks(receive: Receive, headers: dict[bytes, bytes], allowance: Allowance) -> AsyncIterator[bytes]:
    """The body as it arrives, under the cap and the absolute deadline."""
    declared_length(headers, allowance)
    size = 0
    deadline = asyncio.get_running_loop().time() + allowance.timeout_s
    while True:
        message = await _next(receive, deadline, allowance)
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > allowance.max_bytes:
            raise _too_large(allowance, "body")
        if chunk:
            yield chunk
        if not message.get("more_body", False):
            return


async def read(receive: Receive, headers: dict[bytes, bytes], allowance: Allowance) -> bytes:
    """The whole body."""
    parts = [chunk async for chunk in chunks(receive, headers, allowance)]
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _next(receive: Receive, deadline: float, allowance: Allowance) -> Any:
    try:
        async with asyncio.timeout_at(deadline):
            message = await receive()
    except TimeoutError:
        raise DeadlineExceeded(
            f"The body did not arrive within {allowance.timeout_s:g} s.",
            code="BODY_TIMEOUT",
            context={"timeout_s": allowance.timeout_s},
        ) from None
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message


@lru_cache(maxsize=256)
def _parse_media_type(value: bytes) -> tuple[str, str]:
    """Type/subtype and charset, both in lower case; parameters that are not charset do not count."""
    header = Message()
    header["Content-Type"] = value.decode("latin-1")
    kind = value.split(b";", 1)[0].strip().lower().decode("latin-1")
    charset = header.get_param("charset", "")
    return kind, charset.strip().lower() if isinstance(charset, str) else "?"


def as_file(accepted: tuple[str, ...]) -> tuple[Suggestion, ...]:
    """The advice to send a body as a file, of which is found out what it holds; none where no file is taken."""
    if FILE not in accepted:
        return ()
    message = f"Send a table as {FILE}: whether it is CSV, JSON or another kind is found out then."
    return (Suggestion("send_as_file", message, "maybe_incorrect", headers={"Content-Type": FILE}),)


_AS_IT_IS = Suggestion(
    "send_as_it_is",
    "Send the body unpacked and without a Content-Encoding.",
    "maybe_incorrect",
    headers={"Content-Encoding": "identity"},
)


def _unsupported(
    detail: str, accepted: tuple[str, ...], suggestions: tuple[Suggestion, ...] | None = None
) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        detail,
        context={"accepted": list(accepted)},
        suggestions=as_file(accepted) if suggestions is None else suggestions,
        headers={"Accept": ", ".join(accepted)},
    )


def _too_large(allowance: Allowance, what: str) -> TooLarge:
    return TooLarge(
        f"The {what} exceeds the limit of {allowance.max_bytes} bytes.", context={"limit_bytes": allowance.max_bytes}
    )
