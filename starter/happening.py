"""One thing that happened to a reservation."""

from datetime import datetime
from enum import StrEnum

from slotsync.rules.message import Message
from slotsync.rules.sync_state import SyncState


class What(StrEnum):
    """What can happen to a reservation."""

    REPORTED = "reported"
    LOOKED_AGAIN = "looked_again"
    BEGUN = "begun"
    WRITTEN = "written"
    REMOVED = "removed"
    CALLED_BACK = "called_back"
    HELD_UP = "held_up"
    CLOSED = "closed"


class Source(StrEnum):
    """How we know: from Temporal's history (kept for its retention time), or from the store's latest note."""

    HISTORY = "history"
    STORE = "store"


class Happening(Message):
    """Something that happened at a time: to the whole reservation, or to one item's event in one owner's calendar.

    From the store comes how each event stands and since when; what came before that only Temporal knows.
    """

    at: datetime
    what: What | SyncState
    source: Source
    version: int | None = None
    item: str | None = None
    owner: str | None = None
    attempts: int | None = None
    reason: str | None = None
