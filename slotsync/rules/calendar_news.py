"""What the workflow of a managed calendar is started with."""

from slotsync.rules.message import Message
from slotsync.rules.owner import Owner


class CalendarRequest(Message):
    """Whose calendar."""

    merchant: str
    owner: Owner
