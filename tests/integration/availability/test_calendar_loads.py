"""A poll loads and decrypts the account's calendars once before the lease, and once after it if something is due."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from slotsync.busy_times.poller import Poller
from slotsync.domain.availability.horizon import POLL_JITTER
from slotsync.domain.availability.reading_plan import WatchedCalendar
from slotsync.store.availability.watched_accounts import WatchedAccounts
from tests.support.poller_harness import HORIZON, MerchantAccount, PollerHarness
from tests.support.push_receiver import PushReceiver
from tests.support.waiting import wait_until

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
POLL = HORIZON.poll * (1 + POLL_JITTER)

IF_NOTHING_IS_DUE = 1
IF_SOMETHING_IS_DUE = 2


class CountingAccounts(WatchedAccounts):
    """Watched accounts that count how often calendars are loaded."""

    loads = 0

    def get_calendars(self, connection_id: str) -> list[WatchedCalendar]:
        self.loads += 1
        return super().get_calendars(connection_id)


@pytest.fixture
def account(poller_harness: PollerHarness) -> MerchantAccount:
    """An account with one product and one blocking calendar."""
    account = poller_harness.account()
    account.choose()
    account.pick(account.email)
    return account


@pytest.fixture
def accounts(poller_harness: PollerHarness) -> CountingAccounts:
    return CountingAccounts(poller_harness.store, poller_harness.vault, poller_harness.clock)


@pytest.fixture
def counted_poller(poller_harness: PollerHarness, accounts: CountingAccounts) -> Iterator[Poller]:
    with poller_harness.poller(accounts=accounts) as poller:
        yield poller


def loads(accounts: CountingAccounts, poller: Poller, account: MerchantAccount) -> int:
    """Poll once, and return how often calendars were loaded meanwhile."""
    before = accounts.loads
    poller.poll(account.connection_id)
    return accounts.loads - before


def test_a_poll_that_adds_a_calendar_and_reads_it_loads_twice(
    accounts: CountingAccounts, counted_poller: Poller, account: MerchantAccount
) -> None:
    assert loads(accounts, counted_poller, account) == IF_SOMETHING_IS_DUE
    assert account.availability().complete


def test_a_poll_loads_twice_when_a_reading_is_due_and_once_when_not(
    poller_harness: PollerHarness, accounts: CountingAccounts, counted_poller: Poller, account: MerchantAccount
) -> None:
    counted_poller.poll(account.connection_id)
    assert loads(accounts, counted_poller, account) == IF_NOTHING_IS_DUE
    poller_harness.clock.advance(POLL)
    assert loads(accounts, counted_poller, account) == IF_SOMETHING_IS_DUE


def test_a_poll_that_forgets_a_calendar_loads_twice(
    accounts: CountingAccounts, counted_poller: Poller, account: MerchantAccount
) -> None:
    account.pick(account.email, account.calendar("Work"))
    counted_poller.poll(account.connection_id)
    account.pick(account.email)
    assert loads(accounts, counted_poller, account) == IF_SOMETHING_IS_DUE


def test_the_next_poll_is_planned_as_if_the_calendars_were_loaded_again(
    poller_harness: PollerHarness, counted_poller: Poller, account: MerchantAccount
) -> None:
    poller_harness.fault("backendError", count=1)
    for _ in range(4):
        read = counted_poller.poll(account.connection_id)
        assert read.calls
        assert counted_poller.poll(account.connection_id).next_at == read.next_at
        poller_harness.clock.advance(POLL)


def test_a_calendar_with_a_new_channel_is_read_again_once_that_was_heard(
    poller_harness: PollerHarness, accounts: CountingAccounts, account: MerchantAccount
) -> None:
    with (
        closing(PushReceiver()) as receiver,
        poller_harness.poller(receiver.address, accounts=accounts) as poller,
    ):
        poller_harness.hear(receiver)
        opened = poller.poll(account.connection_id)
        wait_until(lambda: receiver.states() == ["sync"])
        assert opened.next_at <= poller_harness.clock()
        again = poller.poll(account.connection_id)
        poller_harness.clock.now = max(poller_harness.clock.now, again.next_at)
        poller.poll(account.connection_id)
    (calendar,) = accounts.get_calendars(account.connection_id)
    assert calendar.pushed
    assert calendar.notified_at
    assert calendar.attempts[0].at > calendar.notified_at
