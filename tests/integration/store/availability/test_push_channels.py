from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.push_channels import Channel, NewChannel
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.secrets import Vault
from slotsync.store.availability.busy_readings import BusyReadings, NewReading
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.availability.watched_accounts import WatchedAccounts
from slotsync.store.connections.connections import Connections, NewGrant
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.database.engine import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MOMENT = timedelta(milliseconds=10)
WATCHING = ("push_channel", "busy_reading", "watched_calendar", "watched_account")


def connect(connections: Connections, merchant: str = "m", account: str = "account") -> str:
    grant = NewGrant(account_email=f"{account}@x", account_key=account, scopes=frozenset(), refresh_token="r")
    return connections.save(merchant, grant)


def watch(accounts: WatchedAccounts, connection_id: str, *calendar_ids: str) -> list[str]:
    """Return the names of watched calendars, in the order of these."""
    accounts.add(connection_id)
    accounts.add_calendars(connection_id, calendar_ids)
    known = {each.calendar_id: each.id for each in accounts.get_calendars(connection_id)}
    return [known[each] for each in calendar_ids]


@pytest.fixture
def accounts(store: Store, vault: Vault) -> WatchedAccounts:
    return WatchedAccounts(store, vault, lambda: NOON)


@pytest.fixture
def connection_id(connections: Connections) -> str:
    return connect(connections)


@pytest.fixture
def watched_id(accounts: WatchedAccounts, connection_id: str) -> str:
    return watch(accounts, connection_id, "family")[0]


@pytest.fixture
def channels(store: Store, vault: Vault) -> PushChannels:
    return PushChannels(store, vault, lambda: NOON)


@pytest.fixture
def channel(channels: PushChannels, watched_id: str) -> NewChannel:
    return channels.prepare(watched_id)


def notified_times(accounts: WatchedAccounts, connection_id: str) -> list[datetime | None]:
    return [each.notified_at for each in accounts.get_calendars(connection_id)]


def counts(store: Store, *tables: str) -> list[int]:
    with store.read() as session:
        return [session.connection().execute(text(f"SELECT count(*) FROM {each}")).scalar_one() for each in tables]


@contextmanager
def counted_writes() -> Iterator[list[str]]:
    """Yield the statements that change something, as they are sent to the database."""
    seen: list[str] = []

    def see(*call: object) -> None:
        seen.extend([str(call[2])] if str(call[2]).startswith(("UPDATE", "INSERT", "DELETE")) else [])

    event.listen(Engine, "before_cursor_execute", see)
    yield seen
    event.remove(Engine, "before_cursor_execute", see)


def test_a_channel_is_stored_before_google_opens_it_and_its_token_is_encrypted(
    store: Store, channels: PushChannels, watched_id: str, channel: NewChannel
) -> None:
    assert channels.get_channels([watched_id]) == {watched_id: [Channel(id=channel.id, asked_at=NOON)]}
    assert len(channel.token) >= 43
    with store.read() as session:
        assert channel.token not in str(session.connection().execute(text("SELECT * FROM push_channel")).all())


def test_no_two_channels_are_the_same(channels: PushChannels, watched_id: str) -> None:
    made = [channels.prepare(watched_id) for _ in range(10)]
    assert len({each.id for each in made} | {each.token for each in made}) == 20


def test_what_google_answered_is_known_until_it_is_forgotten(
    channels: PushChannels, connection_id: str, watched_id: str, channel: NewChannel
) -> None:
    channels.record_opening(channel.id, "r-1", NOON + SECOND)
    known = Channel(id=channel.id, asked_at=NOON, resource_id="r-1", expires_at=NOON + SECOND)
    assert channels.get_channels([watched_id, "another"]) == {watched_id: [known]}
    assert channels.get_connection_channels(connection_id) == [known]
    channels.forget(channel.id)
    assert channels.get_channels([watched_id]) == {}


def test_the_channels_of_connections_are_kept_apart(
    accounts: WatchedAccounts,
    connections: Connections,
    channels: PushChannels,
    connection_id: str,
    channel: NewChannel,
) -> None:
    neighbour = connect(connections, "neighbour")
    (watched,) = watch(accounts, neighbour, "family")
    another = channels.prepare(watched)
    assert [each.id for each in channels.get_connection_channels(connection_id)] == [channel.id]
    assert [each.id for each in channels.get_connection_channels(neighbour)] == [another.id]


def test_a_calendar_that_refuses_push_is_remembered(
    accounts: WatchedAccounts, channels: PushChannels, connection_id: str, watched_id: str
) -> None:
    (holidays,) = watch(accounts, connection_id, "holidays")
    channels.record_refusal(holidays)
    assert channels.get_refused([watched_id, holidays]) == {holidays}


