"""Google's push channels: how long they live, and when to renew them.

A notification says that something has changed in a calendar, but not what. A channel cannot be prolonged: a new one is
opened in time, and the old one is stopped once the new one is live.
"""

import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from pydantic import Field

from slotsync.domain.availability.horizon import POLL_JITTER
from slotsync.domain.messages import Message

CHANNEL_LIFETIME: Final = timedelta(hours=48)
"""The lifetime to ask Google for. Google may grant less."""

MAX_RENEWAL_LEAD: Final = timedelta(hours=24)
"""The longest time before its end that a channel is renewed; a short-lived one is renewed after half its lifetime."""

PUSHED_POLL_INTERVAL: Final = timedelta(minutes=10)
"""The interval in which a calendar is read while Google sends notifications of its changes."""

MIN_NOTIFICATION_GAP: Final = timedelta(seconds=1)
"""The least time between two notifications of a calendar that are recorded."""


class NewChannel(Message):
    """A channel to open. Its token proves that a notification is genuine, and therefore has no repr."""

    id: str
    token: str = Field(repr=False)


class OpenedChannel(Message):
    """Google's answer: the name that it needs to stop the channel, and when the channel ends by itself."""

    resource_id: str
    expires_at: datetime


class Channel(Message):
    """A recorded channel. Without an expiry it is only being opened, or Google's answer was lost."""

    id: str
    asked_at: datetime  # stored name: when Google was asked to open it
    resource_id: str | None = None
    expires_at: datetime | None = None


def live_channels(channels: Iterable[Channel], now: datetime) -> list[Channel]:
    """Return the channels by which Google sends notifications now."""
    return [each for each in channels if each.expires_at and now < each.expires_at]


def needs_new_channel(channels: Iterable[Channel], now: datetime) -> bool:
    """Return whether a channel has to be opened: none is live, or it is time to renew the one that is."""
    return all(renewal_time(each) <= now for each in live_channels(channels, now))


def channels_to_stop(channels: Iterable[Channel], now: datetime) -> list[Channel]:
    """Return the live channels but the one that has to be renewed last."""
    return sorted(live_channels(channels, now), key=renewal_time)[:-1]


def channels_to_forget(channels: Iterable[Channel], now: datetime) -> list[Channel]:
    """Return the channels that have ended by themselves, or must have if their expiry is unknown."""
    return [each for each in channels if (each.expires_at or each.asked_at + CHANNEL_LIFETIME) <= now]


def renewal_time(channel: Channel) -> datetime:
    """Return when to open the channel's successor: for each channel another moment, so that not all renew at once."""
    ends = channel.expires_at or channel.asked_at
    own_share = zlib.crc32(channel.id.encode()) / 2**31 - 1
    return ends - min(MAX_RENEWAL_LEAD, (ends - channel.asked_at) / 2) * (1 + POLL_JITTER * own_share)


def notification_time(notified_at: datetime | None, now: datetime) -> datetime | None:
    """Return the time to record for a notification, or None if the recorded one covers it.

    The calendar has to be read after the recorded time. When notifications come quickly one after the other, that time
    lies in the future: it covers all notifications until then, and a reading that begins after it contains the changes
    behind them. So no notification is lost, and few are recorded.
    """
    if notified_at is None or notified_at + MIN_NOTIFICATION_GAP <= now:
        return now
    return notified_at + MIN_NOTIFICATION_GAP if notified_at <= now else None
