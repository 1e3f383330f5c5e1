"""Events: brought to their desired state, whatever happened before."""

from collections.abc import Callable

from slotsync.errors import CalendarMissing
from slotsync.google.deleting import delete, delete_all, gone
from slotsync.google.event_calls import EventCalls
from slotsync.google.putting import put
from slotsync.google.service import GoogleServices
from slotsync.rules.event import DesiredEvent, WrittenEvent


def no_heartbeat() -> None:
    """Tells nobody."""


class GoogleEvents:
    """Writes and deletes the events of managed calendars. Every method may be repeated at any time.

    ``heartbeat`` is called before each call to Google.
    """

    def __init__(self, services: GoogleServices, heartbeat: Callable[[], None] = no_heartbeat) -> None:
        self._services = services
        self._heartbeat = heartbeat

    def put_event(self, desired: DesiredEvent, known: WrittenEvent | None) -> WrittenEvent:
        """The event as it stands now: as desired, by one call when ``known`` is right and by a few when it is not.

        What comes back has a newer version than ``desired`` when a newer one was found; that one is left as it is.
        """
        return put(self._calls(desired.connection_id, desired.calendar_id), desired, known)

    def delete_event(self, merchant: str, reservation: str, written: WrittenEvent, version: int) -> WrittenEvent:
        """The event after its deletion, which ``version`` asks for; an event that shows a newer one is left.

        An empty etag in ``written`` means that nobody knows whether the event was created: it is searched for.
        """
        calls = self._calls(written.connection_id, written.calendar_id)
        try:
            if written.etag:
                return delete(calls, merchant, reservation, written, version)
            return delete_all(calls, merchant, reservation, written, version)
        except CalendarMissing:
            return gone(written, version)

    def _calls(self, connection_id: str, calendar_id: str) -> EventCalls:
        return EventCalls(self._services.calendar(connection_id), calendar_id, self._heartbeat)
