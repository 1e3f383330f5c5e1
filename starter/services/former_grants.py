"""End a grant that another one has replaced: stop the push channels that it opened, and revoke it at Google."""

from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

from slotsync.busy_times.push_channels import ChannelStopper
from slotsync.google.channels import GoogleChannels
from slotsync.google.service import GoogleServices
from slotsync.grant_ends import GrantEnd, GrantEnds
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.connections.grants import FormerGrant, Grant
from slotsync.store.database.engine import Store


class FormerGrants:
    """Grants that were replaced."""

    def __init__(self, settings: Settings, store: Store, vault: Vault) -> None:
        self._settings = settings
        self._channels = PushChannels(store, vault)
        self._ends = GrantEnds(settings, store, vault)

    def end(self, former: FormerGrant) -> GrantEnd:
        """Stop the grant's channels, which only this grant can, and then revoke it."""
        if former.channels:
            with closing(GoogleServices(self._settings, _OneGrant(former.grant))) as services:
                ChannelStopper(GoogleChannels(services), self._channels).stop(former.connection_id, former.channels)
        return self._ends.end(former.key_hash)


class _OneGrant:
    """The store of one grant that rests nowhere else any more. What is refreshed is used once, and not kept."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant

    def grant(self, _connection_id: str) -> Grant:
        return self._grant

    def save_access_token(self, _connection_id: str, token: str, expires_at: datetime, _grant_number: int) -> None:
        self._grant = replace(self._grant, access_token=token, expires_at=expires_at)

    def acquire_lease(self, _connection_id: str, _holder: str, _duration: timedelta) -> bool:
        return True

    def release_lease(self, _connection_id: str, _holder: str) -> None:
        pass
