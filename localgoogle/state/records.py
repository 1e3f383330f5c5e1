"""The records that the state file keeps: events, calendars and calendar list entries."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from localgoogle.protocol.instants import make_etag
from localgoogle.protocol.json_values import JsonObject, as_object, as_text

CANCELLED = "cancelled"
ACCESS_ROLES = ("freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")
"""The roles that a user can have in a calendar, from the least access to the most."""
WRITER_ROLES = ACCESS_ROLES[2:]
NO_ACCESS = "none"
"""The role of a user in a calendar that is out of reach since the access was ended."""


def same_address(one: str, other: str) -> bool:
    """Return whether two e-mail addresses are the same: Google ignores their case."""
    return one.casefold() == other.casefold()


@dataclass(frozen=True)
class StoredRecord:
    """A dataclass that the state file keeps as one JSON object."""

    def to_record(self) -> JsonObject:
        """Return the JSON object that the state file keeps."""
        return dict(vars(self))

    @classmethod
    def from_record(cls, record: JsonObject) -> Self:
        """Return the object that ``to_record`` made this JSON object from."""
        return cls(**record)


@dataclass(frozen=True)
class StoredEvent(StoredRecord):
    """One event of one calendar; a deleted one has the status ``cancelled``.

    ``body`` holds the fields that the client wrote, without derived ones. ``created`` and ``updated`` are microseconds
    since 1970; no two changes of the local Google share an ``updated``. ``start`` and ``end`` are the instants that the
    event covers. ``living_status`` is the status that a deleted event had before. ``moved_away`` is true of what stays
    behind in a calendar from which the event was moved.
    """

    id: str
    calendar_id: str
    body: JsonObject
    status: str
    sequence: int
    created: int
    updated: int
    creator: str
    start: datetime
    end: datetime
    living_status: str = "confirmed"
    moved_away: bool = False

    @property
    def etag(self) -> str:
        """The etag; it changes with every write."""
        return make_etag(self.updated)

    @property
    def summary(self) -> str:
        """The title, or an empty string."""
        return as_text(self.body.get("summary"))

    @property
    def i_cal_uid(self) -> str:
        """The id of the event in iCalendar."""
        return as_text(self.body.get("iCalUID")) or f"{self.id}@google.com"

    @property
    def series_id(self) -> str:
        """The id of the series that the event is an occurrence of, or an empty string."""
        return as_text(self.body.get("recurringEventId"))

    @property
    def all_day(self) -> bool:
        """True if the event covers whole days."""
        return "date" in as_object(self.body.get("start"))

    @property
    def cancelled(self) -> bool:
        """True if the event is deleted."""
        return self.status == CANCELLED

    def cancel(self, stamp: int) -> Self:
        """Return the event as it is after its deletion at ``stamp``, in microseconds since 1970."""
        return replace(self.as_cancelled(), sequence=self.sequence + 1, updated=stamp)

    def as_cancelled(self) -> Self:
        """Return the event as a deleted one that knows the status that it had."""
        return self if self.cancelled else replace(self, status=CANCELLED, living_status=self.status)

    def leave_behind(self, stamp: int) -> Self:
        """Return what stays in the calendar when the event is moved to another one at ``stamp``."""
        return replace(self.cancel(stamp), moved_away=True)

    def restore(self, stamp: int) -> Self:
        """Return the event as it is after a person took it out of the bin at ``stamp``."""
        return replace(self, status=self.living_status, sequence=self.sequence + 1, updated=stamp)

    def to_record(self) -> JsonObject:
        """Return the JSON object that the state file keeps, with ``start`` and ``end`` in ISO 8601."""
        return super().to_record() | {"start": self.start.isoformat(), "end": self.end.isoformat()}

    @classmethod
    def from_record(cls, record: JsonObject) -> Self:
        """Return the event that ``to_record`` made this JSON object from."""
        times = {name: datetime.fromisoformat(as_text(record[name])) for name in ("start", "end")}
        return super().from_record({**record, **times})


@dataclass(frozen=True)
class StoredCalendar(StoredRecord):
    """One calendar. ``client_id`` is the app that created it, empty where the user created it by hand.

    ``former_ids`` are the ids that a primary calendar had before its account got another address.
    """

    id: str
    owner: str
    client_id: str
    body: JsonObject
    updated: int
    primary: bool = False
    deleted: bool = False
    former_ids: tuple[str, ...] = ()

    @property
    def etag(self) -> str:
        """The etag; it changes with every write."""
        return make_etag(self.updated)

    @property
    def summary(self) -> str:
        """The calendar's name."""
        return as_text(self.body.get("summary"))

    @property
    def time_zone(self) -> str:
        """The calendar's IANA time zone."""
        return as_text(self.body.get("timeZone"), "UTC")

    @property
    def generated(self) -> bool:
        """True if Google fills the calendar (holidays, birthdays): it has no push and no busy times."""
        return "#" in self.id

    def is_self(self, email: str) -> bool:
        """Return whether a person with this address is the calendar itself: Google's ``self`` in its events."""
        return any(same_address(email, own) for own in (self.id, *self.former_ids))


@dataclass(frozen=True)
class StoredListEntry(StoredRecord):
    """A calendar in a user's calendar list. ``deleted`` is true once the user removed it from the list.

    ``access_changed`` is the stamp of the last change of ``access_role``, which ends all sync tokens of the calendar.
    """

    email: str
    calendar_id: str
    access_role: str
    body: JsonObject
    updated: int
    deleted: bool = False
    access_changed: int = 0

    @property
    def etag(self) -> str:
        """The etag; it changes with every write."""
        return make_etag(self.updated)

    @property
    def reachable(self) -> bool:
        """True unless the user's access to the calendar was ended."""
        return self.access_role != NO_ACCESS

    def with_role(self, role: str, stamp: int) -> Self:
        """Return the entry after a change of access at ``stamp``. Google lists no change of the role alone."""
        if self.reachable == (role != NO_ACCESS):
            return replace(self, access_role=role, access_changed=stamp)
        return replace(self, access_role=role, access_changed=stamp, updated=stamp, deleted=role == NO_ACCESS)
