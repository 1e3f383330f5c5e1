"""A reading serves all products of an account: over threads and processes, for as few calls as Google allows."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from slotsync.busy_times.poller import LEASE_DURATION, LEASE_RETRY_DELAY, Poller, PollResult
from slotsync.domain.availability.horizon import POLL_JITTER, split_horizon
from slotsync.domain.availability.push_channels import PUSHED_POLL_INTERVAL
from slotsync.domain.availability.reading_plan import WatchedCalendar
from slotsync.domain.calendars.owner import Owner
from slotsync.store.availability.busy_readings import BusyReadings
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.database.engine import Store
from tests.support.poller_harness import HORIZON, MerchantAccount, PollerHarness
from tests.support.push_receiver import PushReceiver
from tests.support.waiting import wait_until

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLL = HORIZON.poll * (1 + POLL_JITTER)
PIECES = len(split_horizon(NOON, HORIZON))
FAR = PIECES - 1

NEAR_CALLS = 2
"""Sixty calendars, fifty to a call."""


@pytest.fixture
def account(poller_harness: PollerHarness) -> MerchantAccount:
    """An account with one product and one blocking calendar."""
    account = poller_harness.account()
    account.choose()
    account.pick(account.email)
    return account


@pytest.fixture
def large(poller_harness: PollerHarness) -> MerchantAccount:
    """An account with sixty calendars, each of which blocks one of two products."""
    account = poller_harness.account()
    calendars = [account.calendar(f"Calendar {each}") for each in range(60)]
    for product, picked in (("tour", calendars[:30]), ("kayak", calendars[30:])):
        account.choose(product)
        account.pick(*picked, product=product)
    return account


@pytest.fixture
def others(poller_harness: PollerHarness) -> Iterator[Sequence[Poller]]:
    """Pollers like those of other processes: each has a store of its own, on the same database."""
    with ExitStack() as stack:
        stores = [stack.enter_context(closing(Store.open(poller_harness.settings.database_url))) for _ in range(2)]
        yield [stack.enter_context(replace(poller_harness, store=store).poller()) for store in stores]


@pytest.fixture
def calls(poller_harness: PollerHarness, account: MerchantAccount) -> Callable[[], dict[str, int]]:
    """A function that returns the calls for the account since its last call."""
    return counter(poller_harness, account)


def counter(poller_harness: PollerHarness, account: MerchantAccount) -> Callable[[], dict[str, int]]:
    seen: Counter[str] = Counter()

    def since() -> dict[str, int]:
        answer = poller_harness.http.get("/sandbox/calls", params={"account": account.email}).raise_for_status()
        totals = Counter(answer.json()["totals"])
        new = {name.removeprefix("freebusy."): count for name, count in (totals - seen).items() if "." in name}
        seen.update(totals - seen)
        return new

    since()
    return since


def watched(poller_harness: PollerHarness, account: MerchantAccount) -> dict[str, WatchedCalendar]:
    return {each.calendar_id: each for each in poller_harness.accounts.get_calendars(account.connection_id)}


def all_at_once(pollers: Sequence[Poller], account: MerchantAccount) -> list[PollResult]:
    """Poll one account with eight threads for each poller, and return the results."""
    with ThreadPoolExecutor(8 * len(pollers)) as threads:
        return list(threads.map(lambda poller: poller.poll(account.connection_id), [*pollers] * 8))


def test_one_reads_for_all_threads_and_processes(
    poller_harness: PollerHarness, large: MerchantAccount, poller: Poller, others: Sequence[Poller]
) -> None:
    calls = counter(poller_harness, large)
    turns = all_at_once([poller, *others], large)
    assert calls() == {"query": NEAR_CALLS * (1 + FAR)}
    assert sum(turn.calls for turn in turns) == NEAR_CALLS * (1 + FAR)
    assert all(large.availability(product).complete for product in ("tour", "kayak"))


def test_each_round_takes_as_many_calls_however_many_ask(
    poller_harness: PollerHarness, large: MerchantAccount, poller: Poller, others: Sequence[Poller]
) -> None:
    poller.poll(large.connection_id)
    calls = counter(poller_harness, large)
    for _ in range(3):
        poller_harness.clock.advance(POLL)
        all_at_once([poller, *others], large)
        assert calls() == {"query": NEAR_CALLS}


def test_what_a_sibling_has_read_is_used_and_not_read_again(
    account: MerchantAccount, poller: Poller, others: Sequence[Poller], calls: Callable[[], dict[str, int]]
) -> None:
    read = poller.poll(account.connection_id)
    assert calls() == {"query": PIECES}
    used = [other.poll(account.connection_id) for other in others]
    assert calls() == {}
    assert {(turn.calls, turn.calendars, turn.next_at) for turn in used} == {(0, 1, read.next_at)}


def test_while_one_poller_reads_no_other_does(
    poller_harness: PollerHarness, account: MerchantAccount, poller: Poller, calls: Callable[[], dict[str, int]]
) -> None:
    poller_harness.accounts.add(account.connection_id)
    assert poller_harness.accounts.acquire_lease(account.connection_id, "another", LEASE_DURATION)
    turn = poller.poll(account.connection_id)
    assert calls() == {}
    assert timedelta() < turn.next_at - poller_harness.clock() <= LEASE_RETRY_DELAY


def test_a_poller_that_dies_holds_up_the_others_no_longer_than_its_lease(
    poller_harness: PollerHarness, account: MerchantAccount, poller: Poller, calls: Callable[[], dict[str, int]]
) -> None:
    poller_harness.accounts.add(account.connection_id)
    assert poller_harness.accounts.acquire_lease(account.connection_id, "dead", LEASE_DURATION)
    died_at = poller_harness.clock.now
    while not (turn := poller.poll(account.connection_id)).calls:
        poller_harness.clock.now = turn.next_at
    assert calls() == {"query": PIECES}
    assert poller_harness.clock.now - died_at < LEASE_DURATION + LEASE_RETRY_DELAY + timedelta(milliseconds=10)


def test_a_calendar_that_was_just_picked_is_read_at_once_and_alone(
    poller_harness: PollerHarness, account: MerchantAccount, poller: Poller, calls: Callable[[], dict[str, int]]
) -> None:
    poller.poll(account.connection_id)
    before, work = watched(poller_harness, account), account.calendar("Work")
    calls()
    account.pick(account.email, work)
    poller.poll(account.connection_id)
    assert calls() == {"query": PIECES}
    after = watched(poller_harness, account)
    assert after.keys() == {account.email, work}
    assert after[account.email] == before[account.email]


def test_a_calendar_of_two_products_is_read_once(
    account: MerchantAccount, poller: Poller, calls: Callable[[], dict[str, int]]
) -> None:
    poller.poll(account.connection_id)
    account.choose("kayak")
    account.pick(account.email, product="kayak")
    calls()
    poller.poll(account.connection_id)
    assert calls() == {}
    assert account.availability("kayak").complete


def test_a_calendar_that_is_not_picked_any_more_is_forgotten_and_its_channel_stopped(
    poller_harness: PollerHarness, account: MerchantAccount, calls: Callable[[], dict[str, int]]
) -> None:
    work = account.calendar("Work")
    account.pick(account.email, work)
    with closing(PushReceiver()) as receiver, poller_harness.poller(receiver.address) as poller:
        poller.poll(account.connection_id)
        assert calls()["events.watch"] == 2
        account.pick(work)
        poller.poll(account.connection_id)
        assert calls()["channels.stop"] == 1
    assert watched(poller_harness, account).keys() == {work}
    known = BusyReadings(poller_harness.store, poller_harness.vault).get_readings(
        account.connection_id, [account.email, work], poller_harness.clock()
    )
    assert known.keys() == {work}


def test_when_nothing_is_picked_any_more_google_is_left_alone(
    poller_harness: PollerHarness, account: MerchantAccount, poller: Poller, calls: Callable[[], dict[str, int]]
) -> None:
    poller.poll(account.connection_id)
    account.pick()
    calls()
    for _ in range(3):
        assert poller.poll(account.connection_id).calendars == 0
        poller_harness.clock.advance(POLL)
    assert calls() == {}
    assert watched(poller_harness, account) == {}


def test_a_calendar_that_slotsync_fills_never_blocks_and_is_never_asked_for(
    poller_harness: PollerHarness, account: MerchantAccount, poller: Poller, calls: Callable[[], dict[str, int]]
) -> None:
    managed = account.calendar("Sunset tour")
    ManagedCalendars(poller_harness.store).record(
        account.merchant, Owner.product("tour"), managed, account.connection_id
    )
    account.pick(managed)
    assert poller.poll(account.connection_id).calls == 0
    assert calls() == {}
    account.pick(managed, account.email)
    poller.poll(account.connection_id)
    assert watched(poller_harness, account).keys() == {account.email}


def test_a_calendar_that_is_managed_later_is_forgotten(
    poller_harness: PollerHarness, account: MerchantAccount, poller: Poller
) -> None:
    work = account.calendar("Work")
    account.pick(account.email, work)
    poller.poll(account.connection_id)
    ManagedCalendars(poller_harness.store).record(account.merchant, Owner.product("tour"), work, account.connection_id)
    poller.poll(account.connection_id)
    assert watched(poller_harness, account).keys() == {account.email}


def test_the_error_of_one_calendar_leaves_the_others_known(
    poller_harness: PollerHarness, account: MerchantAccount, poller: Poller
) -> None:
    gone = account.calendar("Gone")
    account.choose("gone")
    account.pick(gone, product="gone")
    account.busy(account.email, NOON + HOUR, NOON + 2 * HOUR)
    account.delete_calendar(gone)
    poller.poll(account.connection_id)
    assert account.availability().complete
    assert [slot.span.start for slot in account.availability().slots] == [NOON + HOUR]
    assert account.state("gone").trouble == "notFound"
    assert not account.availability("gone").complete


def test_a_call_that_fails_concerns_its_calendars_and_no_others(
    poller_harness: PollerHarness, large: MerchantAccount, poller: Poller
) -> None:
    poller_harness.fault("backendError", count=1)
    poller.poll(large.connection_id)
    failed = [each for each in watched(poller_harness, large).values() if each.attempts[0].failing_since]
    assert len(failed) == 50
    assert not any(each.attempts[number].failing_since for each in failed for number in range(1, PIECES))


def test_google_is_not_asked_again_and_again_after_it_said_that_it_is_too_much(
    poller_harness: PollerHarness, large: MerchantAccount, poller: Poller
) -> None:
    calls = counter(poller_harness, large)
    poller_harness.fault("userRateLimitExceeded")
    poller.poll(large.connection_id)
    assert calls() == {"query": 1}
    assert all(each.attempts[0].failing_since for each in watched(poller_harness, large).values())


def test_with_push_that_is_heard_an_account_is_read_every_ten_minutes(
    poller_harness: PollerHarness, account: MerchantAccount
) -> None:
    with closing(PushReceiver()) as receiver, poller_harness.poller(receiver.address) as poller:
        poller_harness.hear(receiver)
        poller.poll(account.connection_id)
        wait_until(lambda: receiver.states() == ["sync"])
        due_at = poller.poll(account.connection_id).next_at
        while due_at <= poller_harness.clock() + HORIZON.poll:
            poller_harness.clock.now = max(due_at, poller_harness.clock.now)
            due_at = poller.poll(account.connection_id).next_at
    assert due_at - poller_harness.clock() > PUSHED_POLL_INTERVAL * (1 - POLL_JITTER) - 2 * HORIZON.poll
