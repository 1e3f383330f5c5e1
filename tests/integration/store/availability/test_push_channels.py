from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.push_channels import Channel, ChannelState, NewChannel
from slotsync.domain.connections.connection import CALENDAR_LIST, EVENTS_FREEBUSY
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.secrets import Vault
from slotsync.store.availability.busy_readings import BusyReadings, NewReading
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.availability.watched_accounts import WatchedAccounts
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.database.engine import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
MOMENT = timedelta(milliseconds=10)
WATCHING = ("push_channel", "busy_reading", "watched_calendar", "watched_account")


def connect(connections: Connections, merchant: str = "m", account: str = "account") -> str:
    grant = NewGrant(
        account_email=f"{account}@x", account_key=account, scopes=frozenset({EVENTS_FREEBUSY}), refresh_token="r"
    )
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
    return channels.prepare(watched_id, "here")


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
    assert channels.get_channels([watched_id]) == {
        watched_id: [Channel(id=channel.id, asked_at=NOON, address_hash="here")]
    }
    assert len(channel.token) >= 43
    with store.read() as session:
        assert channel.token not in str(session.connection().execute(text("SELECT * FROM push_channel")).all())


def test_no_two_channels_are_the_same(channels: PushChannels, watched_id: str) -> None:
    made = [channels.prepare(watched_id, "here") for _ in range(10)]
    assert len({each.id for each in made} | {each.token for each in made}) == 20


def test_what_google_answered_is_known_until_it_is_forgotten(
    channels: PushChannels, connection_id: str, watched_id: str, channel: NewChannel
) -> None:
    channels.record_opening(channel.id, "r-1", NOON + SECOND)
    more = {"resource_id": "r-1", "expires_at": NOON + SECOND, "address_hash": "here"}
    known = Channel.model_validate({"id": channel.id, "asked_at": NOON, **more})
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
    another = channels.prepare(watched, "here")
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
    another = channels.prepare(watched_id, "here")
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


def known_channel(channels: PushChannels, connection_id: str) -> Channel:
    (known,) = channels.get_connection_channels(connection_id)
    return known


@pytest.mark.parametrize("opened", [True, False])
def test_the_first_notification_is_remembered_and_has_the_calendar_read(
    accounts: WatchedAccounts, channels: PushChannels, connection_id: str, channel: NewChannel, opened: bool
) -> None:
    assert channels.record_notification(channel.id, channel.token, NOON + SECOND, opened=opened)
    assert known_channel(channels, connection_id).heard_at == NOON + SECOND
    assert notified_times(accounts, connection_id) == [NOON + SECOND]
    assert accounts.get_last_change(connection_id) == NOON + SECOND


def test_a_repeated_message_that_the_channel_was_opened_changes_nothing(
    accounts: WatchedAccounts, channels: PushChannels, connection_id: str, channel: NewChannel
) -> None:
    for moment in (NOON, NOON + MINUTE):
        assert channels.record_notification(channel.id, channel.token, moment, opened=True)
    assert known_channel(channels, connection_id).heard_at == NOON
    assert notified_times(accounts, connection_id) == [NOON]


def test_a_forged_message_is_not_a_sign_of_life(
    channels: PushChannels, connection_id: str, channel: NewChannel
) -> None:
    assert not channels.record_notification(channel.id, "wrong", NOON, opened=True)
    assert known_channel(channels, connection_id).heard_at is None


class SelfTest:
    """A calendar that was read at noon, ten minutes after its channel was heard."""

    def __init__(self, store: Store, vault: Vault, connection_id: str, watched_id: str, channel: NewChannel) -> None:
        self._readings = BusyReadings(store, vault, lambda: NOON)
        self._channels = PushChannels(store, vault, lambda: NOON)
        self._connection_id, self._watched_id, self._channel = connection_id, watched_id, channel
        self._channels.record_opening(channel.id, "r-1", NOON + 1000 * MINUTE)
        self.notify(-10, opened=True)
        self.read(0)

    def read(self, minute: float, *busy: Interval, interval: Interval | None = None, error: str = "") -> None:
        new = NewReading(
            watched_id=self._watched_id,
            chunk=0,
            interval=interval or DAYS,
            busy=busy,
            error=error,
            call_failed=bool(error),
            good_for=10 * MINUTE,
        )
        self._readings.record(self._connection_id, [new], NOON + minute * MINUTE)

    def notify(self, minute: float, *, opened: bool = False) -> None:
        moment = NOON + minute * MINUTE
        assert self._channels.record_notification(self._channel.id, self._channel.token, moment, opened=opened)

    def renew(self, minute: float) -> None:
        """Replace the channel by one that is heard at this time."""
        self._channels.forget(self._channel.id)
        self._channel = self._channels.prepare(self._watched_id, "here")
        self.notify(minute, opened=True)

    def doubted_at(self) -> datetime | None:
        return known_channel(self._channels, self._connection_id).doubted_at

    def state(self, minute: float) -> list[ChannelState]:
        return sorted(self._channels.count_states("here", NOON + minute * MINUTE).elements())


@pytest.fixture
def self_test(store: Store, vault: Vault, connection_id: str, watched_id: str, channel: NewChannel) -> SelfTest:
    return SelfTest(store, vault, connection_id, watched_id, channel)


