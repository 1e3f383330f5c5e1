"""The records that the state file keeps: events, calendars and calendar list entries."""

from dataclasses import dataclass
from datetime import datetime

from localgoogle.protocol.instants import make_etag
from localgoogle.protocol.json_values import JsonObject, as_object, as_text

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
        return make_etag(self.updated)

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
        return make_etag(self.updated)

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
class StoredListEntry:
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
        return make_etag(self.updated)

    def record(self) -> JsonObject:
        """What the state file keeps."""
        return dict(vars(self))

    @classmethod
    def from_record(cls, record: JsonObject) -> "StoredListEntry":
        """What ``record`` kept."""
        return cls(**record)  # type: ignore[arg-type]  # our own record: the fields' types are as written
