from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from slotsync.clock import utc_now
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.reading_plan import ReadingAttempt
from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.reservations.booked_time import BookedTime
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.busy_readings import BusyReadings, NewReading
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.availability.watched_accounts import WatchedAccounts, forget_account, mark_merchant_changed
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.store.reservations.booked_times import BookedTimes
from slotsync.store.reservations.reservations import MarkChanged, Reservations
from tests.support.clocks import SettableClock
from tests.support.readings import pick
from tests.support.samples import snapshot

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
NEAR_DAYS = Interval(start=NOON, end=NOON + timedelta(days=60))


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def accounts(store: Store, vault: Vault, clock: SettableClock) -> WatchedAccounts:
    return WatchedAccounts(store, vault, clock)


@pytest.fixture
def connect_merchant(connections: Connections, accounts: WatchedAccounts) -> Callable[[str], str]:
    """Connect a merchant and watches its account."""

    def connected(merchant: str) -> str:
        connection_id = connections.save_grant(merchant, "refresh", {"openid"}, f"{merchant}@x")
        accounts.add(connection_id)
        return connection_id

    return connected


@pytest.fixture
def connection_id(connect_merchant: Callable[[str], str]) -> str:
    return connect_merchant("m")


def watched(accounts: WatchedAccounts, connection_id: str) -> dict[str, str]:
    """Return the names of the watched calendars by their ids in Google."""
    return {each.calendar_id: each.id for each in accounts.get_calendars(connection_id)}


def reading(watched_id: str, error: str = "") -> list[NewReading]:
    return [NewReading(watched_id=watched_id, chunk=2, interval=NEAR_DAYS, error=error, good_for=MINUTE)]


def test_an_account_that_is_added_again_exists_once(
    accounts: WatchedAccounts, connection_id: str, clock: SettableClock
) -> None:
    clock.now += SECOND
    accounts.add(connection_id)
    assert accounts.get_last_change(connection_id) == NOON
    assert accounts.get_last_change("another") is None


