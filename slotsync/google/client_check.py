"""Whether Google knows our OAuth client: asked with a token that cannot exist."""

from dataclasses import dataclass

import httpx

from slotsync.google.errors import CLIENT_FAULTS
from slotsync.settings import Settings

TIMEOUT = 15
_NO_TOKEN = "slotsync-doctor-asks-whether-you-know-this-client"  # noqa: S105  opens nothing, as the name says


@dataclass(frozen=True)
class ClientCheck:
    """What the token endpoint said: ``known`` is empty when that tells nothing about the client."""

    known: bool | None
    answer: str


def check_client(settings: Settings) -> ClientCheck:
    """Google refuses the token either way; for the token's sake only if it knows the client and its secret."""
    client = settings.require_google_client()
    form = {
        "grant_type": "refresh_token",
        "refresh_token": _NO_TOKEN,
        "client_id": client.id,
        "client_secret": client.secret.get_secret_value(),
    }
    try:
        answer = httpx.post(settings.google.token, data=form, timeout=TIMEOUT)
    except httpx.TransportError as error:
        return ClientCheck(None, type(error).__name__)
    reason = _reason(answer)
    return ClientCheck({"invalid_grant": True}.get(reason, False if reason in CLIENT_FAULTS else None), reason)


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"http{answer.status_code}"
