"""What a merchant's calendars have shown is forgotten when it disconnects: in messages, publications and conflicts."""

import threading
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from slotsync.domain.availability.messages import ProductKey, Publication, merchants_messages
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.reservations.booked_time import BookedTime
from slotsync.domain.webhooks import WebhookType
from slotsync.secrets import Vault
from slotsync.store.availability.forgetting import forget_busy_times, forget_owners_blocking_calendars
from slotsync.store.availability.watched_products import WatchedProducts
from slotsync.store.calendars.owner_changes import lock_owner
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.reservations.booked_times import BookedTimes, forget_conflicts
from slotsync.store.tables.availability import PublishedAvailabilityRow
from slotsync.store.tables.connections import ConnectionRow
from slotsync.store.tables.reservations import BookedTimeRow
from slotsync.store.webhook_messages import MessageContent, MessageOrder, WebhookMessages
from tests.integration.store.availability.test_availability_webhooks import (
    DAY,
    EVENING,
    MORNING,
    NOON,
    PublicationHarness,
    available,
    hours,
)
from tests.support.readings import pick
from tests.support.stored_messages import KEY, accept_message, waiting_bodies

ABOUT_THE_MERCHANT = merchants_messages("m")


def connect(store: Store, vault: Vault, account: str = "a", merchant: str = "m") -> str:
    grant = NewGrant(account_email=f"{account}@x", account_key=account, scopes=frozenset(), refresh_token=account)
    Connections(store, vault).save(merchant, grant)
    connection_id = Connections(store, vault).get_id(merchant)
    assert connection_id
    return connection_id


def disconnect(store: Store, vault: Vault, merchant: str = "m") -> None:
    disconnections = Disconnections(store, vault)
    assert disconnections.request(merchant, CalendarChoice.KEEP, NOON)
    connection_id = Connections(store, vault).get_id(merchant)
    assert connection_id
    disconnections.finish(connection_id, CalendarChoice.KEEP)


@pytest.fixture
def publisher(store: Store, vault: Vault) -> PublicationHarness:
    """Of a connected merchant: its tour is busy over a booking; of three messages about that one was tried."""
    publisher = PublicationHarness(store, vault)
    connect(store, vault)
    publisher.book("1", MORNING)
    assert publisher.publish("t-1", available(MORNING)).conflicts == 1
    publisher.try_once()
    publisher.publish("t-2", available(MORNING, EVENING))
    assert publisher.waiting() == ["msg_t-1-0", "msg_t-1-1", "msg_t-2-0"]
    return publisher


def stored_slots(store: Store) -> list[str | None]:
    with store.read() as session:
        return [*session.connection().execute(select(table_of(PublishedAvailabilityRow).c.slots)).scalars()]


def conflicts(store: Store, merchant: str = "m") -> list[object]:
    """Return since when each booked time of the merchant conflicts with a busy time."""
    query = select(table_of(BookedTimeRow).c.conflict_since).filter_by(merchant=merchant)
    with store.read() as session:
        return [*session.connection().execute(query).scalars()]


def due(store: Store) -> list[str]:
    """Return the products that wait for their workflows."""
    return [each.product for each in WatchedProducts(store).find_due(store.now() + timedelta(hours=1))]


def test_messages_with_busy_times_are_dropped_when_the_merchant_disconnects(
    store: Store, vault: Vault, publisher: PublicationHarness
) -> None:
    with store.write() as connection:
        order, content = MessageOrder(number=1, place=1), MessageContent(WebhookType.CONNECTION_REVOKED, "revoked")
        WebhookMessages(store, vault).put(connection, "m-1", ABOUT_THE_MERCHANT, order, content, NOON)
    disconnect(store, vault)
    assert publisher.waiting() == []
    assert list(waiting_bodies(store, vault, ABOUT_THE_MERCHANT)) == ["m-1"], "it holds no times"


def test_they_are_dropped_when_the_merchant_connects_another_account(
    store: Store, vault: Vault, publisher: PublicationHarness
) -> None:
    connect(store, vault, "another")
    assert publisher.waiting() == []
    assert (stored_slots(store), conflicts(store)) == ([None], [None])