def test_only_one_poller_has_the_lease(accounts: WatchedAccounts, connection_id: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        acquired = list(threads.map(lambda name: accounts.acquire_lease(connection_id, str(name), MINUTE), range(8)))
    assert acquired.count(True) == 1
    assert not accounts.acquire_lease(connection_id, "late", MINUTE)


def test_the_lease_of_one_account_is_not_that_of_another(
    accounts: WatchedAccounts, connection_id: str, connect_merchant: Callable[[str], str]
) -> None:
    neighbour = connect_merchant("neighbour")
    assert accounts.acquire_lease(connection_id, "a", MINUTE)
    assert accounts.acquire_lease(neighbour, "b", MINUTE)


def test_a_released_lease_can_be_acquired(accounts: WatchedAccounts, connection_id: str) -> None:
    assert accounts.acquire_lease(connection_id, "first", MINUTE)
    accounts.release_lease(connection_id, "first")
    assert accounts.acquire_lease(connection_id, "next", MINUTE)


def test_a_lease_that_is_not_released_expires(
    accounts: WatchedAccounts, connection_id: str, clock: SettableClock
) -> None:
    assert accounts.acquire_lease(connection_id, "dead", MINUTE)
    clock.now += MINUTE - SECOND
    assert not accounts.acquire_lease(connection_id, "next", MINUTE)
    clock.now += SECOND
    assert accounts.acquire_lease(connection_id, "next", MINUTE)


def test_the_holder_of_a_lease_renews_it(accounts: WatchedAccounts, connection_id: str, clock: SettableClock) -> None:
    assert accounts.acquire_lease(connection_id, "slow", MINUTE)
    clock.now += MINUTE - SECOND
    accounts.renew_lease(connection_id, "slow", MINUTE)
    clock.now += MINUTE - SECOND
    assert not accounts.acquire_lease(connection_id, "next", MINUTE)


def test_a_poller_with_an_expired_lease_neither_releases_nor_renews_that_of_another(
    accounts: WatchedAccounts, connection_id: str, clock: SettableClock
) -> None:
    assert accounts.acquire_lease(connection_id, "late", MINUTE)
    clock.now += MINUTE
    assert accounts.acquire_lease(connection_id, "next", MINUTE)
    accounts.release_lease(connection_id, "late")
    assert not accounts.acquire_lease(connection_id, "third", MINUTE)
    accounts.renew_lease(connection_id, "late", MINUTE * 5)
    clock.now += MINUTE
    assert accounts.acquire_lease(connection_id, "third", MINUTE)


def test_what_any_product_of_the_merchant_is_blocked_by_is_picked(
    store: Store, vault: Vault, accounts: WatchedAccounts, connection_id: str, connect_merchant: Callable[[str], str]
) -> None:
    connect_merchant("neighbour")
    for merchant, product, names in (("m", "a", ("X", "Y")), ("m", "b", ("Y", "Z")), ("neighbour", "a", ("N",))):
        Owners(store).put(merchant, Owner.product(product), OwnerSettings(name=product))
        pick(store, vault, merchant, product, *names)
    assert accounts.get_picked(connection_id) == {"x", "y", "z"}
    pick(store, vault, "m", "a")
    assert accounts.get_picked(connection_id) == {"y", "z"}


def test_calendars_are_watched_until_they_are_forgotten(accounts: WatchedAccounts, connection_id: str) -> None:
    accounts.add_calendars(connection_id, ["family", "work"])
    assert set(watched(accounts, connection_id)) == {"family", "work"}
    accounts.forget_calendars([watched(accounts, connection_id)["family"]])
    assert set(watched(accounts, connection_id)) == {"work"}


def test_accounts_do_not_share_watched_calendars(
    accounts: WatchedAccounts, connection_id: str, connect_merchant: Callable[[str], str]
) -> None:
    neighbour = connect_merchant("neighbour")
    accounts.add_calendars(connection_id, ["family"])
    accounts.add_calendars(neighbour, ["family"])
    assert watched(accounts, connection_id).keys() == watched(accounts, neighbour).keys() == {"family"}
    assert set(watched(accounts, connection_id).values()).isdisjoint(watched(accounts, neighbour).values())


def test_calendar_ids_are_stored_encrypted(store: Store, accounts: WatchedAccounts, connection_id: str) -> None:
    accounts.add_calendars(connection_id, ["kari@example.com"])
    with store.read() as session:
        (row,) = session.connection().execute(text("SELECT * FROM watched_calendar")).all()
    assert connection_id in row
    assert "kari" not in str(row)


def failed_at(at: datetime) -> ReadingAttempt:
    """Return an attempt that failed a minute after noon for the first time."""
    return ReadingAttempt(at=at, failing_since=NOON + MINUTE, read_at=NOON + SECOND)


def test_the_newest_attempt_is_known_and_when_one_last_succeeded_and_first_failed(
    store: Store, vault: Vault, accounts: WatchedAccounts, connection_id: str
) -> None:
    accounts.add_calendars(connection_id, ["family"])
    name = watched(accounts, connection_id)["family"]
    for at, error, attempt in (
        (NOON, "notFound", ReadingAttempt(at=NOON, failing_since=NOON)),
        (NOON + SECOND, "", ReadingAttempt(at=NOON + SECOND, read_at=NOON + SECOND)),
        (NOON + MINUTE, "notFound", failed_at(NOON + MINUTE)),
        (NOON + 2 * MINUTE, "notFound", failed_at(NOON + 2 * MINUTE)),
    ):
        BusyReadings(store, vault).record(connection_id, reading(name, error), at)
        assert accounts.get_calendars(connection_id)[0].attempts == {2: attempt}


def test_a_calendar_is_pushed_while_a_channel_is_open_that_was_heard(
    store: Store, vault: Vault, accounts: WatchedAccounts, connection_id: str, clock: SettableClock
) -> None:
    accounts.add_calendars(connection_id, ["family"])
    channels = PushChannels(store, vault, clock)
    channel = channels.prepare(watched(accounts, connection_id)["family"], "here")
    assert not accounts.get_calendars(connection_id)[0].pushed
    channels.record_opening(channel.id, "r-1", NOON + MINUTE)
    assert not accounts.get_calendars(connection_id)[0].pushed
    assert channels.record_notification(channel.id, channel.token, clock.now, opened=True)
    assert accounts.get_calendars(connection_id)[0].pushed
    clock.now += MINUTE
    assert not accounts.get_calendars(connection_id)[0].pushed


def test_what_is_forgotten_takes_its_readings_and_channels_along(
    store: Store, vault: Vault, accounts: WatchedAccounts, connection_id: str
) -> None:
    accounts.add_calendars(connection_id, ["family", "work"])
    names = watched(accounts, connection_id)
    for each in names.values():
        PushChannels(store, vault).prepare(each, "here")
        BusyReadings(store, vault).record(connection_id, reading(each), NOON)
    accounts.forget_calendars([names["family"]])
    assert PushChannels(store, vault).get_channels(names.values()).keys() == {names["work"]}
    assert BusyReadings(store, vault).get_readings(connection_id, ["family", "work"], NOON).keys() == {"work"}


def test_only_accounts_with_newer_changes_are_returned(
    store: Store,
    accounts: WatchedAccounts,
    connection_id: str,
    connect_merchant: Callable[[str], str],
    clock: SettableClock,
) -> None:
    connect_merchant("neighbour")
    clock.now += MINUTE
    with store.write() as connection:
        mark_merchant_changed(connection, "m", clock.now)
    assert accounts.get_changes(NOON) == {connection_id: NOON + MINUTE}
    assert accounts.get_changes(NOON + MINUTE) == {}


def test_picking_calendars_marks_the_account_as_changed(
    store: Store, vault: Vault, accounts: WatchedAccounts, connection_id: str
) -> None:
    Owners(store).put("m", Owner.product("a"), OwnerSettings(name="a"))
    before = accounts.get_last_change(connection_id)
    BlockingCalendars(store, vault).replace("m", Owner.product("a"), [])
    after = accounts.get_last_change(connection_id)
    assert before
    assert after
    assert after != before


def test_a_new_booked_time_marks_the_account_as_changed_now_however_old_the_plan_is(
    store: Store, vault: Vault, accounts: WatchedAccounts, connection_id: str
) -> None:
    long_ago = utc_now() - MINUTE
    plan_version(store, vault, 1, long_ago)
    marked = accounts.get_last_change(connection_id)
    assert marked
    assert utc_now() - marked < MINUTE / 2
    plan_version(store, vault, 2, long_ago)
    assert accounts.get_last_change(connection_id) == marked, "no time is new"


def test_a_process_that_dies_before_the_account_is_marked_has_recorded_no_booked_time(
    store: Store, vault: Vault, connection_id: str
) -> None:
    with pytest.raises(KilledError):
        plan_version(store, vault, 1, NOON, die)
    assert BookedTimes(store).get_times("m", "R-1") == []


def plan_version(
    store: Store, vault: Vault, version: int, now: datetime, mark_changed: MarkChanged = mark_merchant_changed
) -> None:
    """Report a version with the same booked time, and plan it."""
    booked = BookedTime(reservation="R-1", item="1", product="a", interval=NEAR_DAYS)
    reported = snapshot(version, merchant="m")
    reservations = Reservations(store, vault)
    reservations.report(reported, now)
    reservations.record_plan(reported, None, [booked], now, mark_changed)


class KilledError(Exception):
    """Instead of the end of the process."""


def die(*_: object) -> None:
    """Die, as a process does that is killed here."""
    raise KilledError


def test_nothing_of_an_account_is_left_in_the_end(
    store: Store, vault: Vault, accounts: WatchedAccounts, connection_id: str, connect_merchant: Callable[[str], str]
) -> None:
    neighbour = connect_merchant("neighbour")
    for each in (connection_id, neighbour):
        accounts.add_calendars(each, ["family"])
        BusyReadings(store, vault).record(each, reading(watched(accounts, each)["family"]), NOON)
    with store.write() as connection:
        forget_account(connection, connection_id)
    assert accounts.get_last_change(connection_id) is None
    assert accounts.get_calendars(connection_id) == []
    assert BusyReadings(store, vault).get_readings(neighbour, ["family"], NOON).keys() == {"family"}
