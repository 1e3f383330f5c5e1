"""One event of a reservation: its key, its computed id, its content and its sync state."""

import base64
import hashlib
import json
from datetime import date, datetime
from enum import StrEnum

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.messages import Message


class SyncState(StrEnum):
    """How one event stands between slotsync and Google."""

    PENDING = "pending"
    WAITING = "waiting"
    IN_STEP = "in_step"
    RETRYING = "retrying"
    PARKED = "parked"
    FAILED = "failed"
    NOT_SYNCED = "not_synced"
    DELETED = "deleted"


CONTENT_FORMAT = 1
"""Raised when the same content is to be written differently, so that every event is written again."""


class EventStatus(StrEnum):
    """The statuses that slotsync gives to an event. Google's third, ``cancelled``, is a deleted event."""

    CONFIRMED = "confirmed"
    TENTATIVE = "tentative"


class EventKey(Message):
    """Which event of a reservation: one item in the calendar of one owner."""

    item: str
    owner: Owner

    def __str__(self) -> str:
        return f"{self.item}@{self.owner}"

    def __hash__(self) -> int:
        return hash((self.item, self.owner))


class EventContent(Message):
    """What a person sees in the calendar.

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
    def fingerprint(self) -> str:
        """The same for the same content, and for nothing else."""
        told = json.dumps([CONTENT_FORMAT, self.model_dump(mode="json")], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:32]


class DesiredEvent(Message):
    """One event as it should stand in Google."""

    merchant: str
    reservation: str
    key: EventKey
    version: int
    calendar_id: str
    connection_id: str
    content: EventContent


class WrittenEvent(Message):
    """One event as it was last seen to stand in Google; ``present`` is false once it was deleted.

    ``generation`` is the one in its id. Google never frees the id of a deleted event, so a next life takes the next
    generation. ``etag`` changes with every write, whoever makes it; it is empty while nobody knows whether a creation
    reached Google.
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


def unsure(desired: DesiredEvent, known: WrittenEvent | None) -> WrittenEvent:
    """What can be said of an event while it is being put: where it is, and nothing of what it shows."""
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
    )


def event_id(merchant: str, reservation: str, key: EventKey, generation: int = 0) -> str:
    """The id of an event in Google: the same for ever for the same place, life after life by ``generation``.

    Lower-case base32hex (0-9, a-v), as Google demands: 32 characters of hash, ``g``, and the generation.
    """
    place = "\n".join((merchant, reservation, key.item, key.owner.kind, key.owner.id))
    digest = hashlib.sha256(place.encode()).digest()[:20]
    return f"{base64.b32hexencode(digest).decode().lower()}g{generation}"
