from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from slotsync.domain.availability.availability import Availability, Slot, SlotState
from slotsync.domain.availability.changes import PublishedAvailability
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import Publication, PublishRequest
from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.reservations.booked_time import BookedTime
from slotsync.domain.webhooks import AvailabilityChanged, ConflictFound, Webhook, WebhookData, WebhookSlot
from slotsync.secrets import Vault
from slotsync.store.availability.availability_webhooks import Publications
from slotsync.store.availability.subscribers import Subscribers
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.reservations.booked_times import BookedTimes
from slotsync.store.webhook_messages import WebhookMessages
from tests.support.readings import pick
from tests.support.stored_messages import KEY, accept_message, waiting_bodies

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

    def __init__(self, store: Store, vault: Vault, *, webhooks: bool = True, merchant: str = "m") -> None:
        self._store = store
        self._merchant = merchant
        self._vault = vault
        self._publications = Publications(store, vault, webhooks=webhooks)
        self._messages = WebhookMessages(store, vault)
        for product in ("tour", "kayak"):
            Owners(store).put(merchant, Owner.product(product), OwnerSettings(name=product))
            pick(store, vault, merchant, product, "Family")

    def publish(
        self, token: str, availability: Availability, product: str = "tour", calendars: Collection[str] = ()
    ) -> Publication:
        request = PublishRequest(merchant=self._merchant, product=product, token=token)
        return self._publications.publish(request, availability, NOON, calendars)

    def has_new_conflicts(self, availability: Availability) -> bool:
        return self._publications.has_new_conflicts(KEY, availability, NOON)

    def deliver(self) -> None:
        """Have all messages accepted."""
        while message := self._messages.take_next(KEY, NOON):
            accept_message(self._store, self._vault, message.id)

    def try_once(self) -> None:
        """Have the delivery of the next message fail once."""
        assert self._messages.take_next(KEY, NOON)

    def last(self, product: str = "tour") -> PublishedAvailability | None:
        return self._publications.get_last("m", product)

    def book(self, item: str, span: Interval, product: str = "tour") -> None:
        booked = BookedTime(reservation="R-1", item=item, product=product, interval=span)
        with self._store.write() as connection:
            BookedTimes(self._store).replace(connection, self._merchant, "R-1", [booked], NOON)

    def waiting(self) -> list[str]:
        """Return the ids of the messages that wait, in order."""
        return list(waiting_bodies(self._store, self._vault))

    def read_data(self, message: str) -> WebhookData:
        return Webhook.model_validate_json(waiting_bodies(self._store, self._vault)[message]).data

    def changed(self, message: str) -> AvailabilityChanged:
        availability_changed = self.read_data(message)
        assert isinstance(availability_changed, AvailabilityChanged)
        return availability_changed

    def subscribe(self, workflow_id: str) -> None:
        Subscribers(self._store).add(KEY, workflow_id)

    def count_messages(self) -> int:
        return len(self.waiting())


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
    assert published == Publication(number=1, changed=True, messages=1)
    assert publisher.last() == PublishedAvailability(interval=DAY, slots=available(MORNING).slots)
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
    publisher.deliver()
    publisher.publish("t-2", available(MORNING, EVENING))
    assert publisher.changed("msg_t-2-0").changed == (EVENING,)
    assert [slot.start for slot in publisher.changed("msg_t-2-0").slots] == [EVENING.start]


def test_a_time_that_becomes_free_is_sent_without_a_slot(publisher: PublicationHarness) -> None:
    publisher.publish("t-1", available(MORNING))
    publisher.deliver()
    publisher.publish("t-2", available())
    assert publisher.changed("msg_t-2-0").changed == (MORNING,)
    assert publisher.changed("msg_t-2-0").slots == ()


def test_unknown_times_are_sent_as_unknown(publisher: PublicationHarness) -> None:
    publisher.publish("t", available(unknown=[DAY]))
    assert not publisher.changed("msg_t-0").complete
    assert {slot.state for slot in publisher.changed("msg_t-0").slots} == {SlotState.UNKNOWN}


def test_nothing_new_is_no_message_and_no_number(publisher: PublicationHarness) -> None:
    publisher.publish("t-1", available(MORNING))
    assert publisher.publish("t-2", available(MORNING)) == Publication(number=1, messages=1)
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
    publisher.deliver()
    publisher.publish("t-3", available(EVENING, hours(30, 31), span=hours(4, 52)))
    assert publisher.changed("msg_t-3-0").changed == (EVENING, hours(30, 31))


