"""Workflow ids."""

import hashlib

from slotsync.domain.calendars.owner import Owner

MAX_WORKFLOW_ID_BYTES = 200
"""Shorter than the 255 characters that a Temporal cluster on PostgreSQL or MySQL can store."""


def reservation_id(merchant: str, reservation: str) -> str:
    """Return the id of a reservation's workflow."""
    return _workflow_id("reservation", merchant, reservation)


def calendar_id(merchant: str, owner: Owner) -> str:
    """Return the id of the workflow that manages the calendar of a product or resource."""
    return _workflow_id("calendar", merchant, str(owner))


def audit_id(merchant: str, owner: Owner) -> str:
    """Return the id of the workflow that looks for drift in the calendar of a product or resource."""
    return _workflow_id("audit", merchant, str(owner))


def look_id(merchant: str, owner: Owner) -> str:
    """Return the id of the workflow that looks for drift there and changes nothing, which is beside any audit."""
    return _workflow_id("look", merchant, str(owner))


def connection_id(merchant: str) -> str:
    """Return the id of the workflow of a merchant's connection to Google."""
    return _workflow_id("connection", merchant)


def switch_id(merchant: str) -> str:
    """Return the id of the workflow that carries out a switch of the whole merchant."""
    return _workflow_id("switch", merchant)


def availability_id(merchant: str, product: str) -> str:
    """Return the id of the workflow that watches a product's availability."""
    return _workflow_id("availability", merchant, product)


_OF_MERCHANTS = ("connection", "switch")


def split_workflow_id(workflow_id: str) -> tuple[str, tuple[str, ...]]:
    """Return the kind and the names in an id; no names if they are hashed. A merchant's name alone is never hashed."""
    kind, *names = workflow_id.split(":")
    return kind, tuple(names) if len(names) > 1 or kind in _OF_MERCHANTS else ()


def _workflow_id(kind: str, *names: str) -> str:
    """Return the names joined with colons, which no name contains, or a hash of them if that is too long."""
    plain = ":".join((kind, *names))
    if len(plain.encode()) <= MAX_WORKFLOW_ID_BYTES:
        return plain
    return f"{kind}:{hashlib.sha256(plain.encode()).hexdigest()}"
