"""Push is believed only while it is heard: where it is not, polling keeps its ordinary pace, and doctor knows."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from slotsync.busy_times.poller import Poller
from slotsync.busy_times.push_channels import CHANNEL_RETRY_DELAY
from slotsync.domain.availability.push_channels import MAX_DISBELIEF, MAX_NOTIFICATION_DELAY, PUSHED_POLL_INTERVAL
from slotsync.google.channels import PUSH_PATH
from tests.support.poller_harness import HORIZON, PollerHarness
from tests.support.push_receiver import PushReceiver
from tests.support.pushed_merchant import ORDINARY, PUSHED, PushedMerchant
from tests.support.waiting import wait_until

NOON = datetime(2027, 3, 20, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CLOSED_PORT = f"http://127.0.0.1:9{PUSH_PATH}"
NOT_HTTPS = f"http://slotsync.example{PUSH_PATH}"
TWO_PERIODS = 2 * HORIZON.poll


@pytest.fixture
def merchant(poller_harness: PollerHarness) -> Iterator[PushedMerchant]:
    merchant = PushedMerchant(poller_harness)
    yield merchant
    merchant.forget()


@pytest.fixture
def receiver(poller_harness: PollerHarness, push_receiver: PushReceiver) -> PushReceiver:
    poller_harness.hear(push_receiver)
    return push_receiver


@pytest.fixture
def pushed_poller(poller_harness: PollerHarness, receiver: PushReceiver) -> Iterator[Poller]:
    with poller_harness.poller(address_of(receiver)) as poller:
        yield poller


def address_of(receiver: PushReceiver) -> str:
    return receiver.address.replace("/push", PUSH_PATH)


def enter_meeting(merchant: PushedMerchant, day: int = 1) -> None:
    start = NOON + day * DAY
    merchant.account.busy(merchant.calendar, start, start + HOUR)


def heard(merchant: PushedMerchant, poller: Poller, receiver: PushReceiver) -> None:
    """Poll until the calendar's channel was heard, and read what is due because of that."""
    before = len(receiver.received)
    merchant.poll(poller)
    wait_until(lambda: len(receiver.received) > before)
    merchant.go_on(poller, 3 * MINUTE)
    assert merchant.watched().pushed


def test_push_that_is_heard_is_believed(
    merchant: PushedMerchant, pushed_poller: Poller, receiver: PushReceiver
) -> None:
    heard(merchant, pushed_poller, receiver)
    assert ORDINARY < merchant.longest_pause(pushed_poller) <= PUSHED
    finding = merchant.doctor(address_of(receiver))
    assert finding.ok
    assert "1 channels were heard" in finding.message


@pytest.mark.parametrize(
    ("dead", "message"),
    [(CLOSED_PORT, "of 1 channels nothing was heard"), (NOT_HTTPS, "1 picked calendars have no channel")],
)
def test_a_dead_address_is_known_and_polled_at_the_ordinary_pace(
    poller_harness: PollerHarness, merchant: PushedMerchant, dead: str, message: str
) -> None:
    is_known_to_be_dead(poller_harness, merchant, dead, message)


@pytest.mark.parametrize("status", [302, 404, 503])
def test_an_address_where_another_server_answers_is_dead_too(
    poller_harness: PollerHarness, merchant: PushedMerchant, receiver: PushReceiver, status: int
) -> None:
    receiver.statuses = [status] * 1000
    is_known_to_be_dead(poller_harness, merchant, address_of(receiver), "of 1 channels nothing was heard")


def is_known_to_be_dead(poller_harness: PollerHarness, merchant: PushedMerchant, dead: str, message: str) -> None:
    with poller_harness.poller(dead) as poller:
        assert merchant.longest_pause(poller, TWO_PERIODS) <= ORDINARY
        finding = merchant.doctor(dead)
        assert message in finding.message
        assert dead in finding.remedy
        assert merchant.longest_pause(poller) <= ORDINARY


def test_a_changed_address_opens_channels_anew_and_push_comes_there(
    poller_harness: PollerHarness, merchant: PushedMerchant, pushed_poller: Poller, receiver: PushReceiver
) -> None:
    heard(merchant, pushed_poller, receiver)
    with closing(PushReceiver()) as moved, poller_harness.poller(address_of(moved)) as restarted:
        poller_harness.hear(moved)
        assert "send to another address" in merchant.doctor(address_of(moved)).message
        heard(merchant, restarted, moved)
        assert merchant.doctor(address_of(moved)).ok
        assert merchant.calls("channels.stop") == 1
        enter_meeting(merchant)
        wait_until(lambda: moved.states() == ["sync", "exists"])
        merchant.go_on(restarted, 5 * SECOND)
        assert merchant.account.availability().slots
    assert receiver.states() == ["sync"]


@pytest.mark.parametrize("dead", [CLOSED_PORT, NOT_HTTPS])
def test_a_changed_address_that_is_dead_is_polled_at_the_ordinary_pace_at_once(
    poller_harness: PollerHarness, merchant: PushedMerchant, pushed_poller: Poller, receiver: PushReceiver, dead: str
) -> None:
    heard(merchant, pushed_poller, receiver)
    with poller_harness.poller(dead) as restarted:
        assert merchant.longest_pause(restarted, TWO_PERIODS) <= ORDINARY
        assert not merchant.doctor(dead).ok
        assert merchant.longest_pause(restarted) <= ORDINARY


