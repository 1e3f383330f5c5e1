"""The changes of grants as the audit log has them."""

from typing import Any, Final

from sqlalchemy import Row

from slotsync.domain.audit import CONNECTION, AuditAction, AuditChange, AuditValues
from slotsync.domain.connections.connection import ConnectionState
from slotsync.store.connections.grants import NewGrant

ACTIVE: Final = ConnectionState.ACTIVE.value
REVOKED: Final = ConnectionState.REVOKED.value


def describe_grant(before: Row[Any] | None, new: NewGrant, *, other_account: bool) -> AuditChange:
    """Return the change by a new grant. It names no account: a disconnection forgets that, and no audit log."""
    scopes = tuple(sorted(scope.rpartition("/")[2] for scope in new.scopes))
    after: AuditValues = {"state": ACTIVE, "scopes": scopes}
    if other_account:
        after["other_account"] = True
    state: AuditValues = {"state": before.state} if before else {}
    return AuditChange(action=AuditAction.GRANT_GIVEN, subject=CONNECTION, before=state, after=after)


def describe_refusal(reason: str) -> AuditChange:
    """Return the change by which Google refuses a grant, for this reason."""
    after: AuditValues = {"state": REVOKED, "reason": reason}
    return AuditChange(action=AuditAction.GRANT_REFUSED, subject=CONNECTION, before={"state": ACTIVE}, after=after)


RESTORED = AuditChange(
    action=AuditAction.GRANT_RESTORED, subject=CONNECTION, before={"state": REVOKED}, after={"state": ACTIVE}
)
FORGOTTEN = AuditChange(action=AuditAction.GRANT_FORGOTTEN, subject=CONNECTION)
