"""The things that the local Google keeps."""

from dataclasses import dataclass, replace
from datetime import datetime

from slotsync.sandbox.instants import etag_of, from_micros
from slotsync.sandbox.json_types import JsonObject, as_object, as_text

CANCELLED = "cancelled"


@dataclass(frozen=True)
class StoredEvent:
    """One event of one calendar, living or deleted.

    ``body`` holds what the client wrote, without what is derived. ``created`` and ``updated`` are microseconds since
    1970; no two changes anywhere share an ``updated``. ``start`` and ``end`` are the instants that it covers.
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

    @property
    def etag(self) -> str:
        """Changes with every write."""
        return etag_of(self.updated)

    @property
    def summary(self) -> str:
        """The title, or an empty string."""
        return as_text(self.body.get("summary"))

    @property
    def i_cal_uid(self) -> str:
        """The id that iCalendar knows it by."""
        return as_text(self.body.get("iCalUID")) or f"{self.id}@google.com"

    @property
    def all_day(self) -> bool:
        """Whether it covers whole days."""
        return "date" in as_object(self.body.get("start"))

    @property
    def cancelled(self) -> bool:
        """Whether it is deleted."""
        return self.status == CANCELLED

    def record(self) -> JsonObject:
        """What the state file keeps."""
        return vars(self) | {"start": self.start.isoformat(), "end": self.end.isoformat()}

    @classmethod
    def from_record(cls, record: JsonObject) -> "StoredEvent":
        """The event that ``record`` kept."""
        times = {name: datetime.fromisoformat(as_text(record[name])) for name in ("start", "end")}
        return cls(**{**record, **times})  # type: ignore[arg-type]  # our own record: the fields' types are as written


@dataclass(frozen=True)
class StoredCalendar:
    """One calendar. ``client_id`` is the app that made it, empty where the user did by hand."""

    id: str
    owner: str
    client_id: str
    body: JsonObject
    updated: int
    primary: bool = False
    deleted: bool = False

    @property
    def etag(self) -> str:
        """Changes with every write."""
        return etag_of(self.updated)

    @property
    def summary(self) -> str:
        """The calendar's name."""
        return as_text(self.body.get("summary"))

    @property
    def time_zone(self) -> str:
        """Its IANA zone."""
        return as_text(self.body.get("timeZone"), "UTC")

    @property
    def generated(self) -> bool:
        """Whether Google fills it (holidays, birthdays): no push, no busy times."""
        return "#" in self.id

    def record(self) -> JsonObject:
        """What the state file keeps."""
        return dict(vars(self))

    @classmethod
    def from_record(cls, record: JsonObject) -> "StoredCalendar":
        """What ``record`` kept."""
        return cls(**record)  # type: ignore[arg-type]  # our own record: the fields' types are as written


@dataclass(frozen=True)
class ListEntry:
    """A calendar in a user's list. ``deleted`` once it was removed from it."""

    email: str
    calendar_id: str
    access_role: str
    body: JsonObject
    updated: int
    deleted: bool = False

    @property
    def etag(self) -> str:
        """Changes with every write."""
        return etag_of(self.updated)

    def record(self) -> JsonObject:
        """What the state file keeps."""
        return dict(vars(self))

    @classmethod
    def from_record(cls, record: JsonObject) -> "ListEntry":
        """What ``record`` kept."""
        return cls(**record)  # type: ignore[arg-type]  # our own record: the fields' types are as written


@dataclass(frozen=True)
class StoredChannel:
    """Where notifications about one resource go. ``calendar_id`` is empty for the calendar list."""

    id: str
    account: str
    client_id: str
    calendar_id: str
    resource_id: str
    resource_uri: str
    address: str
    token: str
    expiration: int
    last_number: int = 0

    def opened(self) -> "StoredChannel":
        """As it was opened, whatever it has told since: another channel under the same id is another channel."""
        return replace(self, last_number=0)

    def expires(self) -> datetime:
        """When Google forgets it."""
        return from_micros(self.expiration * 1000)

    def record(self) -> JsonObject:
        """What the state file keeps."""
        return dict(vars(self))

    @classmethod
    def from_record(cls, record: JsonObject) -> "StoredChannel":
        """What ``record`` kept."""
        return cls(**record)  # type: ignore[arg-type]  # our own record: the fields' types are as written
