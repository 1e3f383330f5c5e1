"""One event of a reservation: its key, its computed id, its content and its sync state."""

import base64
import hashlib
import json
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from slotsync.domain.calendars.owner import GuestData, Owner
from slotsync.domain.messages import Message


class SyncState(StrEnum):
    """The states of one event between slotsync and Google.

    ``to_delete``: it has to go, but its calendar is off, or of another account; it goes once that is back.
    """

    PENDING = "pending"
    WAITING = "waiting"
    IN_STEP = "in_step"
    RETRYING = "retrying"
    PARKED = "parked"
    FAILED = "failed"
    NOT_SYNCED = "not_synced"
    UNKNOWN_PRODUCT = "unknown_product"
    DELETED = "deleted"
    TO_DELETE = "to_delete"


HELD_UP: Final = frozenset(
    {
        SyncState.WAITING,
        SyncState.RETRYING,
        SyncState.PARKED,
        SyncState.FAILED,
        SyncState.UNKNOWN_PRODUCT,
        SyncState.TO_DELETE,
    }
)
"""The states of events that wait for something else than their workflow."""

CONTENT_FORMAT = 1
"""Increased when equal content is to be written differently, so that every event is written again."""


class EventStatus(StrEnum):
    """The statuses that slotsync gives to an event. Google's third, ``cancelled``, is a deleted event."""

    CONFIRMED = "confirmed"
    TENTATIVE = "tentative"


class EventKey(Message):
    """The key of an event within its reservation: one item in the calendar of one owner."""

    item: str
    owner: Owner

    def __str__(self) -> str:
        return f"{self.item}@{self.owner}"

    def __hash__(self) -> int:
        return hash((self.item, self.owner))

    def sort_key(self) -> tuple[str, str, str]:
        """Return the key by which a reservation's events are ordered."""
        return self.item, self.owner.kind, self.owner.id


class EventContent(Message):
    """The content of an event that a person sees in the calendar.

    ``start`` and ``end`` are both instants in UTC, shown in ``time_zone`` (IANA), or both dates with an exclusive end.
    """

    summary: str
    description: str = ""
    start: datetime | date
    end: datetime | date
    time_zone: str
    status: EventStatus = EventStatus.CONFIRMED
    url: str | None = None

    @property
    def plain_fingerprint(self) -> str:
        """A plain hash of the content: equal for equal content, and different for all other.

        It is neither stored nor shown, since contents can be guessed by it.
        """
        text = json.dumps([CONTENT_FORMAT, self.model_dump(mode="json")], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class DesiredEvent(Message):
    """One event as it should be in Google.

    ``fingerprint`` is a hash of its content with its merchant's key. ``first_format``: slotsync may have written it
    before its marks had names of their own, in any generation; then it is searched for by the former name, too.
    """

    merchant: str
    reservation: str
    key: EventKey
    version: int
    calendar_id: str
    connection_id: str
    content: EventContent
    fingerprint: str
    guest_data: GuestData | None = None
    first_format: bool = False


class WrittenEvent(Message):
    """One event as slotsync last saw it in Google; ``present`` is false once it was deleted.

    ``generation`` is the one in its id. Google never frees the id of a deleted event, so creating the event again takes
    the next generation. ``etag`` changes with every write, by slotsync or others; it is empty while it is unknown
    whether a creation reached Google. ``touched``: people or other programs have added something to it, which every
    write keeps. ``guest_data`` is the level at which it was written, None if it is unknown. ``duplicates_in`` are
    the calendars in which other generations of it were seen: people may restore those there. ``unsearched`` are the
    calendars that were out of reach when others of it were looked for just now. ``first_format`` as in a desired one.
    """

    key: EventKey
    calendar_id: str
    connection_id: str
    generation: int
    version: int
    fingerprint: str
    etag: str
    link: str = ""
    present: bool = True
    touched: bool = False
    guest_data: GuestData | None = None
    duplicates_in: tuple[str, ...] = ()
    unsearched: tuple[str, ...] = ()
    first_format: bool = False

    @property
    def has_duplicates(self) -> bool:
        """True if there ever was another generation of it."""
        return bool(self.generation or self.duplicates_in)


def uncertain_event(desired: DesiredEvent, known: WrittenEvent | None) -> WrittenEvent:
    """Return the event as known while a write is under way: its place is certain, its content is not."""
    if known and known.present:
        return known.model_copy(update={"version": desired.version, "fingerprint": ""})
    return WrittenEvent(
        key=desired.key,
        calendar_id=desired.calendar_id,
        connection_id=desired.connection_id,
        generation=known.generation + 1 if known else 0,
        version=desired.version,
        fingerprint="",
        etag="",
        duplicates_in=known.duplicates_in if known else (),
    )


def event_id(merchant: str, reservation: str, key: EventKey, generation: int = 0) -> str:
    """Return the id of an event in Google: it never changes for a place, and each new creation has its generation.

    Lower-case base32hex (0-9, a-v), as Google demands: 32 characters of hash, ``g``, and the generation.
    """
    place = "\n".join((merchant, reservation, key.item, key.owner.kind, key.owner.id))
    digest = hashlib.sha256(place.encode()).digest()[:20]
    return f"{base64.b32hexencode(digest).decode().lower()}g{generation}"
