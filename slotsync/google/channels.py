"""Push channels in Google."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from slotsync.clock import utc_now
from slotsync.domain.availability.push_channels import CHANNEL_LIFETIME, NewChannel, OpenedChannel
from slotsync.errors import Gone, NotFound
from slotsync.google.service import GoogleServices, ask, order
from slotsync.settings import Settings

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Channel

PUSH_PATH = "/google/push"
"""Where the API takes what Google tells, below ``SLOTSYNC_PUBLIC_URL``."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def push_address(settings: Settings) -> str | None:
    """Where Google shall tell of changes; nothing when it shall not, or nobody said where slotsync is reached."""
    return f"{settings.public_url}{PUSH_PATH}" if settings.google_push and settings.public_url else None


class GoogleChannels:
    """Has Google tell of changes in calendars; it never tells what changed."""

    def __init__(self, services: GoogleServices, clock: Callable[[], datetime] = utc_now) -> None:
        self._services = services
        self._clock = clock

    def open(self, connection_id: str, calendar_id: str, channel: NewChannel, address: str) -> OpenedChannel:
        """Opens a channel to this address; ``PushRefused`` for a calendar of which Google never tells.

        Google's first message may arrive before this returns. An error may leave open whether Google did it: forget the
        channel then, and open another one under another id.
        """
        wanted = self._clock() + CHANNEL_LIFETIME
        events = self._services.calendar(connection_id).events
        answer = ask(events.watch(calendarId=calendar_id, body=_body(channel, address)))
        return OpenedChannel(resource_id=answer["resourceId"], expires_at=_expiry(answer) or wanted)

    def stop(self, connection_id: str, channel_id: str, resource_id: str) -> None:
        """Has Google tell no more; a channel that is gone is fine."""
        channels = self._services.calendar(connection_id).channels
        try:
            order(channels.stop(body={"id": channel_id, "resourceId": resource_id}))
        except (Gone, NotFound):
            return


def _body(channel: NewChannel, address: str) -> "Channel":
    ttl = str(CHANNEL_LIFETIME // timedelta(seconds=1))
    return {"id": channel.id, "token": channel.token, "type": "web_hook", "address": address, "params": {"ttl": ttl}}


def _expiry(answer: "Channel") -> datetime | None:
    told = answer.get("expiration")
    return _EPOCH + timedelta(milliseconds=int(told)) if told else None
