"""Times of tomorrow, and waiting until somebody has heard of them."""

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


def news(shop: AvailabilityWorld, kind: str = CHANGED) -> list[Body]:
    """What the platform took, in order, repeated ones too."""
    return [each["data"] for each in shop.platform.told(kind)]


def starts(message: Body, field: str = "changed") -> list[str]:
    """When the spans in a message begin."""
    spans = message[field]
    assert isinstance(spans, list)
    return [str(span["start"]) for span in spans]


async def told(shop: AvailabilityWorld, count: int, kind: str = CHANGED) -> None:
    async def arrived() -> bool:
        return len(news(shop, kind)) >= count

    await until(arrived, 30)


async def slots(shop: AvailabilityWorld, product: str = TOUR.id, hours: int = 24) -> Sequence[Slot]:
    """The slots of the day from tomorrow's hour on."""
    found = await shop.world.slotsync.availability(MERCHANT, product, TOMORROW, TOMORROW + hours * HOUR)
    return found.slots


async def closed_from(shop: AvailabilityWorld, *moments: datetime, within: float = 30) -> None:
    """Waits until the closed slots begin at just these moments."""

    async def so() -> bool:
        return [slot.span.start for slot in await slots(shop) if slot.closed] == list(moments)

    await until(so, within)
