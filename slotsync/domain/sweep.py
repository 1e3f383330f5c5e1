"""Messages of the sweep."""

from slotsync.domain.messages import Message


class SweepRequest(Message):
    """The request for a sweep: of what is due, or with ``everything`` also of what should run and does not."""

    everything: bool = False


class SweepResult(Message):
    """The number of workflows that a sweep signalled or started, by type, and of those with problems.

    ``problems`` are reservations of which Temporal reports that their workflow cannot go on.
    """

    reservations: int = 0
    calendars: int = 0
    connections: int = 0
    products: int = 0
    switches: int = 0
    problems: int = 0

    @property
    def total(self) -> int:
        """The number of workflows that were signalled or started."""
        return self.reservations + self.calendars + self.connections + self.products + self.switches
