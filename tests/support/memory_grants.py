"""Grants in memory instead of the store."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from slotsync.errors import GrantLost


@dataclass(frozen=True)
class MemoryGrant:
    refresh_token: str
    access_token: str | None = None
    expires_at: datetime | None = None


@dataclass
class MemoryGrants:
    """A store of grants in memory."""

    grants: dict[str, MemoryGrant] = field(default_factory=dict)
    saved: list[str] = field(default_factory=list)
    leases: dict[str, str] = field(default_factory=dict)

    def grant(self, connection_id: str) -> MemoryGrant:
        if connection_id not in self.grants:
            raise GrantLost("the connection has no grant", reason="no_grant")
        return self.grants[connection_id]

    def forget_access_tokens(self) -> None:
        self.grants = {name: MemoryGrant(grant.refresh_token) for name, grant in self.grants.items()}

    def save_access_token(self, connection_id: str, token: str, expires_at: datetime) -> None:
        self.saved.append(token)
        self.grants[connection_id] = MemoryGrant(self.grants[connection_id].refresh_token, token, expires_at)

    def acquire_lease(self, connection_id: str, holder: str, duration: timedelta) -> bool:
        assert duration > timedelta()
        return self.leases.setdefault(connection_id, holder) == holder

    def release_lease(self, connection_id: str, holder: str) -> None:
        assert self.leases.pop(connection_id) == holder
