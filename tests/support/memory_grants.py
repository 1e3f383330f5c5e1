"""Grants in memory instead of the store."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from slotsync.errors import GrantLost


@dataclass(frozen=True)
class MemoryGrant:
    refresh_token: str
    access_token: str | None = None
    expires_at: datetime | None = None
    number: int = 1


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
        self.grants = {name: replace(grant, access_token=None, expires_at=None) for name, grant in self.grants.items()}

    def save_access_token(self, connection_id: str, token: str, expires_at: datetime, grant_number: int) -> None:
        kept = self.grants[connection_id]
        if kept.number == grant_number:
            self.saved.append(token)
            self.grants[connection_id] = replace(kept, access_token=token, expires_at=expires_at)

    def acquire_lease(self, connection_id: str, holder: str, duration: timedelta) -> bool:
        assert duration > timedelta()
        return self.leases.setdefault(connection_id, holder) == holder

    def release_lease(self, connection_id: str, holder: str) -> None:
        assert self.leases.pop(connection_id) == holder
