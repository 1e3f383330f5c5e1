"""Google's push channels: how long they live, and when to renew them.

A notification says that something has changed in a calendar, but not what. A channel cannot be prolonged: a new one is
opened in time, and the old one is stopped once the new one is live.

A channel is believed once it was heard, until it is doubted: a poll has found a change of which it did not notify, or
it sends to an address that is not slotsync's any more. A calendar without a channel that is believed is polled at the
ordinary pace, and gets a new channel after ``MAX_DISBELIEF``.
"""

import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
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

MAX_NOTIFICATION_DELAY: Final = timedelta(minutes=1)
"""The longest time after a channel was opened, or a poll found a change, for the notification to come."""

MAX_DISBELIEF: Final = timedelta(hours=1)
"""The time after which a channel that is not believed is replaced: the new one is believed once it was heard."""

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
    """A recorded channel. Without an expiry it is only being opened, or Google's answer was lost.

    ``heard_at`` is when the first notification came; ``doubted_at`` is since when the channel is doubted.
    """

    id: str
    asked_at: datetime  # stored name: when Google was asked to open it
    resource_id: str | None = None
    expires_at: datetime | None = None
    address_hash: str | None = None
    heard_at: datetime | None = None
    doubted_at: datetime | None = None

    @property
    def disbelieved_since(self) -> datetime | None:
        """Return since when the channel is not believed, or None if it is."""
        return self.doubted_at or (None if self.heard_at else self.asked_at)


class ChannelState(StrEnum):
    """The state of a live channel, or MISSING for a watched calendar without one.

    NOT_ALLOWED is a watched calendar that cannot be read, with a channel or without: its merchant did not allow it.
    HEARD is believed; NEW was opened within ``MAX_NOTIFICATION_DELAY``, and nothing was heard yet.
    """

    HEARD = "heard"
    NEW = "new"
    UNHEARD = "unheard"
    SUSPECT = "suspect"
    OTHER_ADDRESS = "other_address"
    MISSING = "missing"
    NOT_ALLOWED = "not_allowed"


def hash_address(address: str | None) -> str | None:
    """Return the hash by which a channel knows where it sends to, None for None."""
    return address and sha256(address.encode()).hexdigest()


def live_channels(channels: Iterable[Channel], now: datetime) -> list[Channel]:
    """Return the channels by which Google sends notifications now."""
    return [each for each in channels if each.expires_at and now < each.expires_at]


def needs_new_channel(channels: Iterable[Channel], address_hash: str, now: datetime) -> bool:
    """Return whether a channel to this address has to be opened: none is live, or it is time to replace it."""
    live = (each for each in live_channels(channels, now) if each.address_hash == address_hash)
    return all(_replacement_time(each) <= now for each in live)


def channels_to_doubt(channels: Iterable[Channel], address_hash: str | None, now: datetime) -> list[Channel]:
    """Return the live channels to another address that are not doubted yet."""
    live = live_channels(channels, now)
    return [each for each in live if each.address_hash != address_hash and not each.doubted_at]


def channels_to_stop(channels: Iterable[Channel], address_hash: str | None, now: datetime) -> list[Channel]:
    """Return the live channels but the one that has to be replaced last, if possible one to this address.

    Without an address return all: none may notify any more.
    """
    live = live_channels(channels, now)
    live.sort(key=lambda each: (each.address_hash == address_hash, _replacement_time(each)))
    return live[:-1] if address_hash else live


def channels_to_forget(channels: Iterable[Channel], now: datetime) -> list[Channel]:
    """Return the channels that have ended by themselves, or must have if their expiry is unknown."""
    return [each for each in channels if (each.expires_at or each.asked_at + CHANNEL_LIFETIME) <= now]


def renewal_time(channel: Channel) -> datetime:
    """Return when to open the channel's successor: for each channel another moment, so that not all renew at once."""
    ends = channel.expires_at or channel.asked_at
    own_share = zlib.crc32(channel.id.encode()) / 2**31 - 1
    return ends - min(MAX_RENEWAL_LEAD, (ends - channel.asked_at) / 2) * (1 + POLL_JITTER * own_share)


def _replacement_time(channel: Channel) -> datetime:
    since = channel.disbelieved_since
    return min(renewal_time(channel), since + MAX_DISBELIEF) if since else renewal_time(channel)


def notification_time(notified_at: datetime | None, now: datetime) -> datetime | None:
    """Return the time to record for a notification, or None if the recorded one covers it.

    The calendar has to be read after the recorded time. When notifications come quickly one after the other, that time
    lies in the future: it covers all notifications until then, and a reading that begins after it contains the changes
    behind them. So no notification is lost, and few are recorded.
    """
    if notified_at is None or notified_at + MIN_NOTIFICATION_GAP <= now:
        return now
    return notified_at + MIN_NOTIFICATION_GAP if notified_at <= now else None
