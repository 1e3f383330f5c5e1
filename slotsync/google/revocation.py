"""Giving a grant back to Google."""

import httpx

from slotsync.errors import Transient
from slotsync.settings import Settings

TIMEOUT = 15
_ALREADY_DEAD = 400


def revoke(settings: Settings, token: str) -> None:
    """Ends the grant behind this token, all tokens of it; one that is dead already is fine."""
    try:
        answer = httpx.post(settings.google.revoke, data={"token": token}, timeout=TIMEOUT)
    except httpx.TransportError:
        raise Transient("Google cannot be reached; it is tried again", reason="unreachable") from None
    if not (answer.is_success or answer.status_code == _ALREADY_DEAD):
        raise Transient("Google did not end the grant; it is tried again", reason=f"http{answer.status_code}")
