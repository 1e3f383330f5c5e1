"""End grants that are no longer needed: stop the push channels that they opened, and revoke them at Google."""

import logging
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from slotsync.busy_times.push_channels import ChannelStopper
from slotsync.domain.availability.push_channels import Channel
from slotsync.errors import GrantLost, Transient, Undecryptable
from slotsync.google.auth.consent import revoke
from slotsync.google.channels import GoogleChannels
from slotsync.google.service import GoogleServices
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.connections.connection_views import ConnectionViews
from slotsync.store.connections.connections import Connections, Grant
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.database.engine import Store

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class FormerGrant:
    """A merchant's grant that another one is about to replace. It has no repr, so that no token is logged."""

    connection_id: str
    grant: Grant
    account_key: str | None
    channels: Sequence[Channel]


class FormerGrants:
    """Grants that are no longer needed."""

    def __init__(self, settings: Settings, store: Store, vault: Vault) -> None:
        self._settings = settings
        self._connections = Connections(store, vault)
        self._disconnections = Disconnections(store, vault)
        self._views = ConnectionViews(store, vault, ())
        self._channels = PushChannels(store, vault)

    def get(self, merchant: str) -> FormerGrant | None:
        """Return the grant that the merchant has now, also one that is being given back, or None without one."""
        connection_id, known = self._connections.get_id(merchant), self._views.get_account(merchant)
        grant = self._get_grant(connection_id) if connection_id else None
        if connection_id is None or grant is None:
            return None
        channels = self._channels.get_connection_channels(connection_id)
        return FormerGrant(connection_id, grant, known.key if known else None, channels)

    def end(self, former: FormerGrant) -> None:
        """Stop the grant's channels, which only this grant can, and then revoke it."""
        if former.channels:
            with closing(GoogleServices(self._settings, _OneGrant(former.grant))) as services:
                ChannelStopper(GoogleChannels(services), self._channels).stop(former.connection_id, former.channels)
        self.revoke(former.grant.refresh_token, former.account_key)

    def revoke(self, refresh_token: str, account_key: str | None) -> None:
        """Revoke a grant, unless another merchant uses the same account."""
        if self._connections.is_account_used(account_key):
            return
        try:
            revoke(self._settings, refresh_token)
        except Transient as failure:
            logger.warning("a grant that is no longer needed could not be revoked at Google: %s", failure.reason)

    def _get_grant(self, connection_id: str) -> Grant | None:
        for grants in (self._connections, self._disconnections):
            with suppress(GrantLost, Undecryptable):
                return grants.grant(connection_id)
        return None


class _OneGrant:
    """The store of one grant that rests nowhere else any more. What is refreshed is used once, and not kept."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant

    def grant(self, _connection_id: str) -> Grant:
        return self._grant

    def save_access_token(self, _connection_id: str, token: str, expires_at: datetime) -> None:
        kept = self._grant
        self._grant = Grant(kept.refresh_token, token, expires_at, kept.scopes)

    def acquire_lease(self, _connection_id: str, _holder: str, _duration: timedelta) -> bool:
        return True

    def release_lease(self, _connection_id: str, _holder: str) -> None:
        pass
