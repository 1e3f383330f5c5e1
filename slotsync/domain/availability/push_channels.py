"""Google's push channels: how long they last, and when to renew them.

Google only rings: it tells that something changed in a calendar, and nothing of what. A channel cannot be prolonged: a
new one is opened in time, and the old one is stopped once the new one lives.
"""

import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from pydantic import Field

from slotsync.domain.availability.horizon import JITTER
from slotsync.domain.messages import Message

CHANNEL_LIFETIME: Final = timedelta(hours=48)
"""What is asked for. Google may grant less."""

RENEW_AHEAD: Final = timedelta(hours=24)
"""A channel is renewed so long before it ends; one that lasts too short for that, after half its life."""

SLOW_POLL: Final = timedelta(minutes=10)
"""How often a calendar is read while Google tells of its changes."""

MIN_NOTIFICATION_GAP: Final = timedelta(seconds=1)
"""The least between two rings of a calendar that are noted."""


class NewChannel(Message):
    """A channel to open. Whoever rings must know its token, which therefore has no repr."""

    id: str
    token: str = Field(repr=False)


class OpenedChannel(Message):
    """What Google answered: the name that it needs to stop the channel, and when the channel ends by itself."""

    resource_id: str
    expires_at: datetime


class Channel(Message):
    """A channel as it is known. Without an expiry it is only being opened, or nobody heard Google's answer."""

    id: str
    asked_at: datetime
    resource_id: str | None = None
    expires_at: datetime | None = None


def alive(channels: Iterable[Channel], now: datetime) -> list[Channel]:
    """Those by which Google rings now."""
    return [each for each in channels if each.expires_at and now < each.expires_at]


def to_open(channels: Iterable[Channel], now: datetime) -> bool:
    """Whether a channel has to be opened: none is alive, or it is time to renew the one that is."""
    return all(renew_at(each) <= now for each in alive(channels, now))


def to_stop(channels: Iterable[Channel], now: datetime) -> list[Channel]:
    """The living channels but the one that has to be renewed last."""
    return sorted(alive(channels, now), key=renew_at)[:-1]


def to_forget(channels: Iterable[Channel], now: datetime) -> list[Channel]:
    """Those that have ended by themselves, or must have: nobody heard when they end."""
    return [each for each in channels if (each.expires_at or each.asked_at + CHANNEL_LIFETIME) <= now]


def renew_at(channel: Channel) -> datetime:
    """When to open its successor. Each channel has a moment of its own, so that not all are renewed at once."""
    ends = channel.expires_at or channel.asked_at
    own_share = zlib.crc32(channel.id.encode()) / 2**31 - 1
    return ends - min(RENEW_AHEAD, (ends - channel.asked_at) / 2) * (1 + JITTER * own_share)


def notification_time(rung_at: datetime | None, now: datetime) -> datetime | None:
    """The moment to note for a ring, after which the calendar has to be read; nothing if what is noted says it already.

    In a storm it lies ahead: it then stands for all rings until it comes, and a reading that begins after it knows of
    what they told. So a ring is never lost, and few are noted.
    """
    if rung_at is None or rung_at + MIN_NOTIFICATION_GAP <= now:
        return now
    return rung_at + MIN_NOTIFICATION_GAP if rung_at <= now else None
