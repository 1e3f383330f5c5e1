"""Webhooks of changed availability, and the availability of each product that the platform knows."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from slotsync.domain.availability.availability import Availability, Slot
from slotsync.domain.availability.changes import (
    PublishedAvailability,
    busy_intervals,
    changed_intervals,
    slots_within,
)
from slotsync.domain.availability.intervals import Interval, merged_intervals
from slotsync.domain.availability.messages import ProductKey, Publication, PublishRequest
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.messages import Message
from slotsync.domain.webhooks import (
    ALL_TYPES,
    AvailabilityChanged,
    ConflictFound,
    Webhook,
    WebhookData,
    WebhookSlot,
    WebhookType,
)
from slotsync.errors import Undecryptable
from slotsync.secrets import Vault
from slotsync.store.availability.blocked_products import read_blocking_ids
from slotsync.store.availability.subscribers import count_unsignalled
from slotsync.store.data_keys import DataKeys, MerchantKey
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.cells import cell
from slotsync.store.database.engine import Store
from slotsync.store.reservations.booked_times import BookedTimes
from slotsync.store.tables.availability import PublishedAvailabilityRow
from slotsync.store.tables.calendars import OwnerRow
from slotsync.store.tables.connections import ConnectionRow
from slotsync.store.webhook_messages import (
    MessageContent,
    MessageOrder,
    WebhookMessages,
    count_conflicts,
    count_messages,
    drop_messages,
)

_TABLE = table_of(PublishedAvailabilityRow)
_CONNECTIONS = table_of(ConnectionRow)
_OWNERS = table_of(OwnerRow)


class _PublishedSlots(Message, extra="ignore"):
    """The encrypted part of a published availability. Former versions stored more."""

    slots: tuple[Slot, ...] = ()


def _replace(insert: Insert) -> Insert:
    values = {name: insert.excluded[name] for name in ("number", "token", "starts_at", "ends_at", "slots")}
    return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=values)


_PUT = Upsert(_TABLE, _replace)


class Publications:
    """Stores the last publication of each product. Without ``webhooks`` no messages to the platform are recorded."""

    def __init__(
        self, store: Store, vault: Vault, *, webhooks: bool, types: Collection[WebhookType] = ALL_TYPES
    ) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._webhooks = webhooks
        self._booked = BookedTimes(store)
        self._messages = WebhookMessages(store, vault, types)

    def get_last(self, merchant: str, product: str) -> PublishedAvailability | None:
        """Return the availability of a product that was published last, or None if none was."""
        with self._store.read() as session:
            row = session.get(PublishedAvailabilityRow, (merchant, product))
            return self._published(session.connection(), row) if row else None

    def has_new_conflicts(self, key: ProductKey, availability: Availability, now: datetime) -> bool:
        """Return whether a booked time overlaps a time that is known to be busy, and the platform was not told yet."""
        with self._store.read() as session:
            busy = busy_intervals(availability)
            return bool(self._booked.find_conflicts(session.connection(), key.merchant, key.product, busy, now))

    def get_pending(self, key: ProductKey) -> Publication:
        """Return the number of the last publication, 0 if there was none, and what waits about the product."""
        with self._store.read() as session:
            row = session.get(PublishedAvailabilityRow, (key.merchant, key.product))
            return self._pending(session.connection(), key, row.number if row else 0)

    def publish(
        self, request: PublishRequest, availability: Availability, now: datetime, calendars: Collection[str]
    ) -> Publication:
        """Publish the changes and the new conflicts since the last publication, all or none, once for each token.

        ``calendars`` are the ids of those that the availability was computed from. Nothing is published if one of them
        was forgotten since.
        """
        with self._store.write() as connection:
            forgotten = self._is_of_forgotten_calendars(connection, request, availability, calendars)
            own = self._keys.for_writing(connection, request.merchant)
            row = self._row(connection, request)
            if row and row.token == request.token:
                return self._repeated(connection, request, row.number)
            number = row.number if row else 0
            if forgotten:
                return self._pending(connection, request, number)
            changed = changed_intervals(self._published(connection, row) if row else None, availability)
            conflicts = self._conflicts(connection, request, availability, now)
            if not (changed or conflicts):
                return self._pending(connection, request, number)
            self._put(connection, own, request, number + 1, availability)
            if self._webhooks:
                change = self._change(connection, request, number + 1, availability, changed) if changed else None
                self._put_messages(connection, request, number + 1, [change, *conflicts], now)
            published = self._pending(connection, request, number + 1)
            return published.model_copy(update={"changed": True, "conflicts": len(conflicts)})

    def _is_of_forgotten_calendars(
        self, connection: Connection, key: ProductKey, availability: Availability, calendars: Collection[str]
    ) -> bool:
        """Return whether times are not free though a calendar that they are of does not block the product any more.

        A disconnection, another account, and another choice of calendars wait until the transaction has ended.
        """
        used = select(_CONNECTIONS.c.id).where(_CONNECTIONS.c.merchant == key.merchant)
        connection.execute(used.with_for_update(read=True, key_share=True)).all()
        owner = Owner.product(key.product)
        locked = select(_OWNERS.c.id).filter_by(merchant=key.merchant, kind=owner.kind.value, id=owner.id)
        connection.execute(locked.with_for_update(read=True)).all()
        if not availability.slots:
            return False
        blocking = read_blocking_ids(connection, self._keys, key.merchant, owner)
        return not blocking or not blocking.issuperset(calendars)

    def _pending(self, connection: Connection, key: ProductKey, number: int) -> Publication:
        messages, subscribers = count_messages(connection, key), count_unsignalled(connection, key, number)
        return Publication(number=number, messages=messages, subscribers=subscribers)

    def _row(self, connection: Connection, request: PublishRequest) -> PublishedAvailabilityRow | None:
        own = select(_TABLE).filter_by(merchant=request.merchant, product=request.product).with_for_update()
        found = connection.execute(own).mappings().one_or_none()
        return PublishedAvailabilityRow.model_validate(found) if found else None

    def _published(self, connection: Connection, row: PublishedAvailabilityRow) -> PublishedAvailability:
        interval = Interval(start=row.starts_at, end=row.ends_at)
        slots = _read_slots(connection, self._keys, row)
        return PublishedAvailability(interval=interval, slots=slots or (), forgotten=slots is None)

    def _put(
        self,
        connection: Connection,
        own: MerchantKey,
        request: PublishRequest,
        number: int,
        availability: Availability,
    ) -> None:
        content = _PublishedSlots(slots=availability.slots)
        _PUT.run(
            connection,
            merchant=request.merchant,
            product=request.product,
            number=number,
            token=request.token,
            starts_at=availability.span.start,
            ends_at=availability.span.end,
            slots=own.encrypt(_TABLE.c.slots, content.model_dump_json(), product=request.product),
        )

    def _conflicts(
        self,
        connection: Connection,
        request: PublishRequest,
        availability: Availability,
        now: datetime,
    ) -> list[ConflictFound]:
        """Return the booked times that a busy time overlaps, whichever was first; each once, until it is free again."""
        merchant, product = request.merchant, request.product
        self._booked.end_conflicts(connection, merchant, product, [slot.span for slot in availability.slots], now)
        busy = busy_intervals(availability)
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
        intervals = merged_intervals([*changed, *self._withdraw(connection, request)])
        return AvailabilityChanged(
            merchant=request.merchant,
            product=request.product,
            number=number,
            checked_at=availability.checked_at,
            complete=availability.complete,
            changed=intervals,
            slots=tuple(_webhook_slot(slot) for slot in slots_within(availability, intervals)),
        )

    def _withdraw(self, connection: Connection, key: ProductKey) -> Sequence[Interval]:
        """Withdraw the newest message that was not sent yet, and return its changed intervals; none without one."""
        body = self._messages.withdraw_newest(connection, key)
        data = Webhook.model_validate_json(body).data if body else None
        return data.changed if isinstance(data, AvailabilityChanged) else ()

    def _put_messages(
        self,
        connection: Connection,
        request: PublishRequest,
        number: int,
        contents: Sequence[WebhookData | None],
        now: datetime,
    ) -> None:
        """Record the messages; at the place 0 is what has changed, None if only conflicts are told."""
        key = ProductKey(merchant=request.merchant, product=request.product)
        for place, each in enumerate(contents):
            if each is None:
                continue
            content = MessageContent.build(each, now)
            self._messages.put(
                connection, f"msg_{request.token}-{place}", key, MessageOrder(number, place), content, now
            )

    def _repeated(self, connection: Connection, key: ProductKey, number: int) -> Publication:
        """Return the publication again. Of its conflicts it counts those of which no message was accepted yet."""
        conflicts = count_conflicts(connection, key, number)
        return self._pending(connection, key, number).model_copy(update={"changed": True, "conflicts": conflicts})


def forget_published(
    connection: Connection, keys: DataKeys | None, merchant: str, product: str | None = None
) -> list[str]:
    """Forget the busy times that were published of the merchant, or of one product, and drop the messages that wait.

    Return the products. Their next publication says that every time may have changed. Each has one: the platform may
    not know the last. Without ``keys`` every product may have shown times.
    """
    own = select(_TABLE).where(_TABLE.c.merchant == merchant).order_by(_TABLE.c.product).with_for_update()
    found = connection.execute(own if product is None else own.where(_TABLE.c.product == product)).mappings()
    rows = [PublishedAvailabilityRow.model_validate(row) for row in found]
    waiting = drop_messages(connection, merchant, product)
    forgotten = [row.product for row in rows if row.product in waiting or _may_show_times(connection, keys, row)]
    change = update(_TABLE).where(_TABLE.c.merchant == merchant, _TABLE.c.product.in_(forgotten))
    connection.execute(change.values(slots=None))
    return forgotten


def _may_show_times(connection: Connection, keys: DataKeys | None, row: PublishedAvailabilityRow) -> bool:
    try:
        return keys is None or _read_slots(connection, keys, row) != ()
    except Undecryptable:
        return True


def _read_slots(connection: Connection, keys: DataKeys, row: PublishedAvailabilityRow) -> tuple[Slot, ...] | None:
    """Return the slots that were published last, or None if they were forgotten."""
    if row.slots is None:
        return None
    place = cell(_TABLE.c.slots, row.merchant, product=row.product)
    return _PublishedSlots.model_validate_json(keys.decrypt(connection, place, row.slots)).slots


def _webhook_slot(slot: Slot) -> WebhookSlot:
    return WebhookSlot(start=slot.span.start, end=slot.span.end, state=slot.state, closed=slot.closed)
