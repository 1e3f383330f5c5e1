"""One event in the read model, as others see it."""

from dataclasses import dataclass
from datetime import datetime

from slotsync.rules.event import EventKey, WrittenEvent
from slotsync.rules.owner import Owner, OwnerKind
from slotsync.rules.sync_state import SyncState
from slotsync.store.tables import SyncedEventRow


@dataclass(frozen=True)
class SyncedEvent:
    """How one event is doing. ``written`` is what was last seen in Google; nothing if it never came there."""

    reservation: str
    key: EventKey
    state: SyncState
    since: datetime
    desired_version: int | None
    last_error: str | None
    written: WrittenEvent | None

    @property
    def written_version(self) -> int | None:
        """The version that was last written to Google."""
        return self.written.version if self.written else None

    @property
    def link(self) -> str:
        """Where a person can see it in Google."""
        return self.written.link if self.written else ""


@dataclass(frozen=True)
class StateCount:
    """How many events are in a state, and since when the first of them is."""

    count: int
    oldest_since: datetime


def key_of(merchant: str, reservation: str, key: EventKey) -> dict[str, object]:
    """The columns that say which event a row is about."""
    return {
        "merchant": merchant,
        "reservation": reservation,
        "item": key.item,
        "kind": key.owner.kind.value,
        "owner_id": key.owner.id,
    }


def seen_in_google(written: WrittenEvent) -> dict[str, object]:
    """The columns that say what was seen in Google."""
    return {**written.model_dump(exclude={"key", "version"}), "written_version": written.version}


def event_of(row: SyncedEventRow) -> SyncedEvent:
    """The event that a row is about."""
    key = EventKey(item=row.item, owner=Owner(kind=OwnerKind(row.kind), id=row.owner_id))
    return SyncedEvent(
        reservation=row.reservation,
        key=key,
        state=SyncState(row.state),
        since=row.since,
        desired_version=row.desired_version,
        last_error=row.last_error,
        written=_written(row, key),
    )


def _written(row: SyncedEventRow, key: EventKey) -> WrittenEvent | None:
    if row.written_version is None:
        return None
    seen = row.model_dump(
        include={"calendar_id", "connection_id", "generation", "fingerprint", "etag", "link", "present"}
    )
    return WrittenEvent(key=key, version=row.written_version, **seen)
