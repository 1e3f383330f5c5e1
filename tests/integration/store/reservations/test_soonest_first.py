"""What waits goes on in the order in which it starts, and what is over last."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.soonest_first import StartPosition
from tests.support.samples import item, snapshot
from tests.support.stored_reservations import ANY_KEY

NOW = datetime(2027, 7, 10, 12, tzinfo=UTC)
DAYS = {"R-1": 28, "R-2": 3, "R-3": 11, "R-4": 20, "R-5": 11, "R-6": 2}
ORDER = ["R-3", "R-5", "R-4", "R-1", "R-6", "R-2"]


@pytest.fixture
def reservations(store: Store) -> Reservations:
    """Six reservations that wait, two of which are over."""
    reservations = Reservations(store, ANY_KEY)
    for name, day in DAYS.items():
        reservations.report(snapshot(1, item(day=day), name=name, merchant="m"), NOW)
    return reservations


def waiting(reservations: Reservations, limit: int, after: str = "") -> list[str]:
    """Return all that wait, read page by page."""
    found = list[str]()
    while page := reservations.find_waiting("m", NOW, all_open=False, limit=limit, after=after):
        found += [each.id for each in page]
        after = page[-1].text
    return found


@pytest.mark.parametrize("limit", [1, 2, 4, 9])
def test_pages_follow_each_other_by_start(reservations: Reservations, limit: int) -> None:
    assert waiting(reservations, limit) == ORDER


def test_a_reservation_of_a_former_version_is_sorted_by_its_end_and_one_without_times_is_first(
    reservations: Reservations, store: Store
) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE reservation SET starts_at = NULL"))
        connection.execute(text("UPDATE reservation SET ends_at = NULL WHERE id = 'R-1'"))
    assert waiting(reservations, 2) == ["R-1", *(each for each in ORDER if each != "R-1")]


def test_a_position_of_a_former_version_begins_anew(reservations: Reservations) -> None:
    assert StartPosition.read("R-3") is None
    assert waiting(reservations, 3, after="R-3") == ORDER


def test_what_operators_have_stopped_is_resumed_in_that_order(reservations: Reservations) -> None:
    for name in DAYS:
        reservations.stop("m", name, NOW)
    pages = [reservations.resume("m", None, NOW, limit=4) for _ in range(3)]
    assert pages == [ORDER[:4], ORDER[4:], []]


def test_planning_fills_the_start_of_a_reservation_of_a_former_version(
    reservations: Reservations, store: Store
) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE reservation SET starts_at = NULL"))
    planned = snapshot(1, item(day=28), name="R-1", merchant="m")
    reservations.record_plan(planned, NOW, [], NOW)
    with store.read() as session:
        filled = session.connection().execute(text("SELECT id FROM reservation WHERE starts_at IS NOT NULL")).scalars()
        assert list(filled) == ["R-1"]
