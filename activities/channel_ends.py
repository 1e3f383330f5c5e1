"""The end of push channels: Google is told, and whatever it says, they are forgotten."""

from collections.abc import Iterable

from slotsync.errors import GoogleError, GrantLost
from slotsync.google.channels import GoogleChannels
from slotsync.rules.push import Channel
from slotsync.store.push_channels import PushChannels


class ChannelEnds:
    """Stops channels. One that cannot be stopped is ignored from now on, and ends by itself."""

    def __init__(self, google: GoogleChannels, channels: PushChannels) -> None:
        self._google = google
        self._channels = channels

    def stop_all(self, connection_id: str) -> None:
        """Stops every channel of the connection."""
        self.stop(connection_id, self._channels.of_connection(connection_id))

    def stop(self, connection_id: str, channels: Iterable[Channel]) -> int:
        """Stops these channels; how many calls to Google that took.

        One after the other is forgotten: a second go has only the rest to do. With a dead grant, or once nobody has
        answered, the others are only forgotten: fifty calls would take minutes.
        """
        calls, in_vain = 0, False
        for channel in channels:
            if channel.resource_id and not in_vain:
                calls += 1
                in_vain = self._stop(connection_id, channel.id, channel.resource_id)
            self._channels.forget(channel.id)
        return calls

    def _stop(self, connection_id: str, channel_id: str, resource_id: str) -> bool:
        """Whether it would be in vain to stop another one."""
        try:
            self._google.stop(connection_id, channel_id, resource_id)
        except GoogleError as error:
            return isinstance(error, GrantLost) or error.reason == "timeout"
        return False
