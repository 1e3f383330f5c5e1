from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotsync.domain.availability.push_channels import (
    CHANNEL_LIFETIME,
    MAX_DISBELIEF,
    MAX_RENEWAL_LEAD,
    MIN_NOTIFICATION_GAP,
    Channel,
    channels_to_doubt,
    channels_to_forget,
    channels_to_stop,
    hash_address,
    live_channels,
    needs_new_channel,
    notification_time,
    renewal_time,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOST_JITTER = 0.25
HERE, ELSEWHERE = "here", "elsewhere"


def channel(name: str = "a", asked_at: datetime = NOON, lasts: timedelta | None = CHANNEL_LIFETIME) -> Channel:
    """Return a channel that was heard at once."""
    ends = {} if lasts is None else {"resource_id": "r", "expires_at": asked_at + lasts}
    heard = {"address_hash": HERE, "heard_at": asked_at}
    return Channel.model_validate({"id": name, "asked_at": asked_at, **heard, **ends})


def changed(each: Channel, **change: object) -> Channel:
    return each.model_copy(update=change)


CHANNELS = st.builds(
    lambda name, ago, lasts, change: changed(channel(name, NOON - ago * HOUR, lasts and lasts * HOUR), **change),
    st.uuids().map(lambda uuid: uuid.hex),
    st.integers(0, 100),
    st.one_of(st.none(), st.integers(1, 200)),
    st.sampled_from([{}, {"heard_at": None}, {"doubted_at": NOON - HOUR / 2}, {"address_hash": ELSEWHERE}]),
)


def test_a_calendar_without_a_channel_needs_one() -> None:
    assert needs_new_channel([], HERE, NOON)
    assert needs_new_channel([channel(lasts=None)], HERE, NOON)
    assert needs_new_channel([channel()], HERE, NOON + CHANNEL_LIFETIME)


@given(st.uuids())
def test_a_channel_is_renewed_about_a_day_ahead(name: object) -> None:
    renewed = renewal_time(channel(str(name)))
    assert abs(NOON + CHANNEL_LIFETIME - MAX_RENEWAL_LEAD - renewed) <= MAX_RENEWAL_LEAD * MOST_JITTER
    assert needs_new_channel([channel(str(name))], HERE, renewed)
    assert not needs_new_channel([channel(str(name))], HERE, renewed - timedelta(microseconds=1))


def test_channels_that_were_opened_together_are_renewed_over_many_hours() -> None:
    moments = sorted(renewal_time(channel(f"channel-{number}")) for number in range(100))
    assert moments[-1] - moments[0] > 10 * HOUR
    assert max(later - earlier for earlier, later in pairwise(moments)) < HOUR


@given(st.uuids(), st.integers(1, 47))
def test_a_channel_that_google_shortened_is_not_renewed_at_once(name: object, hours: int) -> None:
    short = channel(str(name), lasts=hours * HOUR)
    assert not needs_new_channel([short], HERE, NOON + hours * HOUR * 0.37)
    assert needs_new_channel([short], HERE, NOON + hours * HOUR * 0.63)


def test_the_old_channel_stays_open_until_the_new_one_is() -> None:
    old, later = channel("old"), NOON + CHANNEL_LIFETIME - HOUR
    asked, opened = channel("new", later, lasts=None), channel("new", later)
    assert channels_to_stop([old, asked], HERE, later) == []
    assert channels_to_stop([old, opened], HERE, later) == [old]
    assert not needs_new_channel([old, opened], HERE, later)


@pytest.mark.parametrize("why", [{"heard_at": None}, {"doubted_at": NOON}], ids=["silent", "suspect"])
def test_a_channel_that_is_not_believed_is_replaced_after_an_hour(why: dict[str, object]) -> None:
    old = changed(channel(), **why)
    assert not needs_new_channel([old], HERE, NOON + MAX_DISBELIEF - timedelta(microseconds=1))
    assert needs_new_channel([old], HERE, NOON + MAX_DISBELIEF)
    new = changed(channel("new", NOON + MAX_DISBELIEF), heard_at=None)
    assert channels_to_stop([old, new], HERE, NOON + MAX_DISBELIEF) == [old]


def test_a_channel_to_another_address_is_doubted_at_once_and_stopped_once_there_is_a_new_one() -> None:
    old, new = changed(channel("old"), address_hash=ELSEWHERE), channel("new")
    assert needs_new_channel([old], HERE, NOON)
    assert channels_to_doubt([old, new], HERE, NOON) == [old]
    assert channels_to_doubt([changed(old, doubted_at=NOON)], HERE, NOON) == []
    assert channels_to_stop([old], HERE, NOON) == []
    assert channels_to_stop([new, old], HERE, NOON) == [old]


def test_a_channel_of_an_older_slotsync_has_no_known_address() -> None:
    old = changed(channel(), address_hash=None, heard_at=None)
    assert needs_new_channel([old], HERE, NOON)
    assert channels_to_doubt([old], HERE, NOON) == [old]


def test_without_an_address_all_channels_are_stopped() -> None:
    both = [channel("a"), changed(channel("b"), address_hash=ELSEWHERE)]
    assert {each.id for each in channels_to_stop(both, None, NOON)} == {"a", "b"}


def test_an_address_is_known_by_its_hash() -> None:
    assert hash_address(None) is None
    assert hash_address("https://a.example/google/push") != hash_address("https://b.example/google/push")


@given(st.lists(CHANNELS, max_size=5, unique_by=lambda each: each.id))
def test_of_all_living_channels_one_is_left_and_it_decides(channels: list[Channel]) -> None:
    living, stopped = live_channels(channels, NOON), channels_to_stop(channels, HERE, NOON)
    left = [each for each in living if each not in stopped]
    assert len(left) == min(len(living), 1)
    assert needs_new_channel(left, HERE, NOON) == needs_new_channel(channels, HERE, NOON)
    assert channels_to_stop(left, HERE, NOON) == []


@given(st.lists(CHANNELS, max_size=5, unique_by=lambda each: each.id))
def test_what_is_forgotten_is_neither_alive_nor_may_come_alive(channels: list[Channel]) -> None:
    forgotten = channels_to_forget(channels, NOON)
    assert not [each for each in live_channels(channels, NOON) if each in forgotten]
    assert all(each.expires_at or each.asked_at <= NOON - CHANNEL_LIFETIME for each in forgotten)
    assert channels_to_forget(channels, NOON + 300 * HOUR) == channels


def test_a_single_notification_is_recorded_at_once() -> None:
    assert notification_time(None, NOON) == NOON
    assert notification_time(NOON - HOUR, NOON) == NOON
    assert notification_time(NOON - MIN_NOTIFICATION_GAP, NOON) == NOON


NOTIFICATIONS = st.lists(st.integers(0, 5000), min_size=1, max_size=60).map(sorted)


@given(NOTIFICATIONS)
def test_no_notification_is_lost_and_few_are_written(notifications: list[int]) -> None:
    recorded: list[datetime] = []
    for each in notifications:
        now = NOON + timedelta(milliseconds=each)
        moment = notification_time(recorded[-1] if recorded else None, now)
        if moment:
            recorded.append(moment)
        assert recorded[-1] >= now, (
            "a reading that began before this notification would be taken for one that contains its change"
        )
        assert recorded[-1] <= now + MIN_NOTIFICATION_GAP
    assert len(recorded) <= (recorded[-1] - recorded[0]) / MIN_NOTIFICATION_GAP + 1
    assert all(later - earlier >= MIN_NOTIFICATION_GAP for earlier, later in pairwise(recorded))
