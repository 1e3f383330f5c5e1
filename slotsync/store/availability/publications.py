"""What the platform was told of each product's availability."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from slotsync.domain.availability.availability import Availability, Slot
from slotsync.domain.availability.changes import Published, changed, last_known_busy, newly_busy, slots_in
from slotsync.domain.availability.intervals import Interval, merged_intervals
from slotsync.domain.availability.messages import Publication, PublishRequest, message_id
from slotsync.domain.messages import Message
from slotsync.domain.webhooks import AvailabilityChanged, ConflictFound, Webhook, WebhookData, WebhookSlot, webhook
from slotsync.secrets import Vault
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.reservations.booked_times import BookedTimes
from slotsync.store.tables.availability import PublishedAvailabilityRow, WebhookMessageRow
from slotsync.store.webhook_messages import WebhookMessages

_TABLE = table_of(PublishedAvailabilityRow)
_MESSAGES = table_of(WebhookMessageRow)


class _Told(Message):
    """What rests sealed of a publication."""

    slots: tuple[Slot, ...] = ()
    busy: tuple[Interval, ...] = ()


def _replace(insert: Insert) -> Insert:
    told = {name: insert.excluded[name] for name in ("number", "token", "starts_at", "ends_at", "slots")}
    return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=told)


_PUT = Upsert(_TABLE, _replace)


class Publications:
    """Keeps what was told last. Without ``webhooks`` the platform asks by itself, and no messages are noted for it."""

    def __init__(self, store: Store, vault: Vault, *, webhooks: bool) -> None:
        self._store = store
        self._vault = vault
        self._webhooks = webhooks
        self._booked = BookedTimes(store)
        self._messages = WebhookMessages(store, vault)

    def last(self, merchant: str, product: str) -> Published | None:
        """What was told last of a product; nothing if nothing ever was."""
        with self._store.read() as session:
            row = session.get(PublishedAvailabilityRow, (merchant, product))
            return self._published(row) if row else None

    def publish(self, subject: PublishRequest, availability: Availability, now: datetime) -> Publication:
        """Tells what is new since then, all of it or nothing; once for each token."""
        with self._store.write() as connection:
            row = self._row(connection, subject)
            if row and row.token == subject.token:
                return _again(connection, row)
            before = self._published(row) if row else None
            spans = changed(before, availability)
            number = row.number if row else 0
            if not spans:
                return Publication(number=number)
            self._put(connection, subject, number + 1, availability, last_known_busy(before, availability))
            found = self._conflicts(connection, subject, before, availability, now)
            news = self._news(connection, subject, number + 1, availability, spans)
            return Publication(
                number=number + 1,
                changed=spans,
                messages=tuple(self._note(connection, subject, [news, *found], now)) if self._webhooks else (),
                conflicts=len(found),
            )

    def _row(self, connection: Connection, subject: PublishRequest) -> PublishedAvailabilityRow | None:
        own = select(_TABLE).filter_by(merchant=subject.merchant, product=subject.product).with_for_update()
        found = connection.execute(own).mappings().one_or_none()
        return PublishedAvailabilityRow.model_validate(found) if found else None

    def _published(self, row: PublishedAvailabilityRow) -> Published:
        told = _Told.model_validate_json(self._vault.decrypt(row.slots)) if row.slots else _Told()
        return Published(span=Interval(start=row.starts_at, end=row.ends_at), slots=told.slots, busy=told.busy)

    def _put(
        self,
        connection: Connection,
        subject: PublishRequest,
        number: int,
        told: Availability,
        busy: tuple[Interval, ...],
    ) -> None:
        _PUT.run(
            connection,
            merchant=subject.merchant,
            product=subject.product,
            number=number,
            token=subject.token,
            starts_at=told.span.start,
            ends_at=told.span.end,
            slots=self._vault.encrypt(_Told(slots=told.slots, busy=busy).model_dump_json()),
        )

    def _conflicts(
        self,
        connection: Connection,
        subject: PublishRequest,
        before: Published | None,
        availability: Availability,
        now: datetime,
    ) -> list[ConflictFound]:
        """The reservations that a busy time has come over since; each is found once, until it is free again."""
        merchant, product = subject.merchant, subject.product
        self._booked.resolved(connection, merchant, product, [slot.span for slot in availability.slots])
        busy = newly_busy(before, availability)
        return [
            ConflictFound(
                merchant=merchant,
                product=product,
                reservation=each.reservation,
                item=each.item,
                start=each.span.start,
                end=each.span.end,
                busy=tuple(span for span in busy if span.overlaps(each.span)),
            )
            for each in self._booked.conflicts(connection, merchant, product, busy, now)
        ]

    def _news(
        self,
        connection: Connection,
        subject: PublishRequest,
        number: int,
        availability: Availability,
        spans: Sequence[Interval],
    ) -> AvailabilityChanged:
        told = merged_intervals([*spans, *self._taken_back(connection, subject.replaces)])
        return AvailabilityChanged(
            merchant=subject.merchant,
            product=subject.product,
            number=number,
            checked_at=availability.checked_at,
            complete=availability.complete,
            changed=told,
            slots=tuple(_told(slot) for slot in slots_in(availability, told)),
        )

    def _taken_back(self, connection: Connection, replaced: str | None) -> Sequence[Interval]:
        """What a message would have told that is not to be delivered any more; nothing if it was delivered already."""
        own = _MESSAGES.c.id == replaced
        body = connection.execute(select(_MESSAGES.c.body).where(own)).scalar()
        connection.execute(delete(_MESSAGES).where(own))
        news = Webhook.model_validate_json(self._vault.decrypt(body)).data if body else None
        return news.changed if isinstance(news, AvailabilityChanged) else ()

    def _note(
        self, connection: Connection, subject: PublishRequest, news: Sequence[WebhookData], now: datetime
    ) -> Iterator[str]:
        for place, each in enumerate(news):
            named = message_id(subject.token, place)
            self._messages.put(connection, named, subject.merchant, webhook(each, now).model_dump_json(), now)
            yield named


def _told(slot: Slot) -> WebhookSlot:
    return WebhookSlot(start=slot.span.start, end=slot.span.end, state=slot.state, closed=slot.closed)


def _again(connection: Connection, row: PublishedAvailabilityRow) -> Publication:
    """What was published, for who has not heard the answer. What was new in it is not kept: all of it may be."""
    messages = _noted(connection, row.token)
    everything = Interval(start=row.starts_at, end=row.ends_at)
    return Publication(number=row.number, changed=(everything,), messages=messages, conflicts=max(len(messages) - 1, 0))


def _noted(connection: Connection, token: str) -> tuple[str, ...]:
    """The messages that were noted with this token, in order."""
    own = select(_MESSAGES.c.id).where(_MESSAGES.c.id.startswith(message_id(token, 0)[:-1], autoescape=True))
    return tuple(sorted(connection.execute(own).scalars(), key=lambda each: int(each.rpartition("-")[2])))
