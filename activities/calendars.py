"""Making managed calendars, and calling those who wait for one."""

import asyncio
from collections.abc import Sequence

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import told_to_temporal
from slotsync.google.calendars import CalendarSpec, GoogleCalendars
from slotsync.rules.message import Message
from slotsync.rules.owner import ManagedCalendar, Owner
from slotsync.rules.workflow_ids import reservation_id
from slotsync.store import Calendars, Store, SyncedEvents

PAGE = 500
"""How many waiting reservations are called in one activity."""

AT_ONCE = 20


class CalendarRequest(Message):
    """Whose calendar."""

    merchant: str
    owner: Owner


class WaitingPage(Message):
    """The next reservations that wait for an owner's calendar, after the last one that was called."""

    request: CalendarRequest
    after: str = ""


class Call(Message):
    """Reservations of one merchant that shall look again."""

    merchant: str
    reservations: tuple[str, ...]


class CalendarActivities:
    """What a managed calendar's workflow does in Google and in the store."""

    def __init__(self, store: Store, google: GoogleCalendars) -> None:
        self._calendars = Calendars(store)
        self._events = SyncedEvents(store)
        self._google = google

    @activity.defn
    def look_up_calendar(self, request: CalendarRequest) -> ManagedCalendar:
        """The owner's settings, its connection, and its calendar once there is one."""
        (calendar,) = self._calendars.of(request.merchant, [request.owner])
        return calendar

    @activity.defn(no_thread_cancel_exception=True)
    def ensure_calendar(self, request: CalendarRequest) -> str:
        """The id of the owner's calendar in Google: found by our mark, else created; recorded."""
        calendar = self.look_up_calendar(request)
        if calendar.calendar_id or not calendar.connection_id:
            return calendar.calendar_id or ""
        with told_to_temporal():
            found = self._google.ensure(calendar.connection_id, _spec(request, calendar))
        return self._calendars.record(request.merchant, request.owner, found, calendar.connection_id)

    @activity.defn(no_thread_cancel_exception=True)
    def remove_twins(self, request: CalendarRequest) -> str:
        """The id of the owner's calendar, of which no empty twin is left; empty when it has none."""
        calendar = self.look_up_calendar(request)
        if not calendar.calendar_id or not calendar.connection_id:
            return ""
        with told_to_temporal():
            self._google.remove_twins(calendar.connection_id, _spec(request, calendar), calendar.calendar_id)
        return calendar.calendar_id

    @activity.defn
    def waiting_reservations(self, page: WaitingPage) -> list[str]:
        """The ids of the next reservations that wait for this calendar, at most a page of them."""
        request = page.request
        return self._events.waiting_for(request.merchant, request.owner, limit=PAGE, after=page.after)


class ReservationCalls:
    """Calls reservations that wait for something."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @activity.defn
    async def call_reservations(self, call: Call) -> None:
        """Signals each of them to look again; one that has closed meanwhile needs no call."""
        for start in range(0, len(call.reservations), AT_ONCE):
            activity.heartbeat(start)
            await self._call(call.merchant, call.reservations[start : start + AT_ONCE])

    async def _call(self, merchant: str, reservations: Sequence[str]) -> None:
        await asyncio.gather(*(self._look_again(reservation_id(merchant, each)) for each in reservations))

    async def _look_again(self, workflow_id: str) -> None:
        try:
            await self._client.get_workflow_handle(workflow_id).signal("look_again")
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


def _spec(request: CalendarRequest, calendar: ManagedCalendar) -> CalendarSpec:
    settings = calendar.settings
    return CalendarSpec(
        merchant=request.merchant, owner=request.owner, name=settings.name, time_zone=settings.time_zone
    )