def test_they_wait_on_when_the_merchant_connects_the_same_account_again(
    store: Store, vault: Vault, publisher: PublicationHarness
) -> None:
    connect(store, vault)
    assert len(publisher.waiting()) == 3
    assert conflicts(store) == [NOON]


def test_the_next_message_has_the_next_number_and_says_that_every_time_may_have_changed(
    store: Store, vault: Vault, publisher: PublicationHarness
) -> None:
    assert publisher.changed("msg_t-2-0").number == 2
    disconnect(store, vault)
    assert publisher.publish("t-3", available()) == Publication(number=3, changed=True, messages=1)
    message = publisher.changed("msg_t-3-0")
    assert (message.number, message.changed, message.slots) == (3, (DAY,), ())
    assert not publisher.publish("t-4", available()).changed, "it is told once"


def test_no_time_rests_in_what_was_published_and_the_product_is_looked_at_again(
    store: Store, vault: Vault, publisher: PublicationHarness
) -> None:
    publisher.publish("t-3", available(EVENING), product="kayak")
    pick(store, vault, "m", "kayak")  # its workflow has not published yet that it is free
    for product in ("tour", "kayak"):
        WatchedProducts(store).take_up(ProductKey(merchant="m", product=product))
    assert due(store) == []
    disconnect(store, vault)
    assert stored_slots(store) == [None, None]
    assert {*due(store)} == {"tour", "kayak"}


def test_a_product_that_is_free_and_of_which_all_is_told_is_not_told_again(
    store: Store, vault: Vault, publisher: PublicationHarness
) -> None:
    publisher.publish("t-3", available())
    publisher.deliver()
    disconnect(store, vault)
    assert not publisher.publish("t-4", available()).changed
    assert [each is None for each in stored_slots(store)] == [False]


def test_what_was_published_of_a_product_without_a_key_is_forgotten_too(
    store: Store, vault: Vault, publisher: PublicationHarness
) -> None:
    publisher.deliver()
    other = Vault([Fernet.generate_key().decode()])
    with store.write() as connection:
        forget_busy_times(connection, DataKeys(other), "m", NOON)
    assert stored_slots(store) == [None]


def test_a_product_that_is_deleted_leaves_no_busy_time_in_messages_or_publications(
    store: Store, publisher: PublicationHarness
) -> None:
    publisher.publish("k", available(EVENING), product="kayak")
    assert Owners(store).delete("m", Owner.product("tour"), remove_events=False)
    assert (publisher.waiting(), stored_slots(store).count(None), conflicts(store)) == ([], 1, [None])
    assert publisher.publish("t-3", available()) == Publication(number=3, changed=True, messages=1)
    assert publisher.changed("msg_t-3-0").slots == ()


def test_a_calendar_that_is_unpicked_leaves_no_busy_time_in_messages_and_what_is_left_is_told_again(
    store: Store, vault: Vault, publisher: PublicationHarness
) -> None:
    pick(store, vault, "m", "tour", "Family", "Boat")
    assert len(publisher.waiting()) == 3, "none is taken off yet"
    pick(store, vault, "m", "tour", "Boat")
    assert (publisher.waiting(), stored_slots(store), conflicts(store)) == ([], [None], [None])
    late = publisher.publish("late", available(EVENING), calendars=("family", "boat"))
    assert late == Publication(number=2), "it was read with the one that is gone"
    told = publisher.publish("t-3", available(MORNING), calendars=("boat",))
    assert (told.number, told.conflicts) == (3, 1)
    assert [slot.start for slot in publisher.changed("msg_t-3-0").slots] == [MORNING.start]


def test_a_conflict_that_was_told_is_not_told_again_because_another_calendar_is_unpicked(
    store: Store, vault: Vault, publisher: PublicationHarness
) -> None:
    pick(store, vault, "m", "tour", "Family", "Boat")
    publisher.deliver()
    pick(store, vault, "m", "tour", "Boat")
    assert conflicts(store) == [NOON]
    assert publisher.publish("t-3", available(MORNING), calendars=("boat",)).conflicts == 0
    pick(store, vault, "m", "tour")
    assert conflicts(store) == [None]