DAYS = Interval(start=NOON, end=NOON + timedelta(days=60))
MEETING = Interval(start=NOON + timedelta(days=1), end=NOON + timedelta(days=2))


def test_a_change_that_no_push_told_makes_the_channel_suspect(self_test: SelfTest) -> None:
    self_test.read(10, MEETING)
    assert self_test.doubted_at() == NOON + 10 * MINUTE
    assert self_test.state(10.5) == [ChannelState.HEARD], "the notification may still come"
    assert self_test.state(11) == [ChannelState.SUSPECT]


def test_a_notification_that_comes_a_moment_after_the_poll_is_in_time(self_test: SelfTest) -> None:
    self_test.read(10, MEETING)
    self_test.notify(10.5)
    assert self_test.doubted_at() is None


def test_a_notification_that_comes_late_does_not_restore_the_trust(self_test: SelfTest) -> None:
    self_test.read(10, MEETING)
    self_test.notify(12)
    assert self_test.doubted_at() == NOON + 10 * MINUTE


@pytest.mark.parametrize("told_at", [0.1, 5, 9.9])
def test_a_change_that_push_told_is_no_reason_for_doubt(self_test: SelfTest, told_at: float) -> None:
    self_test.notify(told_at)
    self_test.read(10, MEETING)
    assert self_test.doubted_at() is None


def test_a_reading_without_a_change_is_no_reason_for_doubt(self_test: SelfTest) -> None:
    self_test.read(10, error="backendError")
    self_test.read(20)
    assert self_test.doubted_at() is None


def test_days_that_come_into_sight_are_no_change(self_test: SelfTest) -> None:
    next_day = Interval(start=DAYS.start + timedelta(days=1), end=DAYS.end + timedelta(days=1))
    self_test.read(10, Interval(start=DAYS.end, end=DAYS.end + timedelta(days=1)), interval=next_day)
    assert self_test.doubted_at() is None


def test_what_may_have_changed_before_a_channel_was_heard_is_no_reason_to_doubt_that_one(self_test: SelfTest) -> None:
    self_test.renew(0.5)
    self_test.read(10, MEETING)
    assert self_test.doubted_at() is None
    self_test.read(20)
    assert self_test.doubted_at() == NOON + 20 * MINUTE


def test_a_calendar_that_its_merchant_did_not_allow_to_read_misses_no_channel(
    store: Store, vault: Vault, accounts: WatchedAccounts, connections: Connections, channels: PushChannels
) -> None:
    watch(accounts, connections.save_grant("lacking", "refresh", {CALENDAR_LIST}, "l@x"), "family", "work")
    assert +channels.count_states("here", NOON) == {ChannelState.NOT_ALLOWED: 2}
    watch(accounts, connections.save_grant("whole", "refresh", {EVENTS_FREEBUSY}, "w@x"), "family")
    assert +channels.count_states("here", NOON) == {ChannelState.NOT_ALLOWED: 2, ChannelState.MISSING: 1}


def test_channels_are_counted_by_their_state(
    accounts: WatchedAccounts, channels: PushChannels, connection_id: str, channel: NewChannel
) -> None:
    assert channels.count_states("here", NOON) == {ChannelState.MISSING: 1}, "it is only being opened"
    channels.record_opening(channel.id, "r-1", NOON + 60 * MINUTE)
    states = ((0, ChannelState.NEW), (1, ChannelState.UNHEARD), (60, ChannelState.MISSING))
    for minute, state in states:
        assert +channels.count_states("here", NOON + minute * MINUTE) == {state: 1}
    channels.record_notification(channel.id, channel.token, NOON + 2 * MINUTE, opened=True)
    assert +channels.count_states("here", NOON + 3 * MINUTE) == {ChannelState.HEARD: 1}
    assert +channels.count_states("elsewhere", NOON + 3 * MINUTE) == {ChannelState.OTHER_ADDRESS: 1}
    (holidays,) = watch(accounts, connection_id, "holidays")
    assert channels.count_states("here", NOON + 3 * MINUTE)[ChannelState.MISSING] == 1
    channels.record_refusal(holidays)
    assert channels.count_states("here", NOON + 3 * MINUTE)[ChannelState.MISSING] == 0


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
        channels.prepare(watched, "here")
        read(store, vault, each, watched)
    return ids[0]


def test_a_disconnection_forgets_what_was_read(
    store: Store, vault: Vault, two_merchants: str, channels: PushChannels
) -> None:
    disconnections = Disconnections(store, vault)
    assert disconnections.request("m", CalendarChoice.KEEP, NOON)
    assert counts(store, *WATCHING) == [2] * 4
    disconnections.finish(two_merchants, CalendarChoice.KEEP)
    assert counts(store, *WATCHING) == [1] * 4
    assert channels.get_connection_channels(two_merchants) == []


def test_a_merchant_who_connects_again_during_a_disconnection_keeps_readings(
    store: Store, vault: Vault, connections: Connections, two_merchants: str
) -> None:
    disconnections = Disconnections(store, vault)
    assert disconnections.request("m", CalendarChoice.KEEP, NOON)
    connect(connections, "m", "m")
    disconnections.finish(two_merchants, CalendarChoice.KEEP)
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