def test_a_repeated_token_sends_nothing_twice(publisher: PublicationHarness) -> None:
    first = publisher.publish("t", available(MORNING))
    again = publisher.publish("t", available(EVENING))
    assert (again.number, again.messages) == (first.number, first.messages)
    assert publisher.count_messages() == 1
    assert publisher.last() == PublishedAvailability(interval=DAY, slots=available(MORNING).slots)


def test_a_repeated_publication_gets_the_same_answer(publisher: PublicationHarness) -> None:
    publisher.book("1", MORNING)
    first = publisher.publish("t", available(MORNING))
    again = publisher.publish("t", available())
    assert first.changed
    assert again == first
    assert (first.messages, first.conflicts) == (2, 1)
    assert publisher.waiting() == ["msg_t-0", "msg_t-1"]


def test_a_message_replaces_one_that_was_never_tried_and_contains_its_times_too(publisher: PublicationHarness) -> None:
    publisher.publish("t-1", available(MORNING))
    assert publisher.publish("t-2", available(EVENING)).messages == 1
    assert publisher.waiting() == ["msg_t-2-0"]
    publisher.publish("t-3", available())
    assert publisher.changed("msg_t-3-0").changed == (MORNING, EVENING)
    assert publisher.changed("msg_t-3-0").slots == ()


def test_a_message_that_was_tried_is_not_replaced_since_it_may_have_arrived(publisher: PublicationHarness) -> None:
    publisher.publish("t-1", available(MORNING))
    publisher.try_once()
    publisher.publish("t-2", available(MORNING, EVENING))
    publisher.publish("t-3", available(EVENING))
    assert publisher.waiting() == ["msg_t-1-0", "msg_t-3-0"]
    assert publisher.changed("msg_t-3-0").changed == (MORNING, EVENING)


def test_subscribers_wait_for_what_is_published_after_they_subscribed(publisher: PublicationHarness) -> None:
    publisher.publish("t-1", available(MORNING))
    publisher.subscribe("w-1")
    assert publisher.publish("t-2", available(MORNING)).subscribers == 0
    assert publisher.publish("t-3", available(EVENING)).subscribers == 1
    assert publisher.publish("t-4", available(EVENING)).subscribers == 1, "it was not signalled yet"


def test_a_busy_time_over_a_reservation_is_a_conflict_once(publisher: PublicationHarness) -> None:
    publisher.book("1", hours(1.5, 3))
    published = publisher.publish("t-1", available(MORNING))
    assert (publisher.waiting(), published.conflicts) == (["msg_t-1-0", "msg_t-1-1"], 1)
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


def test_a_booking_over_a_known_busy_time_is_a_conflict_once_and_again_when_it_moves(
    publisher: PublicationHarness,
) -> None:
    publisher.publish("t-1", available(MORNING, EVENING))
    publisher.deliver()
    publisher.book("1", MORNING)
    assert publisher.has_new_conflicts(available(MORNING, EVENING))
    assert publisher.publish("t-2", available(MORNING, EVENING)).conflicts == 1
    assert publisher.waiting() == ["msg_t-2-1"], "nothing has changed but the conflict"
    assert not publisher.has_new_conflicts(available(MORNING, EVENING))
    assert publisher.publish("t-3", available(MORNING, EVENING)).conflicts == 0
    publisher.book("1", EVENING)
    assert publisher.publish("t-4", available(MORNING, EVENING)).conflicts == 1
    assert publisher.publish("t-4", available(MORNING, EVENING)).conflicts == 1, "the same publication, repeated"


def test_a_booking_over_an_unknown_or_a_past_time_is_no_conflict(publisher: PublicationHarness) -> None:
    publisher.book("1", MORNING)
    assert not publisher.has_new_conflicts(available(unknown=[MORNING]))
    publisher.book("1", hours(-3, -2))
    assert not publisher.has_new_conflicts(available(hours(-3, -2)))


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
    assert publisher.publish("t", available(MORNING)).messages == 1


def test_a_platform_without_webhooks_is_sent_nothing_but_can_ask(store: Store, vault: Vault) -> None:
    publisher = PublicationHarness(store, vault, webhooks=False)
    publisher.book("1", MORNING)
    assert publisher.publish("t", available(MORNING)) == Publication(number=1, changed=True, conflicts=1)
    assert publisher.count_messages() == 0
    assert publisher.last() == PublishedAvailability(interval=DAY, slots=available(MORNING).slots)


def test_published_slots_are_stored_encrypted(store: Store, publisher: PublicationHarness) -> None:
    publisher.publish("t", available(MORNING))
    with store.read() as session:
        (row,) = session.connection().execute(text("SELECT slots FROM published_availability")).all()
        (message,) = session.connection().execute(text("SELECT body FROM webhook_message")).all()
    assert "busy" not in f"{row} {message}"
