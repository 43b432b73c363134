"""Pages of lists: opaque cursors, and entity tags."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from wiseflow.core.errors import InvalidInput
from wiseflow.core.ids import ALPHABET, LENGTH

_ID = re.compile(f"[{ALPHABET}]{{{LENGTH}}}\\Z")
_TAG = re.compile(r'(?:W/)?"[^"]*"')


def cursor_after(last_id: str) -> str:
    """The cursor of the page after the one that ends with an id."""
    return base64.urlsafe_b64encode(last_id.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """The id after which a page begins; "" for the first.

    Raises:
        InvalidInput: nobody gave out that cursor.
    """
    if not cursor:
        return ""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        found = ""
    if not _ID.match(found):
        raise InvalidInput("the cursor is none that was given out", cure="Begin without a cursor")
    return found


def tagged(request: Request, body: bytes, media_type: str) -> Response:
    """An answer with an entity tag; without its body where who asks has just this.

    Source: RFC 9110, 8.8.3 and 13.1.2.
    """
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    # Weak, as the same may be sent compressed.
    headers = {"ETag": f"W/{tag}", "Cache-Control": "private, no-cache"}
    asked = request.headers.get("if-none-match")
    if asked is not None:
        known = {one.removeprefix("W/") for one in _TAG.findall(asked)}
        if asked.strip() == "*" or tag in known:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
