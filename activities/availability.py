"""Availability activities: watch a product, publish changes, confirm a time."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Self, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.errors import google_errors_as_application_errors
from slotsync.busy_times.account_watcher import AccountWatchers
from slotsync.busy_times.product_availability import AvailabilityInputs, ProductAvailability, ProductStates
from slotsync.busy_times.product_watcher import HEARTBEAT_INTERVAL, ProductCheck, ProductWatcher
from slotsync.clock import utc_now
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.availability.availability import Availability, Reading, Readings, SlotState, compute_availability
from slotsync.domain.availability.changes import changed_intervals
from slotsync.domain.availability.confirmation import Confirmation, Evidence, Verdict, unknown_confirmation
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import (
    ConfirmCall,
    ProductKey,
    Publication,
    PublishRequest,
    StopWatchRequest,
    WatchRequest,
    WatchResult,
)
from slotsync.domain.availability.questions import ConfirmRequest, ConfirmResults
from slotsync.errors import Erased
from slotsync.google.freebusy import BusyTimes, GoogleBusyTimes
from slotsync.store.availability.availability_webhooks import Publications
from slotsync.store.availability.confirmations import Confirmations

MAX_WATCH_DURATION: Final = timedelta(hours=12)
"""The longest that a watch runs without a change; then its workflow starts another."""

CONFIRM_RETRY_DELAY: Final = timedelta(seconds=1)
"""The longest time between two attempts to ask Google, unless an error names another."""

_SHORTEST_CALL = timedelta(milliseconds=300)

_LIVE_READING_VALIDITY = timedelta(minutes=1)

Result = TypeVar("Result")


class HeartbeatReporter:
    """Heartbeats of an activity, from the beginning of the block to its end.

    When a thousand products begin at once, some wait for the others for longer than the heartbeat timeout. The first
    heartbeat waits a little for the details: the SDK sends the second one as late as it can.
    """

    def __init__(self) -> None:
        self._details: object = "waiting for the first reading"
        self._has_details = asyncio.Event()

    def set_details(self, details: object) -> None:
        """Send ``str(details)``, as it is at that time, with every heartbeat from now on."""
        self._details = details
        self._has_details.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._send())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _send(self) -> None:
        interval = HEARTBEAT_INTERVAL.total_seconds()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._has_details.wait(), interval)
        while True:
            activity.heartbeat(str(self._details))
            await asyncio.sleep(interval)


class AvailabilityActivities:
    """Activities that watch and publish a product's availability."""

    def __init__(
        self,
        accounts: AccountWatchers,
        products: ProductStates,
        publications: Publications,
        threads: Executor,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._accounts = accounts
        self._products = products
        self._publications = publications
        self._threads = threads
        self._clock = clock

    @activity.defn
    async def watch_busy(self, request: WatchRequest) -> WatchResult:
        """Return once there is something to publish or to show, after half a day, or when the worker shuts down."""
        shutdown = asyncio.create_task(activity.wait_for_worker_shutdown())
        try:
            async with HeartbeatReporter() as heartbeats:
                return await self._watch(request, heartbeats, shutdown)
        finally:
            shutdown.cancel()

    @activity.defn(no_thread_cancel_exception=True)
    def publish_availability(self, request: PublishRequest) -> Publication:
        """Publish what has changed since the last publication, once for each token."""
        now = self._clock()
        state = self._products.get_state(request.merchant, request.product, now)
        return self._publications.publish(request, state.availability, now, state.calendar_ids)

    @activity.defn(no_thread_cancel_exception=True)
    def record_watch_stop(self, request: StopWatchRequest) -> None:
        """Record that an operator has stopped the watching of the product: from now on it is unknown."""
        key = ProductKey(merchant=request.merchant, product=request.product)
        with suppress(Erased):  # an erasure cancels its workflows, and waits for their end
            self._products.stop(key, request.now, watched=request.watched)

    async def _watch(
        self, request: WatchRequest, heartbeats: HeartbeatReporter, shutdown: "asyncio.Task[None]"
    ) -> WatchResult:
        connection_id = await self._in_thread(lambda: self._products.get_connection_id(request.merchant))
        if connection_id is None:
            return (await self._check(request)).watched
        async with self._accounts.watch(connection_id) as account:
            heartbeats.set_details(account)
            ends_at = self._clock() + MAX_WATCH_DURATION
            watcher = ProductWatcher(account, lambda: self._check(request), shutdown, ends_at, self._clock)
            return await watcher.run(request)

    async def _check(self, request: WatchRequest) -> ProductCheck:
        return await self._in_thread(lambda: self._check_now(request))

    def _check_now(self, request: WatchRequest) -> ProductCheck:
        # First of all: what is picked from now on makes the product due again.
        key = ProductKey(merchant=request.merchant, product=request.product)
        self._products.take_up(key)
        state = self._products.get_state(request.merchant, request.product, self._clock())
        published = self._publications.get_last(request.merchant, request.product)
        pending = self._publications.get_pending(request)
        watched = WatchResult(
            calendars=len(state.calendar_ids),
            changed=bool(changed_intervals(published, state.availability))
            or self._publications.has_new_conflicts(key, state.availability, self._clock()),
            trouble=state.trouble,
            blocker=state.blocker,
            stopped=state.stopped,
            messages=pending.messages,
            subscribers=pending.subscribers,
            number=pending.number,
        )
        return ProductCheck(watched, state.expires_at)

    async def _in_thread(self, function: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)


class ConfirmationActivities:
    """Activities that ask Google about one product and one time."""

    def __init__(
        self,
        availability: ProductAvailability,
        google: GoogleBusyTimes,
        confirmations: Confirmations,
        health: ConnectionHealth,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._confirmations = confirmations
        self._availability = availability
        self._google = google
        self._health = health
        self._clock = clock

    @activity.defn(no_thread_cancel_exception=True)
    def confirm_parts(self, request: ConfirmCall) -> None:
        """Store whether the product is free according to Google now, in each of these parts of questions.

        Each calendar's answer is stored as evidence. It takes one call to Google, however many questions it answers.
        Parts that were forgotten meanwhile are not asked about.

        What Google answers instead, when there is no time to repeat the call, is the reason why it is unknown.

        Raises:
            ApplicationError: Google had a fault that passes, so that the call is repeated as long as there is time.
        """
        now, key = self._clock(), ProductKey(merchant=request.merchant, product=request.product)
        if parts := self._confirmations.get_questions(request.parts):
            self._confirmations.put(key, self._confirm(key, parts, now), now)

    @activity.defn(no_thread_cancel_exception=True)
    def confirm(self, request: ConfirmRequest) -> ConfirmResults:
        """Return whether the product is free, for workflows that processes of former versions ask.

        Raises:
            ApplicationError: Google had a fault that passes, so that the call is repeated as long as there is time.
        """
        now, key = self._clock(), ProductKey(merchant=request.merchant, product=request.product)
        found = self._confirm(key, {part.id: part.interval for part in request.parts}, now)
        if any(each.evidence for each in found.values()):
            self._confirmations.put_evidence(key, found, now)
        return ConfirmResults(results=tuple(found[part.id].result for part in request.parts))

    def _confirm(self, key: ProductKey, parts: Mapping[str, Interval], now: datetime) -> Mapping[str, Confirmation]:
        """Return the answer for each part of a question, by the parts' ids."""
        inputs = self._availability.get_inputs(key.merchant, key.product, now)
        if known := _answer_without_google(inputs, now):
            return dict.fromkeys(parts, known)
        assert inputs
        assert inputs.connection_id
        whole = Interval(start=min(each.start for each in parts.values()), end=max(each.end for each in parts.values()))
        around = inputs.rule.extend(whole)
        try:
            with google_errors_as_application_errors(), self._health.recording(inputs.connection_id, whole_call=True):
                answers = self._google.read(inputs.connection_id, list(inputs.calendars), around)
        except ApplicationError as error:
            if _is_repeated_in_time(error, self._clock()):
                raise
            return dict.fromkeys(parts, unknown_confirmation(f"Google did not say it: {error.details[0]}"))
        readings = {each: [_reading(times, around, now)] for each, times in answers.items()}
        return {part: _confirm_part(inputs, readings, each, now) for part, each in parts.items()}


def _is_repeated_in_time(error: ApplicationError, now: datetime) -> bool:
    """Return whether Temporal repeats the activity after this error, with time enough for a call to Google."""
    info = activity.info()
    if error.non_retryable or info.schedule_to_close_timeout is None:
        return not error.non_retryable
    ends_at = info.scheduled_time + info.schedule_to_close_timeout
    return now + (error.next_retry_delay or CONFIRM_RETRY_DELAY) + _SHORTEST_CALL < ends_at


def _answer_without_google(inputs: AvailabilityInputs | None, now: datetime) -> Confirmation | None:
    """Return the answer if it does not depend on what is in Google, None if it does."""
    if inputs is None:
        return unknown_confirmation("the product is not known", now)
    if not inputs.calendars:
        return Confirmation(answer=Verdict.YES, checked_at=now, because="no calendar blocks the product")
    connected = inputs.connected and inputs.connection_id
    return None if connected else unknown_confirmation("Google is not connected", now)


def _reading(times: BusyTimes, interval: Interval, now: datetime) -> Reading:
    good_until = now + _LIVE_READING_VALIDITY
    return Reading(interval=interval, read_at=now, good_until=good_until, busy=times.busy, error=times.error)


def _confirm_part(inputs: AvailabilityInputs, readings: Readings, interval: Interval, now: datetime) -> Confirmation:
    verdict, because = _verdict(compute_availability(readings, inputs.calendars, interval, now, inputs.rule))
    around = inputs.rule.extend(interval)
    evidence = (
        Evidence(
            calendar=inputs.calendars[calendar],
            busy=tuple(each for each in reading.busy if each.overlaps(around)),
            error=reading.error,
        )
        for calendar, (reading,) in readings.items()
    )
    return Confirmation(answer=verdict, checked_at=now, because=because, evidence=tuple(evidence))


def _verdict(found: Availability) -> tuple[Verdict, str]:
    states = {slot.state for slot in found.slots}
    if SlotState.BUSY in states:
        return Verdict.NO, "it is busy, by the calendars that block the product"
    if SlotState.UNKNOWN in states:
        return Verdict.UNKNOWN, "calendars that block the product could not be read"
    return Verdict.YES, "it is free, by the calendars that block the product"
