"""Times of tomorrow, and waiting until the platform has received them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from slotsync.domain.availability.availability import Slot
from tests.support.availability_world import AvailabilityWorld
from tests.support.samples import MERCHANT, TOUR
from tests.support.waiting import until

TOMORROW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
HOUR = timedelta(hours=1)
CHANGED = "availability.changed"

Body = dict[str, object]


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def received_messages(availability: AvailabilityWorld, kind: str = CHANGED) -> list[Body]:
    """Return the data of the received webhooks in order, repeated ones too."""
    return [each["data"] for each in availability.webhooks.messages_of_type(kind)]


def starts(message: Body, field: str = "changed") -> list[str]:
    """Return the starts of the intervals in a message."""
    spans = message[field]
    assert isinstance(spans, list)
    return [str(span["start"]) for span in spans]


async def until_received(availability: AvailabilityWorld, count: int, kind: str = CHANGED) -> None:
    async def arrived() -> bool:
        return len(received_messages(availability, kind)) >= count

    await until(arrived, 30)


async def slots(availability: AvailabilityWorld, product: str = TOUR.id, hours: int = 24) -> Sequence[Slot]:
    """Return the slots of the day from tomorrow's hour on."""
    found = await availability.world.slotsync.availability(MERCHANT, product, TOMORROW, TOMORROW + hours * HOUR)
    return found.slots


async def closed_from(availability: AvailabilityWorld, *moments: datetime, within: float = 30) -> None:
    """Wait until the closed slots begin at just these moments."""

    async def so() -> bool:
        return [slot.span.start for slot in await slots(availability) if slot.closed] == list(moments)

    await until(so, within)
