"""Cursors: where a listing goes on, opaque to the caller and bound to the listing it came from.

A cursor carries numbers or a name and a checksum over them and over what it is bound
to (this life of the space, the filter).
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from recollect.errors import InvalidRequest, Violation

_SUM_BYTES = 8
_MAX_LENGTH = 512


def seal(position: str, bound_to: str) -> str:
    """A cursor for `position`."""
    data = position.encode()
    return base64.urlsafe_b64encode(_checksum(data, bound_to) + data).decode().rstrip("=")


def unseal(cursor: str, bound_to: str) -> str:
    """The position; raises InvalidRequest (STALE_CURSOR) for a cursor that is broken or of another listing."""
    try:
        if len(cursor) > _MAX_LENGTH or not cursor.isascii():
            raise ValueError
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        checksum, position = data[:_SUM_BYTES], data[_SUM_BYTES:]
        if checksum != _checksum(position, bound_to):
            raise ValueError
        return position.decode()
    except (ValueError, binascii.Error):
        violation = Violation(
            "/query/cursor", "STALE_CURSOR", "a next_cursor of this listing", f"{len(cursor)} characters"
        )
        raise InvalidRequest(
            "The cursor does not belong to this listing: its space or filter is another one. Start without a cursor.",
            code="STALE_CURSOR",
            violations=(violation,),
        ) from None


def _checksum(data: bytes, bound_to: str) -> bytes:
    return hashlib.blake2b(data, digest_size=_SUM_BYTES, key=hashlib.sha256(bound_to.encode()).digest()).digest()
