"""Pages of a list, and the opaque page and sync tokens that continue it."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import TypeVar

from localgoogle.api.call import ApiCall
from localgoogle.protocol.errors import invalid, known_error
from localgoogle.protocol.json_values import JsonObject, as_list, as_object

Item = TypeVar("Item")
SortKey = list[str]


def write_token(content: JsonObject) -> str:
    """Return an opaque token with this content."""
    return urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")


def read_token(token: str, parameter: str) -> JsonObject:
    """Return the content of a token.

    Raises:
        CalendarApiError: ``invalid``, if the local Google did not issue the token.
    """
    try:
        content: object = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError as error:
        raise invalid(f"Invalid {parameter} value.", parameter) from error
    return as_object(content)


def read_sync_token(
    call: ApiCall, resource: JsonObject, *, excluded: Iterable[str], never_false: Iterable[str]
) -> JsonObject | None:
    """Return the content of the call's sync token, or None if it has none.

    ``resource`` is the part of the content that names the list. ``excluded`` are the parameters that may not stand
    beside a sync token, and ``never_false`` the flags that may not be false beside it.

    Raises:
        CalendarApiError: ``invalid`` for such a parameter or a malformed token; ``fullSyncRequired`` if the token is
            of another list or older than the last reset.
    """
    token = call.text("syncToken")
    if not token:
        return None
    for name in excluded:
        if name in call.query:
            raise invalid(f"{name} cannot be used together with syncToken.", name)
    for name in never_false:
        if call.query.get(name) is False:
            raise invalid(f"{name} cannot be false with syncToken.", name)
    content = read_token(token, "syncToken")
    if not resource.items() <= content.items() or read_stamp(content) < call.google.first_stamp:
        raise known_error("fullSyncRequired")
    return content


def read_stamp(content: JsonObject) -> int:
    """Return the time of a sync token's first page in microseconds since 1970; -1 if it has none."""
    stamp = content.get("stamp")
    return stamp if isinstance(stamp, int) else -1


def take_page(
    call: ApiCall, items: Iterable[Item], key: Callable[[Item], SortKey], *, size: int, sync: JsonObject | None
) -> tuple[list[Item], JsonObject]:
    """Return the page that the call asks for, in the order of ``key``, and the token that continues the list.

    The token is ``nextPageToken``, or ``nextSyncToken`` on the last page. ``sync`` is the content of the sync token, or
    None where the query allows none. A sync token holds the time of the first page, so the next sync repeats the
    changes that happened between two pages.
    """
    content = _read_page_token(call)
    as_of = content.get("as_of", call.google.last_stamp)
    after = [str(part) for part in as_list(content.get("after"))]
    rest = [item for item in sorted(items, key=key) if not after or key(item) > after]
    page = rest[:size]
    if len(rest) > size:
        return page, {"nextPageToken": write_token({"as_of": as_of, "after": key(page[-1])})}
    return page, {} if sync is None else {"nextSyncToken": write_token({**sync, "stamp": as_of})}


def _read_page_token(call: ApiCall) -> JsonObject:
    token = call.text("pageToken")
    return read_token(token, "pageToken") if token else {}
