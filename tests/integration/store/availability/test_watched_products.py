from datetime import UTC, datetime, timedelta

import pytest

from slotsync.domain.availability.messages import ProductKey
from slotsync.store.availability.watched_products import WatchedProducts, mark_product_due
from slotsync.store.database.engine import Store
from slotsync.store.merchants import ensure_merchant

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TOUR, KAYAK = (ProductKey(merchant="m", product=name) for name in ("tour", "kayak"))


@pytest.fixture
def watched(store: Store) -> WatchedProducts:
    with store.write() as connection:
        ensure_merchant(connection, "m")
    return WatchedProducts(store)


def pick(store: Store, key: ProductKey, at: datetime = NOON) -> None:
    with store.write() as connection:
        mark_product_due(connection, key, at)


def test_a_product_is_due_from_the_pick_until_it_is_taken_up(store: Store, watched: WatchedProducts) -> None:
    pick(store, TOUR)
    pick(store, KAYAK, NOON + HOUR)
    assert watched.find_due(NOON) == [TOUR]
    watched.take_up(TOUR)
    watched.take_up(TOUR)
    assert watched.find_due(NOON + HOUR) == [KAYAK]
    pick(store, TOUR)
    assert sorted(each.product for each in watched.find_due(NOON + HOUR)) == ["kayak", "tour"]


def test_a_postponed_product_is_due_later_unless_it_was_picked_again(store: Store, watched: WatchedProducts) -> None:
    pick(store, TOUR)
    watched.due_rows.postpone([("m", TOUR.product)], NOON, NOON + HOUR)
    assert watched.find_due(NOON) == []
    assert watched.due_rows.count_overdue(NOON + 2 * HOUR) == 1
    watched.due_rows.postpone([("m", TOUR.product)], NOON, NOON + 3 * HOUR)
    assert watched.find_due(NOON + HOUR) == [TOUR], "it was not due at noon any more"


def test_a_stopped_product_is_not_due_until_it_is_resumed_or_picked_again(
    store: Store, watched: WatchedProducts
) -> None:
    pick(store, TOUR)
    watched.stop(TOUR, NOON)
    watched.stop(TOUR, NOON + HOUR)
    assert (watched.is_stopped(TOUR), watched.find_stopped(), watched.due_rows.count_stopped()) == (True, [TOUR], 1)
    assert watched.find_due(NOON + HOUR) == []
    assert watched.resume("m", NOON + HOUR) == [TOUR]
    assert watched.resume("m", NOON + HOUR) == []
    assert watched.find_due(NOON + HOUR) == [TOUR]
    watched.stop(TOUR, NOON + HOUR)
    pick(store, TOUR)
    assert not watched.is_stopped(TOUR)


def test_a_product_that_was_never_picked_can_be_stopped(watched: WatchedProducts) -> None:
    watched.stop(KAYAK, NOON)
    assert watched.is_stopped(KAYAK)
    assert not watched.is_stopped(TOUR)


def test_a_stop_leaves_a_product_alone_that_was_picked_since(store: Store, watched: WatchedProducts) -> None:
    pick(store, TOUR)
    watched.take_up(TOUR)
    pick(store, TOUR)
    watched.stop(TOUR, NOON, watched=True)
    assert (watched.is_stopped(TOUR), watched.find_due(NOON)) == (False, [TOUR])
    watched.take_up(TOUR)
    watched.stop(TOUR, NOON, watched=True)
    assert (watched.is_stopped(TOUR), watched.find_due(NOON)) == (True, [])
