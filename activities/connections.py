"""Connection activities: plan a connection's next step, record its result, disconnect a merchant step by step."""

import logging
from datetime import timedelta
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.errors import google_errors_as_application_errors
from slotsync.busy_times.push_channels import ChannelStopper
from slotsync.domain.connections.disconnection import Disconnection
from slotsync.domain.connections.messages import (
    CalendarDeletion,
    ConnectionPlan,
    ConnectionRequest,
    ConnectionStep,
    ConnectionStop,
    DisconnectionEnd,
    GrantRequest,
    RefusalNotice,
    ServedGrant,
)
from slotsync.errors import CalendarMissing, GrantLost
from slotsync.google.auth.tokens import request_token
from slotsync.google.calendars import GoogleCalendars
from slotsync.grant_ends import GrantEnds
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.audit_log import AuditLog
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.grant_mails import GrantMails
from slotsync.store.connections.grant_notices import GrantNotices
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SyncedEvents

MAX_EVENTS_PER_ATTEMPT: Final = 200
"""The events that an attempt of ``delete_calendar`` deletes one by one, in about half of its time."""

logger = logging.getLogger(__name__)


class ConnectionActivities:
    """Activities that read and record what is wanted of a connection."""

    def __init__(self, settings: Settings, store: Store, vault: Vault) -> None:
        self._connections = Connections(store, vault)
        self._intents = ConnectionIntents(store, AuditLog(store, vault))
        self._mails = GrantMails(store, vault)
        self._mailing = settings.mail_server is not None
        self._notices = GrantNotices(store, vault, webhooks=bool(settings.webhook_url), types=settings.webhook_types)

    @activity.defn(no_thread_cancel_exception=True)
    def plan_connection(self, request: ConnectionRequest) -> ConnectionPlan:
        """Return the connection's next step, by its row."""
        plan = self._intents.plan(request.merchant)
        mail_due = self._mailing and plan.step is ConnectionStep.PARK and self._mails.is_due(request.merchant)
        messages = self._notices.count_waiting(request.merchant)
        return plan.model_copy(update={"messages": messages, "mail_due": mail_due})

    @activity.defn(no_thread_cancel_exception=True)
    def record_connection_stop(self, request: ConnectionStop) -> None:
        """Record that an operator has stopped the connection's workflow, unless there is a newer grant."""
        self._intents.stop(request.merchant, request.now, grant_number=request.grant_number)

    @activity.defn(no_thread_cancel_exception=True)
    def record_served_grant(self, served: ServedGrant) -> None:
        """Record that all work that waited for this grant was signalled."""
        self._notices.record_served(served.merchant, served.grant_number, served.woken, served.now)

    @activity.defn(no_thread_cancel_exception=True)
    def record_notice(self, notice: RefusalNotice) -> None:
        """Tell the platform that Google refuses the grant."""
        self._notices.record_refusal(notice.merchant, notice.grant_number, notice.number, notice.now)

    @activity.defn(no_thread_cancel_exception=True)
    def forget_refused_grant(self, request: GrantRequest) -> None:
        """Give up a grant that Google has refused for long."""
        self._connections.forget_refused(request.merchant, request.grant_number)


class RefusedGrantActivities:
    """Activity that asks Google for a grant that it has refused."""

    def __init__(self, settings: Settings, store: Store, vault: Vault) -> None:
        self._settings = settings
        self._connections = Connections(store, vault)

    @activity.defn(no_thread_cancel_exception=True)
    def try_refused_grant(self, request: GrantRequest) -> bool:
        """Return whether Google accepts the grant again, which is then active, as if it was given anew."""
        refused = self._connections.get_refused(request.merchant, request.grant_number)
        if refused is None:
            return False
        with google_errors_as_application_errors():
            try:
                token = request_token(self._settings, refused.refresh_token)
            except GrantLost as error:
                self._connections.record_refusal(refused.connection_id, request.grant_number, error.reason)
                return False
        self._connections.restore(refused.connection_id, request.grant_number, token.token, token.expires_at)
        return True


