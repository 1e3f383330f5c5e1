"""The Python client: report reservations, read their status and availability, switch synchronization."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Self

from temporalio.client import Client

from slotsync.domain.availability.availability import Availability
from slotsync.domain.availability.confirmation import Confirmation
from slotsync.domain.availability.explanation import Explanation
from slotsync.domain.availability.horizon import Horizon
from slotsync.domain.calendars.choices import Choices, Chooser
from slotsync.domain.calendars.owner import Owner, OwnerChanges, OwnerSettings, Switch
from slotsync.domain.merchant import MerchantDetails
from slotsync.domain.reservations.reservation_filter import ReservationFilter
from slotsync.domain.reservations.snapshot import Reservation, ReservationStatus
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.audit_log import AuditLog
from slotsync.store.calendars.merchant_switches import SwitchProgress
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.temporal.options import connect
from starter.services.audits import AuditService, CalendarAudit
from starter.services.availability import AvailabilityService
from starter.services.confirmations import ConfirmationService
from starter.services.instance import InstanceCheck
from starter.services.message_checks import check_again
from starter.services.reports import Reported, ReportService
from starter.services.resumption import ResumptionService
from starter.services.status import Overview, ReservationLine, StatusService, SyncStatus
from starter.services.sync_switch import BackfillProgress, SyncSwitch, require_identifier

CONFIRM_TIMEOUT = timedelta(seconds=2)
DEFAULT_HORIZON = Horizon()


class Slotsync:
    """The client of a booking platform. One object serves many calls at once.

    Calls that change or confirm something raise ``SettingsError`` if the workers have other keys or another database.
    """

    def __init__(self, client: Client, store: Store, vault: Vault, horizon: Horizon = DEFAULT_HORIZON) -> None:
        self._client = client
        self._instance = InstanceCheck(client, store, vault)
        self._audits = AuditService(client, store)
        self._availability = AvailabilityService(store, vault, horizon)
        self._confirmations = ConfirmationService(client, store, vault, horizon)
        self._merchants = Merchants(store, vault, AuditLog(store, vault))
        self._owners = Owners(store)
        self._reports = ReportService(client, store, vault)
        self._resumption = ResumptionService(client, store, vault)
        self._status = StatusService(store, vault)
        self._sync_switch = SyncSwitch(client, store, vault)

    @classmethod
    async def connect(cls) -> Self:
        """Return a client that is configured by the environment: SLOTSYNC_* and TEMPORAL_*.

        It connects to Temporal with its first call: what only reads the database works without.

        Raises:
            SettingsError: a setting is missing or wrong; the message names the remedy.
        """
        settings = Settings.load()
        store = await asyncio.to_thread(Store.open, settings.database_url)
        await asyncio.to_thread(store.require_tables)
        vault = Vault(settings.encryption_keys)
        return cls(await connect(lazy=True), store, vault, settings.horizon)

    async def report(self, reservation: Reservation) -> Reported:
        """Report the newest state of a reservation; durable when it returns, safe to repeat.

        A version older than the newest known one changes nothing; then ``superseded`` is true.

        Raises:
            NotTaken: the report is stored, but Temporal did not answer within a few seconds; repeat the call.
            VersionConflict: this version was reported before, with another content; nothing was changed.
            InputError: a field is wrong: the reservation is a copy that was made with changes.
        """
        checked = check_again(reservation)
        async with self._instance.required():
            return await self._reports.report(checked)

    async def audit(
        self, merchant: str, calendar: str | None = None, *, repair: bool | None = None
    ) -> list[CalendarAudit]:
        """Compare a merchant's managed calendars with its reservations, or one; return what was found in each.

        ``calendar`` is its id in Google, or ``product:`` or ``resource:`` with an id. With ``repair`` what people
        changed is put right by the reservations' workflows; None is what the merchant has chosen.

        Raises:
            UnknownSubject: the merchant has no such calendar.
            NotTaken: Temporal did not answer.
        """
        async with self._instance.required():
            return await self._audits.audit(merchant, calendar, repair=repair)

    async def cancel(self, merchant: str, reservation: str, *, version: int) -> Reported:
        """Cancel a reservation: its events are deleted from Google.

        Raises:
            NotTaken: it is stored, but Temporal did not answer within a few seconds; repeat the call.
            VersionConflict: this version was reported before, with another content; nothing was changed.
        """
        cancelled = Reservation(merchant=merchant, id=reservation, version=version, status=ReservationStatus.CANCELLED)
        return await self.report(cancelled)

    async def resume(self, merchant: str, reservation: str | None = None) -> int:
        """Go on with a reservation that an operator stopped, or with all that was stopped of the merchant.

        Return the number of reservations, calendars, products, connections and switches that go on.

        Raises:
            NotTaken: nothing of it is stopped any more, but Temporal did not answer within a few seconds.
        """
        async with self._instance.required():
            return await self._resumption.resume(merchant, reservation)

    async def put_merchant(self, merchant: str, details: MerchantDetails, *, override: bool = False) -> None:
        """Add a merchant, or change what is known of it. What is left out stays, and None removes it.

        Its ``defaults`` are for products and resources that are added afterwards. ``on_drift`` stays as the merchant
        has chosen it on the settings page, unless with ``override``.

        Raises:
            InputError: the merchant's id cannot be one, or a field is wrong.
        """
        require_identifier("merchant", merchant)
        checked = check_again(details)
        async with self._instance.required():
            await asyncio.to_thread(self._merchants.put, merchant, checked, override=override)

    async def put_owner(
        self,
        merchant: str,
        owner: Owner,
        changes: OwnerChanges,
        *,
        chooser: Chooser = Chooser.PLATFORM,
        override: bool = False,
    ) -> None:
        """Add a product or resource, or change its settings; its calendar follows. What is left out stays.

        A new one has the merchant's ``defaults`` for what is left out.
        What the merchant has chosen itself stays, too, unless with ``override``.

        Raises:
            InputError: the product or resource is new, and has no name; an id cannot be one, or a field is wrong.
        """
        checked = check_again(changes)
        async with self._instance.required():
            await self._sync_switch.put_owner(merchant, owner, checked, chooser, override=override)

    async def delete_owner(self, merchant: str, owner: Owner, *, remove_events: bool) -> None:
        """Delete a product or resource; its calendar and our events in it are removed from Google, or stay.

        Raises:
            InputError: the product or resource is not known.
        """
        async with self._instance.required():
            await self._sync_switch.delete_owner(merchant, owner, remove_events=remove_events)

    async def turn_on(
        self,
        merchant: str,
        owner: Owner | None = None,
        *,
        chooser: Chooser = Chooser.PLATFORM,
        override: bool = False,
    ) -> None:
        """Turn on synchronization of a product or resource, or of the whole merchant, and fill its calendar.

        Raises:
            InputError: the product or resource is not known, or the merchant has turned it off itself, and there is
                no ``override``.
        """
        async with self._instance.required():
            await self._sync_switch.switch(merchant, owner, Switch(sync=True), chooser, override=override)

    async def turn_off(
        self,
        merchant: str,
        owner: Owner | None = None,
        *,
        remove_events: bool,
        chooser: Chooser = Chooser.PLATFORM,
        override: bool = False,
    ) -> None:
        """Turn off synchronization. Our events stay as they are, or are removed together with the calendar.

        The switch of a product or resource counts before that of the whole merchant: one that was turned off with its
        events kept keeps them, until it is turned off with their removal.

        Raises:
            InputError: the product or resource is not known, or the merchant has turned it on itself, and there is no
                ``override``.
        """
        async with self._instance.required():
            switch = Switch(sync=False, remove_events=remove_events)
            await self._sync_switch.switch(merchant, owner, switch, chooser, override=override)

    async def backfill_progress(self, merchant: str, owner: Owner) -> BackfillProgress:
        """Return the progress of filling a product's or resource's calendar after synchronization was turned on."""
        return await self._sync_switch.get_backfill_progress(merchant, owner)

    async def switch_progress(self, merchant: str) -> SwitchProgress | None:
        """Return how many products and resources know of the last switch of the whole merchant, None without one."""
        return await self._sync_switch.get_switch_progress(merchant)

    async def status(self, merchant: str, reservation: str) -> SyncStatus | None:
        """Return the sync status of a reservation, or None if it is unknown."""
        return await self._status.get(merchant, reservation)

    async def availability(
        self, merchant: str, product: str, start: datetime | date, end: datetime | date
    ) -> Availability:
        """Return the times at which a product is busy or unknown, as read last; it is free at all other times.

        Two dates are nights: from midnight to midnight in the product's time zone.

        Raises:
            InputError: the times have no zone, are in the wrong order or are further apart than the horizon, or the
                product is not known.
        """
        return await self._availability.get(merchant, product, start, end)

    async def explain(self, merchant: str, product: str, at: datetime) -> Explanation:
        """Return why a product is free, busy or unknown at a time.

        Raises:
            InputError: the time has no zone, or the product is not known.
        """
        return await self._availability.explain(merchant, product, at)

    async def confirm(
        self,
        merchant: str,
        product: str,
        start: datetime | date,
        end: datetime | date,
        *,
        within: timedelta = CONFIRM_TIMEOUT,
    ) -> Confirmation:
        """Return whether the product is free in Google now: the last check of a booking. No answer means unknown.

        Two dates are nights: from midnight to midnight in the product's time zone.

        Raises:
            InputError: the times have no zone, are in the wrong order, begin before today or are further apart than
                the horizon, the product is not known, or ``within`` is longer than 30 seconds.
            TooManyQuestions: too many about this product or merchant wait for answers; ask again soon.
        """
        async with self._instance.required():
            return await self._confirmations.confirm(merchant, product, start, end, within)

    async def subscribe(self, merchant: str, product: str, workflow_id: str) -> None:
        """Send the signal ``availability_changed`` to a workflow in slotsync's namespace at each change.

        The signal carries an ``AvailabilityChangedSignal``. A workflow that has ended is unsubscribed.

        Raises:
            InputError: the product is not known, or no workflow can have this id.
        """
        async with self._instance.required():
            await self._confirmations.subscribe(merchant, product, workflow_id)

    async def unsubscribe(self, merchant: str, product: str, workflow_id: str) -> None:
        """Stop sending the signal to the workflow.

        Raises:
            InputError: the product is not known.
        """
        async with self._instance.required():
            await self._confirmations.unsubscribe(merchant, product, workflow_id)

    async def require_instance(self) -> None:
        """Check that the workers use the keys and the database of this process, as far as Temporal answers in a second.

        Raises:
            SettingsError: they have other keys, or another database; names the remedy.
        """
        await self._instance.require_soon()

    async def details_of(self, merchant: str) -> MerchantDetails | None:
        """Return what the platform said of the merchant, or None if it is unknown."""
        return await asyncio.to_thread(self._merchants.get, merchant)

    async def settings_of(self, merchant: str, owner: Owner) -> OwnerSettings | None:
        """Return the settings of a product or resource, or None if it is unknown."""
        return await asyncio.to_thread(self._owners.get, merchant, owner)

    async def choices_of(self, merchant: str, owner: Owner) -> Choices | None:
        """Return the settings of a product or resource, and which the merchant chose itself, or None if unknown."""
        return await asyncio.to_thread(self._owners.get_choices, merchant, owner)

    async def reservations(
        self, merchant: str, chosen: ReservationFilter, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[ReservationLine]:
        """Return the chosen reservations with their status, by when they were last reported.

        To go on, give ``changed_at`` and ``reservation`` of the last one as ``after``.
        """
        return await self._status.list_reservations(merchant, chosen, limit, after)

    async def overview(self, merchant: str | None = None) -> Overview:
        """Return the number of events by merchant and state; of all merchants if ``merchant`` is None."""
        return await self._status.get_overview(merchant)

    async def settled_versions(self, merchant: str) -> dict[str, int]:
        """Return the newest version of each reservation that Google has shown in full, by reservation id."""
        return await self._status.get_settled_versions(merchant)