def test_of_two_conflicts_only_the_one_that_was_not_told_is_told_again_when_another_calendar_is_unpicked(
    store: Store, vault: Vault
) -> None:
    publisher, messages = PublicationHarness(store, vault), WebhookMessages(store, vault)
    connect(store, vault)
    publisher.book("1", MORNING)
    with store.write() as connection:
        other = BookedTime(reservation="R-2", item="1", product="tour", interval=EVENING)
        BookedTimes(store).replace(connection, "m", "R-2", [other], NOON)
    assert publisher.publish("t-1", available(MORNING, EVENING)).conflicts == 2
    pick(store, vault, "m", "tour", "Family", "Boat")
    for _ in range(2):
        message = messages.take_next(KEY, NOON)
        assert message
        accept_message(store, vault, message.id)
    pick(store, vault, "m", "tour", "Boat")
    assert conflicts(store) == [NOON, None]
    assert publisher.publish("t-2", available(MORNING, EVENING), calendars=("boat",)).conflicts == 1


def test_a_publication_waits_for_another_choice_of_calendars_that_is_under_way(
    store: Store, publisher: PublicationHarness
) -> None:
    published, tour = list[Publication](), Owner.product("tour")
    late = available(EVENING)
    publishing = threading.Thread(
        target=lambda: published.append(publisher.publish("late", late, calendars=("family",)))
    )
    with store.write() as connection:
        assert lock_owner(connection, "m", tour)
        publishing.start()
        publishing.join(0.2)
        forget_owners_blocking_calendars(connection, "m", tour, NOON)
    publishing.join()
    assert (published, publisher.waiting()) == ([Publication(number=2)], [])


def test_nothing_says_any_more_when_a_booking_conflicted(
    store: Store, vault: Vault, publisher: PublicationHarness
) -> None:
    neighbour = PublicationHarness(store, vault, merchant="n")
    neighbour.book("1", MORNING)
    neighbour.publish("n-1", available(MORNING))
    assert (conflicts(store), conflicts(store, "n")) == ([NOON], [NOON])
    disconnect(store, vault)
    assert (conflicts(store), conflicts(store, "n")) == ([None], [NOON])
    assert len(waiting_bodies(store, vault, ProductKey(merchant="n", product="tour"))) == 2


def test_a_conflict_that_a_writer_of_its_reservation_moves_meanwhile_is_forgotten_too(
    store: Store, publisher: PublicationHarness
) -> None:
    def forget() -> None:
        with store.write() as connection:
            forget_conflicts(connection, "m")

    forgetting = threading.Thread(target=forget)
    (booked,) = BookedTimes(store).get_times("m", "R-1")
    with store.write() as connection:
        moved = booked.model_copy(update={"item": "another"})
        BookedTimes(store).replace(connection, "m", "R-1", [moved], NOON)
        forgetting.start()
        forgetting.join(0.2)
    forgetting.join()
    assert BookedTimes(store).get_times("m", "R-1") == [moved]
    assert conflicts(store) == [None]


def test_a_publication_of_calendars_that_were_forgotten_since_they_were_read_stores_nothing(
    store: Store, vault: Vault, publisher: PublicationHarness
) -> None:
    disconnect(store, vault)
    assert publisher.publish("late", available(MORNING, hours(3, 4))) == Publication(number=2)
    assert (publisher.waiting(), stored_slots(store), conflicts(store)) == ([], [None], [None])


def test_a_publication_waits_for_a_disconnection_that_is_under_way(
    store: Store, vault: Vault, publisher: PublicationHarness
) -> None:
    published = list[Publication]()
    publishing = threading.Thread(target=lambda: published.append(publisher.publish("late", available(EVENING))))
    with store.write() as connection:
        own = select(table_of(ConnectionRow).c.id).filter_by(merchant="m").with_for_update()
        assert connection.execute(own).one()
        publishing.start()
        publishing.join(0.2)
        forget_busy_times(connection, DataKeys(vault), KEY.merchant, NOON)
    publishing.join()
    assert published == [Publication(number=2)]
    assert (publisher.waiting(), stored_slots(store)) == ([], [None])