class ConsentActivities:
    """Activity that ends the grants that nobody needs any more."""

    def __init__(self, settings: Settings, store: Store, vault: Vault) -> None:
        self._ends = GrantEnds(settings, store, vault)

    @activity.defn(no_thread_cancel_exception=True)
    def end_unanswered_consents(self) -> int:
        """End grants on which nobody has decided in time, declined, replaced and left ones, and return how many ended.

        One that cannot be ended now holds no other one up: it is left for the next time.
        """
        return self._ends.end_all()


class DisconnectionActivities:
    """Activities that disconnect a merchant."""

    def __init__(
        self,
        store: Store,
        disconnections: Disconnections,
        google: GoogleCalendars,
        channels: ChannelStopper,
        ends: GrantEnds,
    ) -> None:
        self._disconnections = disconnections
        self._calendars = ManagedCalendars(store)
        self._events = SyncedEvents(store)
        self._owners = Owners(store)
        self._google = google
        self._channels = channels
        self._ends = ends

    @activity.defn(no_thread_cancel_exception=True)
    def begin_disconnection(self, request: ConnectionRequest) -> Disconnection | None:
        """Return what to clean up, or None if the merchant is not being disconnected any more."""
        return self._disconnections.get(request.merchant)

    @activity.defn(no_thread_cancel_exception=True)
    def delete_calendar(self, deletion: CalendarDeletion) -> bool | None:
        """Delete a calendar in Google and forget it; return False if it stays because of events that are not ours.

        Then our events in it are deleted, so many in each attempt. None if it is out of reach: it was deleted in Google
        before, or slotsync's access to it was taken away, which Google does not tell apart.
        """
        calendar_id = deletion.calendar.calendar_id
        with google_errors_as_application_errors(patient=True):
            self._disconnections.grant(deletion.connection_id)  # none, once the merchant has connected again
            deleted = self._delete_or_clear(deletion.connection_id, calendar_id, deletion.merchant)
        if deleted is not False:
            self._calendars.forget(deletion.merchant, deletion.calendar.owner, calendar_id)
        # The merchant may have connected again meanwhile: then the events wait for the next calendar, or for this one.
        now = activity.info().started_time
        lost = deleted is None
        self._events.mark_calendar_missing(deletion.merchant, calendar_id, now, may_come_back=lost, owed=lost)
        self._owners.make_due(deletion.merchant, deletion.calendar.owner, now)
        return deleted

    def _delete_or_clear(self, connection_id: str, calendar_id: str, merchant: str) -> bool | None:
        try:
            stays = self._google.has_foreign_events(connection_id, calendar_id, merchant)
        except CalendarMissing:
            return None
        if stays:
            self._delete_our_events(connection_id, calendar_id)
        else:
            self._google.delete(connection_id, calendar_id)
        return not stays

    def _delete_our_events(self, connection_id: str, calendar_id: str) -> None:
        if not self._google.delete_marked_events(connection_id, calendar_id, MAX_EVENTS_PER_ATTEMPT):
            raise ApplicationError(
                "more of our events are left", type="Unfinished", next_retry_delay=timedelta(seconds=1)
            )

    @activity.defn(no_thread_cancel_exception=True)
    def end_grant(self, connection_id: str) -> bool:
        """Stop Google's push notifications, revoke the grant, and return whether it was revoked.

        It is not when the merchant has connected again, or when another merchant uses the same account.
        """
        with google_errors_as_application_errors():
            try:
                grant = self._disconnections.grant(connection_id)
                self._channels.stop_all(connection_id)
                return self._ends.end_disconnected(connection_id, grant.number)
            except GrantLost:
                return False

    @activity.defn(no_thread_cancel_exception=True)
    def finish_disconnection(self, end: DisconnectionEnd) -> None:
        """Forget tokens, names, and what was read of calendars, unless the merchant has chosen otherwise meanwhile."""
        self._disconnections.finish(end.connection_id, end.calendars, grant_ended=end.grant_ended, stopped=end.stopped)
