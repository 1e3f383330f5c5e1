from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import cycle

import pytest

from slotsync.domain.calendars.creation_limit import MAX_CALENDARS_PER_HOUR, PERMIT_COUNT_WINDOW
from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.reservations.event import EventKey, SyncState
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.secrets import Vault
from slotsync.store.calendars.creation_permits import CalendarPermits
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SyncedEvents
from tests.support.stored_reservations import store_version

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOURS = [Owner.product(f"tour-{number:02}") for number in range(60)]


@pytest.fixture
def permits(store: Store) -> CalendarPermits:
    for tour in TOURS:
        Owners(store).put("m", tour, OwnerSettings(name=tour.id))
    return CalendarPermits(store)


def connect(connections: Connections, merchant: str, account: str | None) -> str:
    grant = NewGrant(account_email="shared@x", account_key=account, scopes=frozenset(), refresh_token="r")
    return connections.save(merchant, grant)


@pytest.fixture
def sharing(store: Store, permits: CalendarPermits, connections: Connections) -> CalendarPermits:
    """Two merchants with one Google account and products of the same names."""
    for merchant in ("m", "other"):
        connect(connections, merchant, "account")
        for tour in TOURS:
            Owners(store).put(merchant, tour, OwnerSettings(name=tour.id))
    return permits


def take(permits: CalendarPermits, merchant: str, count: int, now: datetime = NOON) -> int:
    """Return how many of this many owners of the merchant got a permit."""
    return sum(permits.request(merchant, tour, now).at <= now for tour in TOURS[:count])


def book(store: Store, tour: Owner, ends_at: datetime, status: ReservationStatus = ReservationStatus.CONFIRMED) -> None:
    reservation = f"{status}-at-{ends_at:%H}"
    SyncedEvents(store).mark("m", reservation, EventKey(item="1", owner=tour), SyncState.WAITING, NOON)
    store_version(store, 1, NOON, reservation=reservation, status=status, ends_at=ends_at)


def test_threads_that_ask_at_once_never_get_more_than_the_limit(permits: CalendarPermits) -> None:
    with ThreadPoolExecutor(16) as threads:
        positions = [*threads.map(lambda tour: permits.request("m", tour, NOON), TOURS)]
    assert sum(position.at <= NOON for position in positions) == len(permits.get_permits("m")) == MAX_CALENDARS_PER_HOUR
    assert {position.at for position in positions if position.at > NOON} == {NOON + PERMIT_COUNT_WINDOW}


def test_the_soonest_needed_is_first_in_any_order_of_requests(store: Store, permits: CalendarPermits) -> None:
    book(store, TOURS[50], NOON + timedelta(hours=3))
    book(store, TOURS[55], NOON + timedelta(hours=2))
    book(store, TOURS[56], NOON + timedelta(hours=1), ReservationStatus.CANCELLED)
    book(store, TOURS[57], NOON - timedelta(hours=1))
    asked = [TOURS[55], TOURS[50], TOURS[0], TOURS[56]]
    positions = [permits.request("m", tour, NOON).position for tour in reversed(asked)]
    assert positions == [57, 3, 2, 1]


def test_a_repeated_request_keeps_its_place_and_takes_no_second_one(permits: CalendarPermits) -> None:
    for minute in (0, 1, 2):
        assert permits.request("m", TOURS[0], NOON + timedelta(minutes=minute)).at == NOON + timedelta(minutes=minute)
    assert [permit.since for permit in permits.get_permits("m")] == [NOON + timedelta(minutes=2)]


def test_a_permit_is_used_by_the_calendar_that_was_made_on_it(
    store: Store, permits: CalendarPermits, connections: Connections
) -> None:
    connection = connections.save_grant("m", "token", ["calendar"], "merchant@example.com")
    permits.request("m", TOURS[0], NOON)
    ManagedCalendars(store).record("m", TOURS[0], "c-1", connection)
    ManagedCalendars(store).forget("m", TOURS[0], "c-1")
    permits.request("m", TOURS[0], NOON + timedelta(minutes=1))
    assert [permit.used for permit in permits.get_permits("m")] == [True, False]


