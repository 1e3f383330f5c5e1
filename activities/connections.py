"""Connection activities: disconnect a merchant from Google, step by step."""

from temporalio import activity

from activities.errors import google_errors_as_application_errors
from slotsync.busy_times.push_channels import ChannelStopper
from slotsync.domain.connections.disconnection import Disconnection
from slotsync.domain.connections.messages import CalendarDeletion, DisconnectionRequest
from slotsync.errors import GrantLost
from slotsync.google.auth.consent import revoke
from slotsync.google.calendars import GoogleCalendars
from slotsync.settings import Settings
from slotsync.store.calendars.managed_calendars import Calendars
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.database.engine import Store


class DisconnectionActivities:
    """What a connection's workflow does on its way out."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        departures: Disconnections,
        google: GoogleCalendars,
        ends: ChannelStopper,
    ) -> None:
        self._settings = settings
        self._departures = departures
        self._calendars = Calendars(store)
        self._google = google
        self._ends = ends

    @activity.defn(name="begin_departure")
    def begin_disconnection(self, request: DisconnectionRequest) -> Disconnection | None:
        """Takes the connection out of use; what there is to clean up, if there ever was a connection."""
        return self._departures.begin(request.merchant, request.now)

    @activity.defn(name="delete_left_calendar", no_thread_cancel_exception=True)
    def delete_calendar(self, deletion: CalendarDeletion) -> bool:
        """Deletes a calendar in Google and forgets it; false if it stays, because somebody else's events are in it."""
        calendar_id = deletion.calendar.calendar_id
        with google_errors_as_application_errors():
            if self._google.holds_foreign_events(deletion.connection_id, calendar_id):
                return False
            self._google.delete(deletion.connection_id, calendar_id)
        self._calendars.forget(deletion.merchant, deletion.calendar.owner, calendar_id)
        return True

    @activity.defn(no_thread_cancel_exception=True)
    def end_grant(self, connection_id: str) -> bool:
        """Has Google tell of no more changes, and gives the grant back.

        False when it is not ours to give: the merchant has connected again, or another one uses the same account.
        """
        with google_errors_as_application_errors():
            try:
                token = self._departures.grant(connection_id).refresh_token
            except GrantLost:
                return False
            self._ends.stop_all(connection_id)
            if self._departures.is_shared(connection_id):
                return False
            revoke(self._settings, token)
        return True

    @activity.defn(name="finish_departure")
    def finish_disconnection(self, connection_id: str) -> None:
        """Forgets tokens and names, and what was read of calendars."""
        self._departures.finish(connection_id)
