"""Workflow ids."""

from slotsync.domain.calendars.owner import Owner


def reservation_id(merchant: str, reservation: str) -> str:
    """Return the id of a reservation's workflow."""
    return f"reservation:{merchant}:{reservation}"


def calendar_id(merchant: str, owner: Owner) -> str:
    """Return the id of the workflow that manages the calendar of a product or resource."""
    return f"calendar:{merchant}:{owner}"


def connection_id(merchant: str) -> str:
    """Return the id of the workflow of a merchant's connection to Google."""
    return f"connection:{merchant}"


def availability_id(merchant: str, product: str) -> str:
    """Return the id of the workflow that watches a product's availability."""
    return f"availability:{merchant}:{product}"