def test_owners_that_are_off_or_have_a_calendar_are_not_in_line(
    store: Store, permits: CalendarPermits, connections: Connections
) -> None:
    connection = connections.save_grant("m", "token", ["calendar"], "merchant@example.com")
    ManagedCalendars(store).record("m", TOURS[0], "c-1", connection)
    Owners(store).put("m", TOURS[1], OwnerSettings(name="off", sync=False))
    assert permits.request("m", TOURS[2], NOON).position == 1


@pytest.mark.parametrize("accounts", [("account", "another"), ("account", None), (None, None)])
def test_merchants_with_accounts_of_their_own_do_not_wait_for_each_other(
    sharing: CalendarPermits, connections: Connections, accounts: tuple[str | None, str | None]
) -> None:
    for merchant, account in zip(("m", "other"), accounts, strict=True):
        connect(connections, merchant, account)
    assert (take(sharing, "m", 60), take(sharing, "other", 60)) == (MAX_CALENDARS_PER_HOUR, MAX_CALENDARS_PER_HOUR)


def test_merchants_that_never_connected_do_not_wait_for_each_other(store: Store, permits: CalendarPermits) -> None:
    Owners(store).put("other", TOURS[0], OwnerSettings(name="Tour"))
    assert (take(permits, "m", 60), take(permits, "other", 1)) == (MAX_CALENDARS_PER_HOUR, 1)


def test_merchants_with_the_same_account_share_what_google_allows_it(sharing: CalendarPermits) -> None:
    assert (take(sharing, "m", 25), take(sharing, "other", 25)) == (25, 15)
    later = sharing.request("other", TOURS[20], NOON)
    assert later.at == NOON + PERMIT_COUNT_WINDOW
    assert (len(sharing.get_permits("m")), len(sharing.get_permits("other"))) == (25, 15)
    assert take(sharing, "other", 25, NOON + PERMIT_COUNT_WINDOW) == 25


def test_a_repeated_attempt_keeps_its_own_place_and_not_that_of_its_namesake(sharing: CalendarPermits) -> None:
    take(sharing, "m", MAX_CALENDARS_PER_HOUR)
    assert take(sharing, "m", 1, NOON + timedelta(minutes=1)) == 1
    assert take(sharing, "other", 1, NOON + timedelta(minutes=1)) == 0


def test_a_disconnected_merchants_permits_still_count_for_the_account(
    store: Store, vault: Vault, sharing: CalendarPermits
) -> None:
    take(sharing, "m", MAX_CALENDARS_PER_HOUR)
    disconnections = Disconnections(store, vault)
    assert disconnections.request("m", CalendarChoice.KEEP, NOON)
    disconnection = disconnections.get("m")
    assert disconnection
    disconnections.finish(disconnection.connection_id, CalendarChoice.KEEP)
    assert take(sharing, "other", 1) == 0
    assert disconnections.forget_account_keys(NOON + PERMIT_COUNT_WINDOW) == 0
    assert disconnections.forget_account_keys(NOON + PERMIT_COUNT_WINDOW + timedelta(seconds=1)) == 1


def test_processes_that_serve_merchants_of_one_account_at_once_never_give_more_than_the_limit(
    database_url: str, sharing: CalendarPermits
) -> None:
    with closing(Store.open(database_url)) as one, closing(Store.open(database_url)) as two:
        workers = [CalendarPermits(store) for store in (one, two)]
        asks = [(merchant, tour) for tour in TOURS for merchant in ("m", "other")]
        with ThreadPoolExecutor(16) as threads:
            positions = [
                threads.submit(worker.request, merchant, tour, NOON)
                for worker, (merchant, tour) in zip(cycle(workers), asks, strict=False)
            ]
            given = sum(position.result().at <= NOON for position in positions)
    assert given == len(sharing.get_permits("m")) + len(sharing.get_permits("other")) == MAX_CALENDARS_PER_HOUR
