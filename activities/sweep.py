"""Sweep activity: signal, and so start, the workflows of rows that nobody has taken up."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import activity
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError, RPCStatusCode

from slotsync.domain.availability.messages import ProductKey, is_about_merchant
from slotsync.domain.calendars.messages import CalendarRequest
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.domain.sweep import SweepRequest, SweepResult
from slotsync.domain.workflow_ids import (
    availability_id,
    calendar_id,
    connection_id,
    reservation_id,
    switch_id,
)
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.watched_products import WatchedProducts
from slotsync.store.calendars.merchant_switches import MerchantSwitches
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.database.due_rows import DueRows, Key
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.webhook_messages import WebhookMessages
from slotsync.temporal.search_attributes import RUNNING, TROUBLED
from slotsync.temporal.signals import (
    MAX_PARALLEL_SIGNALS,
    signal_availability,
    signal_calendar,
    signal_connection,
    signal_reservation,
    signal_switch,
)
from slotsync.temporal.subjects import KINDS, Subject, read_subject

MAX_ROWS_PER_PAGE = 500
NEXT_SWEEP_DELAY = timedelta(hours=1)
"""The time for which a row that was signalled is left to its workflow."""

SWEPT_COUNTER = "slotsync_swept_workflows"

Row = TypeVar("Row")

logger = logging.getLogger(__name__)


class SweepActivities:
    """Activity that brings back what was lost: signals, terminated or failed workflows, Temporal's database."""

    def __init__(self, client: Client, store: Store, vault: Vault) -> None:
        self._client = client
        self._store = store
        self._blocking_calendars = BlockingCalendars(store, vault)
        self._connections = ConnectionIntents(store)
        self._messages = WebhookMessages(store, vault)
        self._owners = Owners(store)
        self._reservations = Reservations(store, vault)
        self._switches = MerchantSwitches(store)
        self._watched_products = WatchedProducts(store)
        self._due_rows = {
            "reservation": self._reservations.due_rows,
            "calendar": self._owners.due_rows,
            "connection": self._connections.due_rows,
            "availability": self._watched_products.due_rows,
            "switch": self._switches.due_rows,
        }

    @activity.defn
    async def sweep(self, request: SweepRequest) -> SweepResult:
        """Signal the workflows of what is due, and with ``everything`` those that should run and do not."""
        found = SweepResult(
            connections=await self._sweep_connections(),
            switches=await self._sweep_switches(),
            calendars=await self._sweep_calendars(),
            products=await self._sweep_products(),
            reservations=await self._sweep_reservations(),
        )
        if request.everything:
            found = await self._sweep_missing(found)
        activity.metric_meter().create_counter(SWEPT_COUNTER, "workflows that the sweep signalled or started").add(
            found.total
        )
        return found

    async def _now(self) -> datetime:
        return await asyncio.to_thread(self._store.now)

    async def _sweep_connections(self) -> int:
        now = await self._now()
        merchants = await asyncio.to_thread(self._connections.find_due, now)
        count = await self._signal_all(merchants, self._signal_connection)
        await _postpone(self._connections.due_rows, [(merchant,) for merchant in merchants], now)
        return count

    async def _sweep_switches(self) -> int:
        now = await self._now()
        merchants = await asyncio.to_thread(self._switches.find_due, now)
        count = await self._signal_all(merchants, self._signal_switch)
        await _postpone(self._switches.due_rows, [(merchant,) for merchant in merchants], now)
        return count

    async def _sweep_calendars(self) -> int:
        now = await self._now()
        owners = await asyncio.to_thread(self._owners.find_due, now)
        count = await self._signal_all(owners, self._signal_calendar)
        await _postpone(self._owners.due_rows, [(name, owner.kind.value, owner.id) for name, owner in owners], now)
        return count

    async def _sweep_products(self) -> int:
        """Signal the products that are due, and those with messages that should have been sent."""
        now = await self._now()
        due = await asyncio.to_thread(self._watched_products.find_due, now)
        unsent = await asyncio.to_thread(self._messages.find_due, now)
        count = await self._signal_all(tuple(dict.fromkeys((*due, *unsent))), self._signal_product)
        await _postpone(self._watched_products.due_rows, [(key.merchant, key.product) for key in due], now)
        await _postpone(self._messages.due_rows, [(key.merchant, key.product) for key in unsent], now)
        return count

    async def _sweep_reservations(self) -> int:
        """Signal what is due, page by page, each with something of every merchant."""
        count, now = 0, await self._now()
        while keys := await asyncio.to_thread(self._reservations.find_due, now, limit=MAX_ROWS_PER_PAGE):
            count += await self._signal_all(keys, self._signal_reservation)
            await _postpone(self._reservations.due_rows, [(key.merchant, key.reservation) for key in keys], now)
        return count

    async def _sweep_missing(self, found: SweepResult) -> SweepResult:
        """Compare what Temporal runs with what should run. Its index is late: a workflow that runs loses nothing."""
        running = {each.id async for each in self._client.list_workflows(RUNNING)}
        merchants = await asyncio.to_thread(self._connections.find_unfinished)
        switches = await asyncio.to_thread(self._switches.find_unfinished)
        owners = await asyncio.to_thread(self._owners.find_unfinished)
        products = await asyncio.to_thread(self._find_watched)
        counts = {
            "connections": await self._signal_all(
                [each for each in merchants if connection_id(each) not in running], self._signal_connection
            ),
            "switches": await self._signal_all(
                [each for each in switches if switch_id(each) not in running], self._signal_switch
            ),
            "calendars": await self._signal_all(
                [each for each in owners if calendar_id(*each) not in running], self._signal_calendar
            ),
            "products": await self._signal_all(
                [each for each in products if _workflow_id(each) not in running],
                self._signal_product,
            ),
            "reservations": await self._sweep_missing_reservations(running),
        }
        before = found.model_dump()
        return SweepResult(
            **{name: before[name] + count for name, count in counts.items()}, problems=await self._record_problems()
        )

    def _find_watched(self) -> list[ProductKey]:
        """Return the products that calendars block and that no operator has stopped, and those with messages."""
        stopped = set(self._watched_products.find_stopped())
        watched = [key for key in self._blocking_calendars.find_products() if key not in stopped]
        return list(dict.fromkeys((*watched, *self._messages.find_products())))

    async def _sweep_missing_reservations(self, running: Collection[str]) -> int:
        count, after = 0, ReservationKey(merchant="", reservation="")
        while page := await asyncio.to_thread(
            self._reservations.find_unfinished, await self._now(), limit=MAX_ROWS_PER_PAGE, after=after
        ):
            missing = [key for key in page if reservation_id(key.merchant, key.reservation) not in running]
            count += await self._signal_all(missing, self._signal_reservation)
            after = page[-1]
        return count

    async def _record_problems(self) -> int:
        """Record of which workflows Temporal reports that they cannot go on; return how many."""
        problems: dict[str, dict[Subject, str]] = {kind: {} for kind in KINDS}
        async for each in self._client.list_workflows(TROUBLED):
            if found := await read_subject(self._client, each.id):
                kind, subject = found
                problems[kind][subject] = _describe(each)
        for kind, rows in self._due_rows.items():
            await asyncio.to_thread(rows.record_problems, problems[kind])
        return sum(map(len, problems.values()))

    async def _signal_all(self, rows: Sequence[Row], signal: Callable[[Row], Awaitable[object]]) -> int:
        """Signal the rows' workflows, some side by side, and return how many."""
        count = 0
        for start in range(0, len(rows), MAX_PARALLEL_SIGNALS):
            activity.heartbeat()
            page = rows[start : start + MAX_PARALLEL_SIGNALS]
            count += sum(await asyncio.gather(*(_is_signalled(signal, row) for row in page)))
        return count

    async def _signal_reservation(self, key: ReservationKey) -> None:
        await signal_reservation(self._client, key, "check")

    async def _signal_calendar(self, row: tuple[str, Owner]) -> None:
        merchant, owner = row
        await signal_calendar(self._client, CalendarRequest(merchant=merchant, owner=owner), "check")

    async def _signal_switch(self, merchant: str) -> None:
        await signal_switch(self._client, merchant)

    async def _signal_connection(self, merchant: str) -> None:
        await signal_connection(self._client, merchant, "check")

    async def _signal_product(self, key: ProductKey) -> None:
        if is_about_merchant(key):
            await self._signal_connection(key.merchant)
        else:
            await signal_availability(self._client, key.merchant, key.product)