def test_a_notification_is_recorded_on_the_calendar_and_its_account(
    accounts: WatchedAccounts, channels: PushChannels, connection_id: str, channel: NewChannel
) -> None:
    assert channels.record_notification(channel.id, channel.token, NOON + SECOND)
    assert notified_times(accounts, connection_id) == [NOON + SECOND]
    assert accounts.get_last_change(connection_id) == NOON + SECOND


@pytest.mark.parametrize("token", ["wrong", "", "x" * 5000, "\xff\x00", "🔔"])
def test_a_notification_without_the_token_changes_nothing(
    accounts: WatchedAccounts, channels: PushChannels, connection_id: str, channel: NewChannel, token: str
) -> None:
    assert not channels.record_notification(channel.id, token, NOON + SECOND)
    assert not channels.record_notification("unknown", channel.token, NOON + SECOND)
    assert notified_times(accounts, connection_id) == [None]
    assert accounts.get_last_change(connection_id) == NOON


def test_the_token_of_one_channel_does_not_notify_another(
    channels: PushChannels, watched_id: str, channel: NewChannel
) -> None:
    another = channels.prepare(watched_id)
    assert not channels.record_notification(channel.id, another.token, NOON)


def test_many_notifications_cause_one_write_a_second_and_none_is_lost(
    accounts: WatchedAccounts, channels: PushChannels, connection_id: str, channel: NewChannel
) -> None:
    with counted_writes() as writes:
        for number in range(300):
            now = NOON + number * MOMENT
            assert channels.record_notification(channel.id, channel.token, now)
            (noted,) = notified_times(accounts, connection_id)
            assert noted
            assert noted >= now
    assert len([each for each in writes if "watched_calendar" in each]) == 4


def test_simultaneous_notifications_leave_the_latest(
    accounts: WatchedAccounts, channels: PushChannels, connection_id: str, channel: NewChannel
) -> None:
    moments = [NOON + number * 2 * SECOND for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda now: channels.record_notification(channel.id, channel.token, now), moments))
    assert notified_times(accounts, connection_id) == [moments[-1]]


def read(store: Store, vault: Vault, connection_id: str, watched_id: str) -> None:
    span = Interval(start=NOON, end=NOON + SECOND)
    new = NewReading(watched_id=watched_id, chunk=0, interval=span, busy=(span,), good_for=SECOND)
    BusyReadings(store, vault).record(connection_id, [new], NOON)


@pytest.fixture
def two_merchants(
    accounts: WatchedAccounts, store: Store, vault: Vault, connections: Connections, channels: PushChannels
) -> str:
    """Create two merchants with channels and readings of their own, and return the first one's connection."""
    ids = [connect(connections, merchant, merchant) for merchant in ("m", "neighbour")]
    for each in ids:
        (watched,) = watch(accounts, each, "family")
        channels.prepare(watched)
        read(store, vault, each, watched)
    return ids[0]


def test_a_disconnection_forgets_what_was_read(
    store: Store, vault: Vault, two_merchants: str, channels: PushChannels
) -> None:
    disconnections = Disconnections(store, vault)
    assert disconnections.request("m", CalendarChoice.KEEP, NOON)
    assert counts(store, *WATCHING) == [2] * 4
    disconnections.finish(two_merchants)
    assert counts(store, *WATCHING) == [1] * 4
    assert channels.get_connection_channels(two_merchants) == []


def test_a_merchant_who_connects_again_during_a_disconnection_keeps_readings(
    store: Store, vault: Vault, connections: Connections, two_merchants: str
) -> None:
    disconnections = Disconnections(store, vault)
    assert disconnections.request("m", CalendarChoice.KEEP, NOON)
    connect(connections, "m", "m")
    disconnections.finish(two_merchants)
    assert counts(store, *WATCHING) == [2] * 4


@pytest.mark.parametrize(("account", "left"), [("m", 2), ("another", 1)])
def test_what_was_read_of_an_account_is_forgotten_with_it(
    store: Store, connections: Connections, two_merchants: str, account: str, left: int
) -> None:
    assert connect(connections, "m", account) == two_merchants
    assert counts(store, *WATCHING[:3]) == [left] * 3


def test_disconnecting_merchants_with_a_shared_account_differ_from_those_without(
    store: Store, vault: Vault, connections: Connections, connection_id: str
) -> None:
    disconnections = Disconnections(store, vault)
    assert not disconnections.is_shared(connection_id)
    connect(connections, "neighbour")
    assert disconnections.is_shared(connection_id)
