"""A reading serves all products of an account: over threads and processes, for as few calls as Google allows."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from slotsync.busy_times.poller import LEASE_DURATION, LEASE_RETRY_DELAY, Poller, PollResult
from slotsync.domain.availability.horizon import JITTER, chunks
from slotsync.domain.availability.push_channels import SLOW_POLL
from slotsync.domain.availability.reading_plan import WatchedCalendar
from slotsync.domain.calendars.owner import Owner
from slotsync.store.availability.busy_readings import BusyReadings
from slotsync.store.calendars.managed_calendars import Calendars
from slotsync.store.database.engine import Store
from tests.support.poller_harness import HORIZON, MerchantAccount, PollerHarness
from tests.support.push_receiver import PushReceiver

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLL = HORIZON.poll * (1 + JITTER)
PIECES = len(chunks(NOON, HORIZON))
FAR = PIECES - 1

NEAR_CALLS = 2
"""Sixty calendars, fifty to a call."""


@pytest.fixture
def account(desk: PollerHarness) -> MerchantAccount:
    """With one product, and one calendar that blocks it."""
    account = desk.account()
    account.choose()
    account.pick(account.email)
    return account


@pytest.fixture
def large(desk: PollerHarness) -> MerchantAccount:
    """With sixty calendars, of which each blocks one of two products."""
    account = desk.account()
    calendars = [account.calendar(f"Calendar {each}") for each in range(60)]
    for product, picked in (("tour", calendars[:30]), ("kayak", calendars[30:])):
        account.choose(product)
        account.pick(*picked, product=product)
    return account


@pytest.fixture
def others(desk: PollerHarness) -> Iterator[Sequence[Poller]]:
    """Readers of other processes: each has a store of its own, on the same database."""
    with ExitStack() as stack:
        stores = [stack.enter_context(closing(Store.open(desk.settings.database_url))) for _ in range(2)]
        yield [stack.enter_context(replace(desk, store=store).reader()) for store in stores]


@pytest.fixture
def calls(desk: PollerHarness, account: MerchantAccount) -> Callable[[], dict[str, int]]:
    """The calls for the account since somebody last asked."""
    return counter(desk, account)


def counter(desk: PollerHarness, account: MerchantAccount) -> Callable[[], dict[str, int]]:
    seen: Counter[str] = Counter()

    def since() -> dict[str, int]:
        answer = desk.http.get("/sandbox/calls", params={"account": account.email}).raise_for_status()
        totals = Counter(answer.json()["totals"])
        new = {name.removeprefix("freebusy."): count for name, count in (totals - seen).items() if "." in name}
        seen.update(totals - seen)
        return new

    since()
    return since


def watched(desk: PollerHarness, account: MerchantAccount) -> dict[str, WatchedCalendar]:
    return {each.calendar_id: each for each in desk.accounts.calendars(account.connection_id)}


def all_at_once(readers: Sequence[Poller], account: MerchantAccount) -> list[PollResult]:
    """Eight threads for each reader, all for one account."""
    with ThreadPoolExecutor(8 * len(readers)) as threads:
        return list(threads.map(lambda reader: reader.turn(account.connection_id), [*readers] * 8))


def test_one_reads_for_all_threads_and_processes(
    desk: PollerHarness, large: MerchantAccount, reader: Poller, others: Sequence[Poller]
) -> None:
    calls = counter(desk, large)
    turns = all_at_once([reader, *others], large)
    assert calls() == {"query": NEAR_CALLS * (1 + FAR)}
    assert sum(turn.calls for turn in turns) == NEAR_CALLS * (1 + FAR)
    assert all(large.availability(product).complete for product in ("tour", "kayak"))


def test_each_round_takes_as_many_calls_however_many_ask(
    desk: PollerHarness, large: MerchantAccount, reader: Poller, others: Sequence[Poller]
) -> None:
    reader.turn(large.connection_id)
    calls = counter(desk, large)
    for _ in range(3):
        desk.clock.advance(POLL)
        all_at_once([reader, *others], large)
        assert calls() == {"query": NEAR_CALLS}


def test_what_a_sibling_has_read_is_used_and_not_read_again(
    account: MerchantAccount, reader: Poller, others: Sequence[Poller], calls: Callable[[], dict[str, int]]
) -> None:
    read = reader.turn(account.connection_id)
    assert calls() == {"query": PIECES}
    used = [other.turn(account.connection_id) for other in others]
    assert calls() == {}
    assert {(turn.calls, turn.calendars, turn.next_at) for turn in used} == {(0, 1, read.next_at)}


def test_while_another_reads_nobody_else_does(
    desk: PollerHarness, account: MerchantAccount, reader: Poller, calls: Callable[[], dict[str, int]]
) -> None:
    desk.accounts.know(account.connection_id)
    assert desk.accounts.acquire_lease(account.connection_id, "another", LEASE_DURATION)
    turn = reader.turn(account.connection_id)
    assert calls() == {}
    assert timedelta() < turn.next_at - desk.clock() <= LEASE_RETRY_DELAY


def test_a_reader_that_dies_holds_up_the_others_no_longer_than_its_turn(
    desk: PollerHarness, account: MerchantAccount, reader: Poller, calls: Callable[[], dict[str, int]]
) -> None:
    desk.accounts.know(account.connection_id)
    assert desk.accounts.acquire_lease(account.connection_id, "dead", LEASE_DURATION)
    died_at = desk.clock.now
    while not (turn := reader.turn(account.connection_id)).calls:
        desk.clock.now = turn.next_at
    assert calls() == {"query": PIECES}
    assert desk.clock.now - died_at < LEASE_DURATION + LEASE_RETRY_DELAY + timedelta(milliseconds=10)


def test_a_calendar_that_was_just_picked_is_read_at_once_and_alone(
    desk: PollerHarness, account: MerchantAccount, reader: Poller, calls: Callable[[], dict[str, int]]
) -> None:
    reader.turn(account.connection_id)
    before, work = watched(desk, account), account.calendar("Work")
    calls()
    account.pick(account.email, work)
    reader.turn(account.connection_id)
    assert calls() == {"query": PIECES}
    after = watched(desk, account)
    assert after.keys() == {account.email, work}
    assert after[account.email] == before[account.email]


def test_a_calendar_of_two_products_is_read_once(
    account: MerchantAccount, reader: Poller, calls: Callable[[], dict[str, int]]
) -> None:
    reader.turn(account.connection_id)
    account.choose("kayak")
    account.pick(account.email, product="kayak")
    calls()
    reader.turn(account.connection_id)
    assert calls() == {}
    assert account.availability("kayak").complete


def test_a_calendar_that_nobody_picks_any_more_is_forgotten_and_its_channel_stopped(
    desk: PollerHarness, account: MerchantAccount, calls: Callable[[], dict[str, int]]
) -> None:
    work = account.calendar("Work")
    account.pick(account.email, work)
    with closing(PushReceiver()) as receiver, desk.reader(receiver.address) as reader:
        reader.turn(account.connection_id)
        assert calls()["events.watch"] == 2
        account.pick(work)
        reader.turn(account.connection_id)
        assert calls()["channels.stop"] == 1
    assert watched(desk, account).keys() == {work}
    known = BusyReadings(desk.store, desk.vault).of(account.connection_id, [account.email, work])
    assert known.keys() == {work}


def test_when_nothing_is_picked_any_more_google_is_left_alone(
    desk: PollerHarness, account: MerchantAccount, reader: Poller, calls: Callable[[], dict[str, int]]
) -> None:
    reader.turn(account.connection_id)
    account.pick()
    calls()
    for _ in range(3):
        assert reader.turn(account.connection_id).calendars == 0
        desk.clock.advance(POLL)
    assert calls() == {}
    assert watched(desk, account) == {}


def test_a_calendar_that_slotsync_fills_never_blocks_and_is_never_asked_for(
    desk: PollerHarness, account: MerchantAccount, reader: Poller, calls: Callable[[], dict[str, int]]
) -> None:
    managed = account.calendar("Sunset tour")
    Calendars(desk.store).record(account.merchant, Owner.product("tour"), managed, account.connection_id)
    account.pick(managed)
    assert reader.turn(account.connection_id).calls == 0
    assert calls() == {}
    account.pick(managed, account.email)
    reader.turn(account.connection_id)
    assert watched(desk, account).keys() == {account.email}


def test_a_calendar_that_is_managed_later_is_forgotten(
    desk: PollerHarness, account: MerchantAccount, reader: Poller
) -> None:
    work = account.calendar("Work")
    account.pick(account.email, work)
    reader.turn(account.connection_id)
    Calendars(desk.store).record(account.merchant, Owner.product("tour"), work, account.connection_id)
    reader.turn(account.connection_id)
    assert watched(desk, account).keys() == {account.email}


def test_the_error_of_one_calendar_leaves_the_others_known(
    desk: PollerHarness, account: MerchantAccount, reader: Poller
) -> None:
    gone = account.calendar("Gone")
    account.choose("gone")
    account.pick(gone, product="gone")
    account.busy(account.email, NOON + HOUR, NOON + 2 * HOUR)
    account.delete_calendar(gone)
    reader.turn(account.connection_id)
    assert account.availability().complete
    assert [slot.span.start for slot in account.availability().slots] == [NOON + HOUR]
    assert account.look("gone").trouble == "notFound"
    assert not account.availability("gone").complete


def test_a_call_that_fails_leaves_its_calendars_unknown_and_no_others(
    desk: PollerHarness, large: MerchantAccount, reader: Poller
) -> None:
    desk.fault("backendError", count=1)
    reader.turn(large.connection_id)
    failed = [each for each in watched(desk, large).values() if each.attempts[0].failed]
    assert len(failed) == 50
    assert not any(each.attempts[number].failed for each in failed for number in range(1, PIECES))


def test_google_is_not_asked_again_and_again_after_it_said_that_it_is_too_much(
    desk: PollerHarness, large: MerchantAccount, reader: Poller
) -> None:
    calls = counter(desk, large)
    desk.fault("userRateLimitExceeded")
    reader.turn(large.connection_id)
    assert calls() == {"query": 1}
    assert all(each.attempts[0].failed for each in watched(desk, large).values())


def test_with_push_an_account_is_read_every_ten_minutes(desk: PollerHarness, account: MerchantAccount) -> None:
    with closing(PushReceiver()) as receiver, desk.reader(receiver.address) as reader:
        due_at = reader.turn(account.connection_id).next_at
        while due_at <= desk.clock() + HORIZON.poll:
            desk.clock.now = max(due_at, desk.clock.now)
            due_at = reader.turn(account.connection_id).next_at
    assert due_at - desk.clock() > SLOW_POLL * (1 - JITTER) - 2 * HORIZON.poll
