"""The states of an event, as the status tells them."""

from enum import StrEnum


class SyncState(StrEnum):
    """How one event stands between slotsync and Google."""

    PENDING = "pending"
    WAITING = "waiting"
    IN_STEP = "in_step"
    RETRYING = "retrying"
    PARKED = "parked"
    FAILED = "failed"
    NOT_SYNCED = "not_synced"
    DELETED = "deleted"
