"""Publications: the availability of each product that the platform knows."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from slotsync.domain.availability.availability import Availability, Slot
from slotsync.domain.availability.changes import (
    PublishedAvailability,
    changed_intervals,
    last_known_busy_intervals,
    newly_busy_intervals,
    slots_within,
)
from slotsync.domain.availability.intervals import Interval, merged_intervals
from slotsync.domain.availability.messages import Publication, PublishRequest, message_id
from slotsync.domain.messages import Message
from slotsync.domain.webhooks import (
    AvailabilityChanged,
    ConflictFound,
    Webhook,
    WebhookData,
    WebhookSlot,
    build_webhook,
)
from slotsync.secrets import Vault
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.reservations.booked_times import BookedTimes
from slotsync.store.tables.availability import PublishedAvailabilityRow
from slotsync.store.webhook_messages import WebhookMessages

_TABLE = table_of(PublishedAvailabilityRow)


class _PublishedSlots(Message):
    """The encrypted part of a published availability."""

    slots: tuple[Slot, ...] = ()
    busy: tuple[Interval, ...] = ()


def _replace(insert: Insert) -> Insert:
    values = {name: insert.excluded[name] for name in ("number", "token", "starts_at", "ends_at", "slots")}
    return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=values)


_PUT = Upsert(_TABLE, _replace)


class Publications:
    """Stores the last publication of each product. Without ``webhooks`` no messages to the platform are recorded."""

    def __init__(self, store: Store, vault: Vault, *, webhooks: bool) -> None:
        self._store = store
        self._vault = vault
        self._webhooks = webhooks
        self._booked = BookedTimes(store)
        self._messages = WebhookMessages(store, vault)

    def get_last(self, merchant: str, product: str) -> PublishedAvailability | None:
        """Return the availability of a product that was published last, or None if none was."""
        with self._store.read() as session:
            row = session.get(PublishedAvailabilityRow, (merchant, product))
            return self._published(row) if row else None

    def publish(self, request: PublishRequest, availability: Availability, now: datetime) -> Publication:
        """Publish the changes since the last publication, all or none of them, and once for each token."""
        with self._store.write() as connection:
            row = self._row(connection, request)
            if row and row.token == request.token:
                return self._repeated(connection, row)
            before = self._published(row) if row else None
            changed = changed_intervals(before, availability)
            number = row.number if row else 0
            if not changed:
                return Publication(number=number)
            self._put(connection, request, number + 1, availability, last_known_busy_intervals(before, availability))
            conflicts = self._conflicts(connection, request, before, availability, now)
            change = self._change(connection, request, number + 1, availability, changed)
            messages = self._put_messages(connection, request, [change, *conflicts], now) if self._webhooks else ()
            return Publication(number=number + 1, changed=changed, messages=tuple(messages), conflicts=len(conflicts))

    def _row(self, connection: Connection, request: PublishRequest) -> PublishedAvailabilityRow | None:
        own = select(_TABLE).filter_by(merchant=request.merchant, product=request.product).with_for_update()
        found = connection.execute(own).mappings().one_or_none()
        return PublishedAvailabilityRow.model_validate(found) if found else None

    def _published(self, row: PublishedAvailabilityRow) -> PublishedAvailability:
        content = (
            _PublishedSlots.model_validate_json(self._vault.decrypt(row.slots)) if row.slots else _PublishedSlots()
        )
        interval = Interval(start=row.starts_at, end=row.ends_at)
        return PublishedAvailability(interval=interval, slots=content.slots, busy=content.busy)

    def _put(
        self,
        connection: Connection,
        request: PublishRequest,
        number: int,
        availability: Availability,
        busy: tuple[Interval, ...],
    ) -> None:
        content = _PublishedSlots(slots=availability.slots, busy=busy)
        _PUT.run(
            connection,
            merchant=request.merchant,
            product=request.product,
            number=number,
            token=request.token,
            starts_at=availability.span.start,
            ends_at=availability.span.end,
            slots=self._vault.encrypt(content.model_dump_json()),
        )

    def _conflicts(
        self,
        connection: Connection,
        request: PublishRequest,
        before: PublishedAvailability | None,
        availability: Availability,
        now: datetime,
    ) -> list[ConflictFound]:
        """Return the booked times that a newly busy time overlaps; each is returned once, until it is free again."""
        merchant, product = request.merchant, request.product
        self._booked.end_conflicts(connection, merchant, product, [slot.span for slot in availability.slots])
        busy = newly_busy_intervals(before, availability)
        return [
            ConflictFound(
                merchant=merchant,
                product=product,
                reservation=each.reservation,
                item=each.item,
                start=each.interval.start,
                end=each.interval.end,
                busy=tuple(interval for interval in busy if interval.overlaps(each.interval)),
            )
            for each in self._booked.mark_conflicts(connection, merchant, product, busy, now)
        ]

    def _change(
        self,
        connection: Connection,
        request: PublishRequest,
        number: int,
        availability: Availability,
        changed: Sequence[Interval],
    ) -> AvailabilityChanged:
        intervals = merged_intervals([*changed, *self._withdraw(connection, request.replaces)])
        return AvailabilityChanged(
            merchant=request.merchant,
            product=request.product,
            number=number,
            checked_at=availability.checked_at,
            complete=availability.complete,
            changed=intervals,
            slots=tuple(_webhook_slot(slot) for slot in slots_within(availability, intervals)),
        )

    def _withdraw(self, connection: Connection, replaced: str | None) -> Sequence[Interval]:
        """Withdraw a message, and return its changed intervals; none if it was delivered already."""
        body = self._messages.withdraw(connection, replaced)
        data = Webhook.model_validate_json(body).data if body else None
        return data.changed if isinstance(data, AvailabilityChanged) else ()

    def _put_messages(
        self, connection: Connection, request: PublishRequest, contents: Sequence[WebhookData], now: datetime
    ) -> Iterator[str]:
        for place, each in enumerate(contents):
            name = message_id(request.token, place)
            self._messages.put(connection, name, request.merchant, build_webhook(each, now).model_dump_json(), now)
            yield name

    def _repeated(self, connection: Connection, row: PublishedAvailabilityRow) -> Publication:
        """Return the publication again. Its changes are not stored, so that the whole interval counts as changed."""
        ids = self._messages.find_ids(connection, message_id(row.token, 0)[:-1])
        messages = tuple(sorted(ids, key=lambda each: int(each.rpartition("-")[2])))
        everything = Interval(start=row.starts_at, end=row.ends_at)
        conflicts = max(len(messages) - 1, 0)
        return Publication(number=row.number, changed=(everything,), messages=messages, conflicts=conflicts)


def _webhook_slot(slot: Slot) -> WebhookSlot:
    return WebhookSlot(start=slot.span.start, end=slot.span.end, state=slot.state, closed=slot.closed)
