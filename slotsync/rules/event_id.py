"""Event ids that are computed, so that a repeated create finds the first one."""

import base64
import hashlib

from slotsync.rules.event import EventKey


def event_id(merchant: str, reservation: str, key: EventKey, generation: int = 0) -> str:
    """The id of an event in Google: the same for ever for the same place, life after life by ``generation``.

    Lower-case base32hex (0-9, a-v), as Google demands: 32 characters of hash, ``g``, and the generation.
    """
    place = "\n".join((merchant, reservation, key.item, key.owner.kind, key.owner.id))
    digest = hashlib.sha256(place.encode()).digest()[:20]
    return f"{base64.b32hexencode(digest).decode().lower()}g{generation}"