def test_processes_with_two_addresses_do_not_replace_each_others_channels_for_ever(
    poller_harness: PollerHarness, merchant: PushedMerchant, pushed_poller: Poller, receiver: PushReceiver
) -> None:
    with closing(PushReceiver()) as other, poller_harness.poller(address_of(other)) as poller:
        poller_harness.hear(other)
        for _ in range(10):
            for each in (pushed_poller, poller):
                merchant.go_on(each, MINUTE)
    assert merchant.calls("events.watch") <= 2 * (20 * MINUTE / CHANNEL_RETRY_DELAY + 1)


def test_without_push_all_channels_are_stopped(
    poller_harness: PollerHarness, merchant: PushedMerchant, pushed_poller: Poller, receiver: PushReceiver
) -> None:
    heard(merchant, pushed_poller, receiver)
    with poller_harness.poller() as restarted:
        assert merchant.longest_pause(restarted) <= ORDINARY
    assert merchant.calls("channels.stop") == 1
    assert merchant.doctor(None).message == "is off; picked calendars are polled every 60 s"


def test_a_silent_channel_is_suspect_once_a_poll_finds_a_change_and_replaced_after_an_hour(
    poller_harness: PollerHarness, merchant: PushedMerchant, pushed_poller: Poller, receiver: PushReceiver
) -> None:
    heard(merchant, pushed_poller, receiver)
    poller_harness.fault("lost_push", method="events.watch")
    enter_meeting(merchant)
    changed_at = poller_harness.clock.now
    merchant.go_on(pushed_poller, HOUR, until=lambda: bool(merchant.account.availability().slots))
    assert poller_harness.clock.now - changed_at <= PUSHED
    assert merchant.longest_pause(pushed_poller, MAX_NOTIFICATION_DELAY + MINUTE) <= ORDINARY
    assert poller_harness.clock.now - changed_at < 2 * PUSHED_POLL_INTERVAL
    finding = merchant.doctor(address_of(receiver))
    assert "1 channels did not notify of a change that polling found" in finding.message
    assert not finding.ok
    poller_harness.heal()
    assert merchant.longest_pause(pushed_poller) <= ORDINARY
    merchant.go_on(pushed_poller, MAX_DISBELIEF, until=lambda: merchant.calls("events.watch") == 2)
    wait_until(lambda: receiver.states() == ["sync", "sync"])
    merchant.go_on(pushed_poller, 3 * MINUTE)
    assert merchant.doctor(address_of(receiver)).ok
    assert merchant.longest_pause(pushed_poller) > ORDINARY


def test_a_change_that_a_poll_and_push_tell_of_at_once_makes_nothing_suspect(
    merchant: PushedMerchant, pushed_poller: Poller, receiver: PushReceiver
) -> None:
    heard(merchant, pushed_poller, receiver)
    for day in range(1, 4):
        enter_meeting(merchant, day)
        wait_until(lambda: len(receiver.received) == 1 + day)  # noqa: B023 - called at once
        merchant.go_on(pushed_poller, 20 * MINUTE)
    assert len(merchant.account.availability().slots) == 3
    assert merchant.doctor(address_of(receiver)).ok
    assert merchant.watched().pushed


@pytest.mark.parametrize("told", [False, True])
def test_a_reading_with_push_stays_good_while_calls_fail_but_not_long_after_a_change_was_told(
    poller_harness: PollerHarness, merchant: PushedMerchant, pushed_poller: Poller, receiver: PushReceiver, told: bool
) -> None:
    heard(merchant, pushed_poller, receiver)
    poller_harness.fault("backendError")
    if told:
        enter_meeting(merchant)
        wait_until(lambda: receiver.states() == ["sync", "exists"])
    merchant.go_on(pushed_poller, 3 * MINUTE)
    assert merchant.account.availability().complete
    merchant.go_on(pushed_poller, 10 * MINUTE)
    assert merchant.account.availability().complete is not told
    poller_harness.heal()
    merchant.go_on(pushed_poller, 10 * MINUTE)
    assert merchant.account.availability().complete


def test_a_late_sync_is_believed_when_it_comes_and_has_the_calendar_read(
    merchant: PushedMerchant, pushed_poller: Poller, receiver: PushReceiver
) -> None:
    receiver.statuses = [503] * 1000
    merchant.poll(pushed_poller)
    assert merchant.longest_pause(pushed_poller, TWO_PERIODS) <= ORDINARY
    assert "of 1 channels nothing was heard" in merchant.doctor(address_of(receiver)).message
    receiver.statuses.clear()
    before = merchant.watched().attempts[0].at
    wait_until(lambda: merchant.watched().pushed)
    merchant.go_on(pushed_poller, 2 * SECOND)
    assert merchant.watched().attempts[0].at > before
    assert merchant.doctor(address_of(receiver)).ok
    assert merchant.longest_pause(pushed_poller) > ORDINARY
