"""Cursors of lists: the place after which a page begins, as a text that callers only hand back."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated, Final

from fastapi import Query

from slotsync.domain.messages import to_utc
from starter.api.problems import INVALID, ApiError

MAX_LIMIT: Final = 200
MAX_CURSOR_LENGTH: Final = 400
"""More than the cursor of the longest id takes."""

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="The most items of one answer.")]
Cursor = Annotated[
    str | None, Query(alias="after", max_length=MAX_CURSOR_LENGTH, description="`next` of the answer before.")
]


def encode_cursor(at: datetime, key: str) -> str:
    """Return the cursor of an item that is ordered by a time and, among equals, by a key."""
    return urlsafe_b64encode(json.dumps([at.isoformat(), key], ensure_ascii=False).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """Return the time and the key of a cursor; None without a cursor.

    Raises:
        ApiError: it is not one of ours.
    """
    if cursor is None:
        return None
    try:
        at, key = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        time = datetime.fromisoformat(at)
        if time.tzinfo and isinstance(key, str) and "\0" not in key:
            key.encode()  # fails for half of a surrogate pair, which JSON may have
            return to_utc(time), key
    except (ValueError, TypeError):
        pass
    raise ApiError(INVALID, "after: is not the `next` of an answer of this list")
