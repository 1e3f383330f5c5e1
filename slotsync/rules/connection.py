"""How a merchant's grant to a Google account is doing."""

from enum import StrEnum


class ConnectionState(StrEnum):
    """The states of a connection."""

    PENDING = "pending"
    ACTIVE = "active"
    REVOKED = "revoked"
    DISCONNECTED = "disconnected"
