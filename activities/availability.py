"""Availability activities: watch a product, publish changes, confirm a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Self, TypeVar

from temporalio import activity

from activities.errors import google_errors_as_application_errors
from slotsync.busy_times.account_watcher import AccountWatchers
from slotsync.busy_times.product_availability import AvailabilityInputs, ProductAvailability, ProductStates
from slotsync.busy_times.product_watcher import HEARTBEAT, Found, ProductWatcher
from slotsync.clock import utc_now
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.availability.availability import Availability, Reading, SlotState, availability
from slotsync.domain.availability.changes import changed
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import (
    Confirmation,
    ConfirmRequest,
    Evidence,
    Publication,
    PublishRequest,
    Verdict,
    Watched,
    WatchRequest,
    unknown_confirmation,
)
from slotsync.errors import GrantLost, ScopeMissing
from slotsync.google.freebusy import BusyTimes, GoogleBusyTimes
from slotsync.store.availability.publications import Publications


class SignsOfLife:
    """Shows that an activity is alive, and what it ``tells``, for as long as the block lasts.

    A thousand products that begin at once wait for each other, longer than one of them may be silent. The first sign
    is held back a little, until there is something to tell: the SDK sends the second one only when it must.
    """

    def __init__(self) -> None:
        self._told: object = "waiting for the first reading"
        self._has_told = asyncio.Event()

    def tells(self, what: object) -> None:
        """What it shows from now on, as it is by then."""
        self._told = what
        self._has_told.set()

    async def __aenter__(self) -> Self:
        self._showing = asyncio.create_task(self._show())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._showing.cancel()

    async def _show(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._has_told.wait(), HEARTBEAT)
        while True:
            activity.heartbeat(str(self._told))
            await asyncio.sleep(HEARTBEAT)


Done = TypeVar("Done")

MAX_WATCH_DURATION: Final = timedelta(hours=12)
"""How long a watch goes on without anything new; then its workflow begins another."""


class AvailabilityActivities:
    """What a product's workflow lives on."""

    def __init__(
        self,
        watches: AccountWatchers,
        looks: ProductStates,
        publications: Publications,
        threads: Executor,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._watches = watches
        self._looks = looks
        self._publications = publications
        self._threads = threads
        self._clock = clock

    @activity.defn
    async def watch_busy(self, request: WatchRequest) -> Watched:
        """Returns once there is something to publish or to show; or after half a day, or when its worker stops."""
        leaving = asyncio.create_task(activity.wait_for_worker_shutdown())
        try:
            async with SignsOfLife() as signs:
                return await self._watch(request, signs, leaving)
        finally:
            leaving.cancel()

    @activity.defn
    def publish_availability(self, subject: PublishRequest) -> Publication:
        """Publishes what is new since the last time; the same for the same token."""
        now = self._clock()
        look = self._looks.look(subject.merchant, subject.product, now)
        return self._publications.publish(subject, look.availability, now)

    async def _watch(self, request: WatchRequest, signs: SignsOfLife, leaving: "asyncio.Task[None]") -> Watched:
        connection_id = await self._in_thread(lambda: self._looks.connection_id(request.merchant))
        if connection_id is None:
            return (await self._find(request)).watched
        async with self._watches.watching(connection_id) as account:
            signs.tells(account)
            ends_at = self._clock() + MAX_WATCH_DURATION
            watch = ProductWatcher(account, lambda: self._find(request), leaving, ends_at, self._clock)
            return await watch.run(request)

    async def _find(self, request: WatchRequest) -> Found:
        return await self._in_thread(lambda: self._found(request))

    def _found(self, request: WatchRequest) -> Found:
        look = self._looks.look(request.merchant, request.product, self._clock())
        told = self._publications.last(request.merchant, request.product)
        watched = Watched(
            calendars=look.calendars,
            changed=bool(changed(told, look.availability)),
            trouble=look.trouble,
            hold=look.hold,
        )
        return Found(watched, look.expires_at)

    async def _in_thread(self, do: Callable[[], Done]) -> Done:
        return await asyncio.get_running_loop().run_in_executor(self._threads, do)


_BELIEVED = timedelta(minutes=1)


class ConfirmationActivities:
    """Asks Google for one product and one time."""

    def __init__(
        self,
        answers: ProductAvailability,
        google: GoogleBusyTimes,
        health: ConnectionHealth,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._answers = answers
        self._google = google
        self._health = health
        self._clock = clock

    @activity.defn(no_thread_cancel_exception=True)
    def look_live(self, question: ConfirmRequest) -> Confirmation:
        """The answer, with what each calendar said. What heals by itself is raised, to be asked again in time."""
        now = self._clock()
        inputs = self._answers.inputs(question.merchant, question.product, now)
        if inputs is None:
            return unknown_confirmation("the product is not known", now)
        if not inputs.calendars:
            return Confirmation(answer=Verdict.YES, checked_at=now, because="no calendar blocks the product")
        if inputs.connection_id is None or not inputs.connected:
            return unknown_confirmation("Google is not connected", now)
        with google_errors_as_application_errors():
            return self._ask(inputs, inputs.connection_id, question.span, now)

    def _ask(self, inputs: AvailabilityInputs, connection_id: str, span: Interval, now: datetime) -> Confirmation:
        around = Interval(start=span.start - inputs.rule.after, end=span.end + inputs.rule.before)
        try:
            with self._health.recording(connection_id):
                said = self._google.read(connection_id, list(inputs.calendars), around)
        except (GrantLost, ScopeMissing) as error:
            return unknown_confirmation(str(error), now)
        readings = {each: [_reading(times, around, now)] for each, times in said.items()}
        found = availability(readings, inputs.calendars, span, now, inputs.rule)
        evidence = (Evidence(calendar=inputs.calendars[each], **dict(times)) for each, times in said.items())
        verdict, because = _verdict(found)
        return Confirmation(answer=verdict, checked_at=now, because=because, evidence=tuple(evidence))


def _reading(times: BusyTimes, span: Interval, now: datetime) -> Reading:
    return Reading(span=span, read_at=now, good_until=now + _BELIEVED, busy=times.busy, error=times.error)


def _verdict(found: Availability) -> tuple[Verdict, str]:
    states = {slot.state for slot in found.slots}
    if SlotState.BUSY in states:
        return Verdict.NO, "it is busy, by the calendars that block the product"
    if SlotState.UNKNOWN in states:
        return Verdict.UNKNOWN, "calendars that block the product could not be read"
    return Verdict.YES, "it is free, by the calendars that block the product"
