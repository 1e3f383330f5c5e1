from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from slotsync.domain.availability.messages import ProductKey
from slotsync.store.availability.subscribers import Subscribers
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.merchants import ensure_merchant
from slotsync.store.tables.availability import PublishedAvailabilityRow

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = ProductKey(merchant="m", product="tour")


@pytest.fixture
def subscribers(store: Store) -> Subscribers:
    with store.write() as connection:
        ensure_merchant(connection, "m")
    return Subscribers(store)


def publish(store: Store, number: int) -> None:
    table = table_of(PublishedAvailabilityRow)
    with store.write() as connection:
        connection.execute(table.delete())
        connection.execute(
            insert(table).values(**dict(KEY), number=number, token="t", starts_at=NOON, ends_at=NOON, slots=None)
        )


def test_a_subscriber_is_behind_after_a_publication_until_it_was_signalled(
    store: Store, subscribers: Subscribers
) -> None:
    subscribers.add(KEY, "w-1")
    assert subscribers.find_unsignalled(KEY) == (0, [])
    publish(store, 1)
    subscribers.add(KEY, "w-2")
    assert subscribers.find_unsignalled(KEY) == (1, ["w-1"])
    subscribers.record_signalled(KEY, "w-1", 1)
    assert subscribers.find_unsignalled(KEY) == (1, [])
    publish(store, 2)
    assert (subscribers.find_unsignalled(KEY)[0], sorted(subscribers.find_unsignalled(KEY)[1])) == (2, ["w-1", "w-2"])


def test_a_subscription_that_is_repeated_keeps_its_place_and_one_that_ends_is_gone(
    store: Store, subscribers: Subscribers
) -> None:
    subscribers.add(KEY, "w-1")
    publish(store, 1)
    subscribers.add(KEY, "w-1")
    assert subscribers.find_unsignalled(KEY) == (1, ["w-1"])
    subscribers.remove(KEY, "w-1")
    assert subscribers.find_unsignalled(KEY) == (1, [])


def test_a_signal_about_an_older_publication_changes_nothing(store: Store, subscribers: Subscribers) -> None:
    subscribers.add(KEY, "w-1")
    publish(store, 2)
    subscribers.record_signalled(KEY, "w-1", 2)
    subscribers.record_signalled(KEY, "w-1", 1)
    assert subscribers.find_unsignalled(KEY) == (2, [])
