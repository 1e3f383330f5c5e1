from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from slotsync.domain.availability.availability import Availability, Slot, SlotState
from slotsync.domain.availability.changes import PublishedAvailability
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import Publication, PublishRequest
from slotsync.domain.reservations.booked_time import BookedTime
from slotsync.domain.webhooks import AvailabilityChanged, ConflictFound, Webhook, WebhookData, WebhookSlot
from slotsync.secrets import Vault
from slotsync.store.availability.publications import Publications
from slotsync.store.database.engine import Store
from slotsync.store.merchants import ensure_merchant
from slotsync.store.reservations.booked_times import BookedTimes
from slotsync.store.webhook_messages import WebhookMessages

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def hours(start: float, end: float) -> Interval:
    return Interval(start=NOON + timedelta(hours=start), end=NOON + timedelta(hours=end))


DAY = hours(0, 24)
MORNING, EVENING = hours(1, 2), hours(8, 9)


def available(*busy: Interval, unknown: Sequence[Interval] = (), span: Interval = DAY) -> Availability:
    """Return an availability that is free but for these times."""
    slots = [Slot(span=each, state=SlotState.BUSY, closed=True) for each in busy]
    slots += [Slot(span=each, state=SlotState.UNKNOWN, closed=True) for each in unknown]
    return Availability(span=span, checked_at=NOON, complete=not unknown, slots=tuple(slots))


class PublicationHarness:
    """Publishes one product of one merchant."""

    def __init__(self, store: Store, vault: Vault, *, webhooks: bool = True) -> None:
        self._store = store
        self._publications = Publications(store, vault, webhooks=webhooks)
        self._messages = WebhookMessages(store, vault)
        with store.write() as connection:
            ensure_merchant(connection, "m")

    def publish(
        self, token: str, availability: Availability, replaces: str | None = None, product: str = "tour"
    ) -> Publication:
        subject = PublishRequest(merchant="m", product=product, token=token, replaces=replaces)
        return self._publications.publish(subject, availability, NOON)

    def last(self, product: str = "tour") -> PublishedAvailability | None:
        return self._publications.get_last("m", product)

    def book(self, item: str, span: Interval, product: str = "tour") -> None:
        booked = BookedTime(reservation="R-1", item=item, product=product, interval=span)
        with self._store.write() as connection:
            BookedTimes(self._store).replace(connection, "m", "R-1", [booked], NOON)

    def read_data(self, message: str) -> WebhookData:
        body = self._messages.get_body(message)
        assert body, "it is not to be delivered"
        return Webhook.model_validate_json(body).data

    def is_noted(self, message: str) -> bool:
        return self._messages.get_body(message) is not None

    def changed(self, message: str) -> AvailabilityChanged:
        availability_changed = self.read_data(message)
        assert isinstance(availability_changed, AvailabilityChanged)
        return availability_changed

    def count_messages(self) -> int:
        with self._store.read() as session:
            counted = session.connection().execute(text("SELECT count(*) FROM webhook_message"))
            return int(counted.scalar_one())


@pytest.fixture
def publisher(store: Store, vault: Vault) -> PublicationHarness:
    return PublicationHarness(store, vault)


def test_nothing_is_published_at_first(publisher: PublicationHarness) -> None:
    assert publisher.last() is None


def test_a_product_that_is_free_from_the_beginning_is_no_change(publisher: PublicationHarness) -> None:
    assert publisher.publish("t", available()) == Publication(number=0)
    assert publisher.count_messages() == 0


def test_a_change_is_stored_and_sent(publisher: PublicationHarness) -> None:
    published = publisher.publish("t", available(MORNING))
    assert published == Publication(number=1, changed=(MORNING,), messages=("msg_t-0",))
    assert publisher.last() == PublishedAvailability(interval=DAY, slots=available(MORNING).slots, busy=(MORNING,))
    assert publisher.read_data("msg_t-0") == AvailabilityChanged(
        merchant="m",
        product="tour",
        number=1,
        checked_at=NOON,
        complete=True,
        changed=(MORNING,),
        slots=(WebhookSlot(start=MORNING.start, end=MORNING.end, state=SlotState.BUSY, closed=True),),
    )


def test_only_changed_times_are_sent(publisher: PublicationHarness) -> None:
    publisher.publish("t-1", available(MORNING))
    published = publisher.publish("t-2", available(MORNING, EVENING))
    assert published.changed == (EVENING,)
    assert [slot.start for slot in publisher.changed("msg_t-2-0").slots] == [EVENING.start]


def test_a_time_that_becomes_free_is_sent_without_a_slot(publisher: PublicationHarness) -> None:
    publisher.publish("t-1", available(MORNING))
    publisher.publish("t-2", available())
    assert publisher.changed("msg_t-2-0").changed == (MORNING,)
    assert publisher.changed("msg_t-2-0").slots == ()


def test_unknown_times_are_sent_as_unknown(publisher: PublicationHarness) -> None:
    publisher.publish("t", available(unknown=[DAY]))
    assert not publisher.changed("msg_t-0").complete
    assert {slot.state for slot in publisher.changed("msg_t-0").slots} == {SlotState.UNKNOWN}


def test_nothing_new_is_no_message_and_no_number(publisher: PublicationHarness) -> None:
    publisher.publish("t-1", available(MORNING))
    assert publisher.publish("t-2", available(MORNING)) == Publication(number=1)
    assert publisher.count_messages() == 1


def test_the_number_grows_with_every_change(publisher: PublicationHarness) -> None:
    numbers = [publisher.publish(f"t-{each}", available(hours(each, each + 1))).number for each in range(5)]
    assert numbers == [1, 2, 3, 4, 5]


