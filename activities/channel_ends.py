"""The end of push channels: Google is told, and whatever it says, they are forgotten."""

from collections.abc import Iterable

from slotsync.errors import GoogleError
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

        One after the other is forgotten: a second go has only the rest to do. After a failure the others are only
        forgotten: with a dead grant or without an answer, fifty calls would take minutes.
        """
        calls, answers = 0, True
        for channel in channels:
            if channel.resource_id and answers:
                calls += 1
                answers = self._is_stopped(connection_id, channel.id, channel.resource_id)
            self._channels.forget(channel.id)
        return calls

    def _is_stopped(self, connection_id: str, channel_id: str, resource_id: str) -> bool:
        try:
            self._google.stop(connection_id, channel_id, resource_id)
        except GoogleError:
            return False
        return True
