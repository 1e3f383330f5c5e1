"""Grants of Google accounts."""

from slotsync.store.connections.connections import Connections


def save_sample_grant(connections: Connections, refresh_token: str = "refresh-1", merchant: str = "m") -> str:
    return connections.save_grant(merchant, refresh_token, {"openid", "calendar"}, "merchant@example.com")
