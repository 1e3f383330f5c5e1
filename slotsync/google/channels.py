"""Open and stop push channels in Google."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from slotsync.clock import utc_now
from slotsync.domain.availability.push_channels import CHANNEL_LIFETIME, NewChannel, OpenedChannel
from slotsync.errors import Gone, NotFound
from slotsync.google.requests import execute, execute_empty
from slotsync.google.service import GoogleServices
from slotsync.settings import Settings

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Channel

PUSH_PATH = "/google/push"
"""Where the API receives Google's notifications, below ``SLOTSYNC_PUBLIC_URL``."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def push_address(settings: Settings) -> str | None:
    """Return the URL for Google's notifications, or None if push is off or ``SLOTSYNC_PUBLIC_URL`` is not set."""
    return f"{settings.public_url}{PUSH_PATH}" if settings.google_push and settings.public_url else None


class GoogleChannels:
    """Channels by which Google notifies of changes in a calendar. A notification does not say what changed."""

    def __init__(self, services: GoogleServices, clock: Callable[[], datetime] = utc_now) -> None:
        self._services = services
        self._clock = clock

    def open(self, connection_id: str, calendar_id: str, channel: NewChannel, address: str) -> OpenedChannel:
        """Open a channel that sends notifications to ``address``.

        Google's first notification may arrive before this returns. After an error the channel may be open or not:
        forget it then, and open another one under another id.

        Raises:
            PushRefused: Google sends no notifications for this calendar.
            GoogleError: The call failed for another reason.
        """
        requested_expiry = self._clock() + CHANNEL_LIFETIME
        events = self._services.calendar(connection_id).events
        answer = execute(events.watch(calendarId=calendar_id, body=_body(channel, address)))
        return OpenedChannel(resource_id=answer["resourceId"], expires_at=_expiry(answer) or requested_expiry)

    def stop(self, connection_id: str, channel_id: str, resource_id: str) -> None:
        """Stop a channel's notifications. A missing channel is no error."""
        channels = self._services.calendar(connection_id).channels
        try:
            execute_empty(channels.stop(body={"id": channel_id, "resourceId": resource_id}))
        except (Gone, NotFound):
            return


def _body(channel: NewChannel, address: str) -> "Channel":
    ttl = str(CHANNEL_LIFETIME // timedelta(seconds=1))
    return {"id": channel.id, "token": channel.token, "type": "web_hook", "address": address, "params": {"ttl": ttl}}


def _expiry(answer: "Channel") -> datetime | None:
    milliseconds = answer.get("expiration")
    return _EPOCH + timedelta(milliseconds=int(milliseconds)) if milliseconds else None
