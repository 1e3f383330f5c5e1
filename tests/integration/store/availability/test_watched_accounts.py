from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.reading_plan import Attempt
from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.busy_readings import BusyReadings, NewReading
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.availability.watched_accounts import WatchedAccounts, forget_account, mark_merchant_changed
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from tests.support.readings import pick

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
SPAN = Interval(start=NOON, end=NOON + timedelta(days=60))


@dataclass
class StoreClock:
    """A time that a test sets."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> StoreClock:
    return StoreClock()


@pytest.fixture
def accounts(store: Store, vault: Vault, clock: StoreClock) -> WatchedAccounts:
    return WatchedAccounts(store, vault, clock)


@pytest.fixture
def connect(connections: Connections, accounts: WatchedAccounts) -> Callable[[str], str]:
    """Connects a merchant whose account is watched."""

    def connected(merchant: str) -> str:
        connection_id = connections.save_grant(merchant, "refresh", {"openid"}, f"{merchant}@x")
        accounts.know(connection_id)
        return connection_id

    return connected


@pytest.fixture
def account(connect: Callable[[str], str]) -> str:
    return connect("m")


def watched(accounts: WatchedAccounts, account: str) -> dict[str, str]:
    """The names of the watched calendars by their ids in Google."""
    return {each.calendar_id: each.id for each in accounts.calendars(account)}


def reading(watched_id: str, error: str = "") -> list[NewReading]:
    return [NewReading(watched_id=watched_id, chunk=2, span=SPAN, error=error, good_for=MINUTE)]


def test_an_account_is_known_once_however_often_it_is_told(
    accounts: WatchedAccounts, account: str, clock: StoreClock
) -> None:
    clock.now += SECOND
    accounts.know(account)
    assert accounts.changed_at(account) == NOON
    assert accounts.changed_at("another") is None


def test_only_one_has_the_turn(accounts: WatchedAccounts, account: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        turns = list(threads.map(lambda name: accounts.acquire_lease(account, str(name), MINUTE), range(8)))
    assert turns.count(True) == 1
    assert not accounts.acquire_lease(account, "late", MINUTE)


def test_a_turn_of_one_account_is_none_of_another(
    accounts: WatchedAccounts, account: str, connect: Callable[[str], str]
) -> None:
    neighbour = connect("neighbour")
    assert accounts.acquire_lease(account, "a", MINUTE)
    assert accounts.acquire_lease(neighbour, "b", MINUTE)


def test_the_next_one_has_its_turn_once_the_first_has_ended(accounts: WatchedAccounts, account: str) -> None:
    assert accounts.acquire_lease(account, "first", MINUTE)
    accounts.release_lease(account, "first")
    assert accounts.acquire_lease(account, "next", MINUTE)


def test_a_turn_that_nobody_ends_ends_by_itself(accounts: WatchedAccounts, account: str, clock: StoreClock) -> None:
    assert accounts.acquire_lease(account, "dead", MINUTE)
    clock.now += MINUTE - SECOND
    assert not accounts.acquire_lease(account, "next", MINUTE)
    clock.now += SECOND
    assert accounts.acquire_lease(account, "next", MINUTE)


def test_who_has_the_turn_makes_it_longer(accounts: WatchedAccounts, account: str, clock: StoreClock) -> None:
    assert accounts.acquire_lease(account, "slow", MINUTE)
    clock.now += MINUTE - SECOND
    accounts.renew_lease(account, "slow", MINUTE)
    clock.now += MINUTE - SECOND
    assert not accounts.acquire_lease(account, "next", MINUTE)


def test_who_comes_too_late_neither_ends_nor_prolongs_the_turn_of_another(
    accounts: WatchedAccounts, account: str, clock: StoreClock
) -> None:
    assert accounts.acquire_lease(account, "late", MINUTE)
    clock.now += MINUTE
    assert accounts.acquire_lease(account, "next", MINUTE)
    accounts.release_lease(account, "late")
    assert not accounts.acquire_lease(account, "third", MINUTE)
    accounts.renew_lease(account, "late", MINUTE * 5)
    clock.now += MINUTE
    assert accounts.acquire_lease(account, "third", MINUTE)


def test_what_any_product_of_the_merchant_is_blocked_by_is_picked(
    store: Store, vault: Vault, accounts: WatchedAccounts, account: str, connect: Callable[[str], str]
) -> None:
    connect("neighbour")
    for merchant, product, names in (("m", "a", ("X", "Y")), ("m", "b", ("Y", "Z")), ("neighbour", "a", ("N",))):
        Owners(store).put(merchant, Owner.product(product), OwnerSettings(name=product))
        pick(store, vault, merchant, product, *names)
    assert accounts.picked(account) == {"x", "y", "z"}
    pick(store, vault, "m", "a")
    assert accounts.picked(account) == {"y", "z"}


def test_calendars_are_watched_until_they_are_forgotten(accounts: WatchedAccounts, account: str) -> None:
    accounts.watch(account, ["family", "work"])
    assert set(watched(accounts, account)) == {"family", "work"}
    accounts.forget([watched(accounts, account)["family"]])
    assert set(watched(accounts, account)) == {"work"}


def test_nobody_watches_the_calendars_of_another(
    accounts: WatchedAccounts, account: str, connect: Callable[[str], str]
) -> None:
    neighbour = connect("neighbour")
    accounts.watch(account, ["family"])
    accounts.watch(neighbour, ["family"])
    assert watched(accounts, account).keys() == watched(accounts, neighbour).keys()
    assert set(watched(accounts, account).values()).isdisjoint(watched(accounts, neighbour).values())


def test_ids_of_calendars_rest_sealed(store: Store, accounts: WatchedAccounts, account: str) -> None:
    accounts.watch(account, ["kari@example.com"])
    with store.read() as session:
        assert "kari" not in str(session.connection().execute(text("SELECT * FROM watched_calendar")).all())


def test_the_newest_attempt_is_known_and_when_one_last_succeeded(
    store: Store, vault: Vault, accounts: WatchedAccounts, account: str
) -> None:
    accounts.watch(account, ["family"])
    name = watched(accounts, account)["family"]
    for at, error, attempt in (
        (NOON, "notFound", Attempt(at=NOON, failed=True)),
        (NOON + SECOND, "", Attempt(at=NOON + SECOND, read_at=NOON + SECOND)),
        (NOON + MINUTE, "notFound", Attempt(at=NOON + MINUTE, failed=True, read_at=NOON + SECOND)),
    ):
        BusyReadings(store, vault).record(account, reading(name, error), at)
        assert accounts.calendars(account)[0].attempts == {2: attempt}


def test_a_calendar_is_pushed_while_a_channel_is_open(
    store: Store, vault: Vault, accounts: WatchedAccounts, account: str, clock: StoreClock
) -> None:
    accounts.watch(account, ["family"])
    channels = PushChannels(store, vault, clock)
    channel = channels.prepare(watched(accounts, account)["family"])
    assert not accounts.calendars(account)[0].pushed
    channels.opened(channel.id, "r-1", NOON + MINUTE)
    assert accounts.calendars(account)[0].pushed
    clock.now += MINUTE
    assert not accounts.calendars(account)[0].pushed


def test_what_is_forgotten_takes_its_readings_and_channels_along(
    store: Store, vault: Vault, accounts: WatchedAccounts, account: str
) -> None:
    accounts.watch(account, ["family", "work"])
    names = watched(accounts, account)
    for each in names.values():
        PushChannels(store, vault).prepare(each)
        BusyReadings(store, vault).record(account, reading(each), NOON)
    accounts.forget([names["family"]])
    assert PushChannels(store, vault).of(names.values()).keys() == {names["work"]}
    assert BusyReadings(store, vault).of(account, ["family", "work"]).keys() == {"work"}


def test_ringing_has_calendars_read_and_tells_everybody_who_watches(
    accounts: WatchedAccounts, account: str, clock: StoreClock
) -> None:
    accounts.watch(account, ["family", "work"])
    clock.now += SECOND
    accounts.ring(account, [watched(accounts, account)["work"]])
    rung = {each.calendar_id: each.rung_at for each in accounts.calendars(account)}
    assert rung == {"family": None, "work": NOON + SECOND}
    assert accounts.changed_at(account) == NOON + SECOND


def test_only_accounts_with_something_new_are_told(
    store: Store, accounts: WatchedAccounts, account: str, connect: Callable[[str], str], clock: StoreClock
) -> None:
    connect("neighbour")
    clock.now += MINUTE
    with store.write() as connection:
        mark_merchant_changed(connection, "m", clock.now)
    assert accounts.changed_since(NOON) == {account: NOON + MINUTE}
    assert accounts.changed_since(NOON + MINUTE) == {}


def test_who_picks_tells_everybody_who_watches(
    store: Store, vault: Vault, accounts: WatchedAccounts, account: str
) -> None:
    Owners(store).put("m", Owner.product("a"), OwnerSettings(name="a"))
    before = accounts.changed_at(account)
    BlockingCalendars(store, vault).pick("m", Owner.product("a"), [])
    after = accounts.changed_at(account)
    assert before
    assert after
    assert after != before


def test_nothing_of_an_account_is_left_in_the_end(
    store: Store, vault: Vault, accounts: WatchedAccounts, account: str, connect: Callable[[str], str]
) -> None:
    neighbour = connect("neighbour")
    for each in (account, neighbour):
        accounts.watch(each, ["family"])
        BusyReadings(store, vault).record(each, reading(watched(accounts, each)["family"]), NOON)
    with store.write() as connection:
        forget_account(connection, account)
    assert accounts.changed_at(account) is None
    assert accounts.calendars(account) == []
    assert BusyReadings(store, vault).of(neighbour, ["family"]).keys() == {"family"}
