"""The sync status of reservations and merchants."""

from datetime import datetime

from pydantic import computed_field

from slotsync.domain.messages import Message
from slotsync.domain.reservations.event import SyncState


class EventSyncStatus(Message):
    """One event of a reservation."""

    item: str
    owner: str
    state: SyncState
    version: int | None
    since: datetime
    link: str = ""
    last_error: str | None = None


class SyncStatus(Message):
    """A reservation: the newest version known, the one that Google shows, and what its workflow does now.

    ``doing`` is empty when the workflow has ended; ``settled`` is true when Google shows all of the newest version.
    """

    merchant: str
    reservation: str
    version: int
    settled_version: int | None
    doing: str = ""
    events: tuple[EventSyncStatus, ...] = ()

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented way, which mypy does not know
    @property
    def settled(self) -> bool:
        """Whether Google shows all of the newest version."""
        return self.settled_version is not None and self.settled_version >= self.version


class OverviewLine(Message):
    """How many events of a merchant are in one state, and since when the oldest of them is."""

    merchant: str
    state: SyncState
    count: int
    oldest: datetime


class Overview(Message):
    """All events, counted by merchant and state."""

    lines: tuple[OverviewLine, ...]
