"""The ids of workflows."""

from slotsync.domain.calendars.owner import Owner


def reservation_id(merchant: str, reservation: str) -> str:
    """The id of a reservation's workflow."""
    return f"reservation:{merchant}:{reservation}"


def calendar_id(merchant: str, owner: Owner) -> str:
    """The id of the workflow that makes the calendar of a product or resource."""
    return f"calendar:{merchant}:{owner}"


def connection_id(merchant: str) -> str:
    """The id of the workflow that looks after a merchant's connection to Google."""
    return f"connection:{merchant}"


def availability_id(merchant: str, product: str) -> str:
    """The id of the workflow that watches when a product can be booked."""
    return f"availability:{merchant}:{product}"