def _workflow_id(key: ProductKey) -> str:
    """Return the id of the workflow that delivers the messages with this key."""
    if is_about_merchant(key):
        return connection_id(key.merchant)
    return availability_id(key.merchant, key.product)


async def _is_signalled(signal: Callable[[Row], Awaitable[object]], row: Row) -> bool:
    """Return whether the row's workflow was signalled: one that Temporal refuses holds up no other one.

    Raises:
        RPCError: Temporal does not answer.
    """
    try:
        await signal(row)
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        logger.exception("the workflow of %s cannot be signalled", row)
        return False
    return True


async def _postpone(due_rows: DueRows, keys: Sequence[Key], now: datetime) -> None:
    """Leave the rows to their workflows for a while, page by page: PostgreSQL takes 65,535 parameters at once."""
    for start in range(0, len(keys), MAX_ROWS_PER_PAGE):
        page = keys[start : start + MAX_ROWS_PER_PAGE]
        await asyncio.to_thread(due_rows.postpone, page, now, now + NEXT_SWEEP_DELAY)


def _describe(troubled: WorkflowExecution) -> str:
    """Return what Temporal reports about a workflow, such as a task that fails again and again."""
    pairs = troubled.typed_search_attributes.search_attributes
    return "; ".join(str(pair.value) for pair in pairs if pair.key.name == "TemporalReportedProblems")
