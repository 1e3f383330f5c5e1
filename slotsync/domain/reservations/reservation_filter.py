"""A choice of reservations for a list."""

from slotsync.domain.messages import Message, UtcTime
from slotsync.domain.reservations.event import SyncState


class ReservationFilter(Message):
    """A choice of reservations: all of which everything holds that is given.

    They have an event in this ``state``, an event of this ``product``, overlap [``start``, ``end``) — one without known
    times counts as overlapping — and were last reported at ``changed_since`` or later. With ``attention`` they are not
    in step: an event is held up, no worker has taken up the newest version, or an operator has stopped the workflow.
    """

    state: SyncState | None = None
    product: str | None = None
    start: UtcTime | None = None
    end: UtcTime | None = None
    changed_since: UtcTime | None = None
    attention: bool = False