def test_products_are_counted_each_by_itself(publisher: PublicationHarness) -> None:
    publisher.publish("t-1", available(MORNING))
    assert publisher.publish("t-2", available(MORNING), product="kayak").number == 1


def test_a_new_day_of_the_horizon_is_a_change_only_where_it_is_not_free(publisher: PublicationHarness) -> None:
    publisher.publish("t-1", available(MORNING))
    assert not publisher.publish("t-2", available(MORNING, span=hours(0, 48))).changed
    assert publisher.publish("t-3", available(EVENING, hours(30, 31), span=hours(4, 52))).changed == (
        EVENING,
        hours(30, 31),
    )


def test_a_repeated_token_sends_nothing_twice(publisher: PublicationHarness) -> None:
    first = publisher.publish("t", available(MORNING))
    again = publisher.publish("t", available(EVENING))
    assert (again.number, again.messages) == (first.number, first.messages)
    assert publisher.count_messages() == 1
    assert publisher.last() == PublishedAvailability(interval=DAY, slots=available(MORNING).slots, busy=(MORNING,))


def test_a_repeated_publication_returns_every_earlier_change(publisher: PublicationHarness) -> None:
    publisher.book("1", MORNING)
    first = publisher.publish("t", available(MORNING))
    again = publisher.publish("t", available())
    assert first.changed
    assert all(any(span.overlaps(each) for each in again.changed) for span in first.changed)
    assert (again.messages, again.conflicts) == (first.messages, first.conflicts) == (("msg_t-0", "msg_t-1"), 1)


def test_a_message_that_replaces_another_contains_its_times_too(publisher: PublicationHarness) -> None:
    publisher.publish("t-1", available(MORNING))
    published = publisher.publish("t-2", available(EVENING), replaces="msg_t-1-0")
    assert published.messages == ("msg_t-2-0",)
    assert not publisher.is_noted("msg_t-1-0")
    publisher.publish("t-3", available(), replaces="msg_t-2-0")
    assert publisher.changed("msg_t-3-0").changed == (MORNING, EVENING)
    assert publisher.changed("msg_t-3-0").slots == ()


def test_what_is_to_be_replaced_stays_while_there_is_nothing_new(publisher: PublicationHarness) -> None:
    publisher.publish("t-1", available(MORNING))
    assert publisher.publish("t-2", available(MORNING), replaces="msg_t-1-0").messages == ()
    assert publisher.is_noted("msg_t-1-0")


def test_a_message_that_was_accepted_meanwhile_is_not_sent_again(publisher: PublicationHarness) -> None:
    publisher.publish("t-1", available(MORNING))
    published = publisher.publish("t-2", available(MORNING, EVENING), replaces="msg_gone-0")
    assert publisher.changed(published.messages[0]).changed == (EVENING,)


def test_a_busy_time_over_a_reservation_is_a_conflict_once(publisher: PublicationHarness) -> None:
    publisher.book("1", hours(1.5, 3))
    published = publisher.publish("t-1", available(MORNING))
    assert (published.messages, published.conflicts) == (("msg_t-1-0", "msg_t-1-1"), 1)
    assert publisher.read_data("msg_t-1-1") == ConflictFound(
        merchant="m",
        product="tour",
        reservation="R-1",
        item="1",
        start=NOON + timedelta(hours=1.5),
        end=NOON + timedelta(hours=3),
        busy=(MORNING,),
    )
    assert publisher.publish("t-2", available(hours(1, 3))).conflicts == 0


def test_a_resolved_conflict_can_be_found_again(publisher: PublicationHarness) -> None:
    publisher.book("1", MORNING)
    found = [
        publisher.publish(f"t-{each}", available(*busy)).conflicts for each, busy in enumerate([[MORNING], []] * 2)
    ]
    assert found == [1, 0, 1, 0]


def test_a_time_that_is_only_unknown_is_no_conflict_and_ends_none(publisher: PublicationHarness) -> None:
    publisher.book("1", MORNING)
    read_data = [available(unknown=[MORNING]), available(), available(MORNING), available(unknown=[MORNING])]
    found = [publisher.publish(f"t-{each}", availability).conflicts for each, availability in enumerate(read_data)]
    assert found == [0, 0, 1, 0]
    assert publisher.publish("t-9", available(MORNING)).conflicts == 0


def test_a_reservation_of_another_product_is_no_conflict(publisher: PublicationHarness) -> None:
    publisher.book("1", MORNING, product="kayak")
    assert publisher.publish("t", available(MORNING)).messages == ("msg_t-0",)


def test_a_platform_without_webhooks_is_sent_nothing_but_can_ask(store: Store, vault: Vault) -> None:
    publisher = PublicationHarness(store, vault, webhooks=False)
    publisher.book("1", MORNING)
    assert publisher.publish("t", available(MORNING)) == Publication(number=1, changed=(MORNING,), conflicts=1)
    assert publisher.count_messages() == 0
    assert publisher.last() == PublishedAvailability(interval=DAY, slots=available(MORNING).slots, busy=(MORNING,))


def test_published_slots_are_stored_encrypted(store: Store, publisher: PublicationHarness) -> None:
    publisher.publish("t", available(MORNING))
    with store.read() as session:
        (row,) = session.connection().execute(text("SELECT slots FROM published_availability")).all()
        (message,) = session.connection().execute(text("SELECT body FROM webhook_message")).all()
    assert "busy" not in f"{row} {message}"
