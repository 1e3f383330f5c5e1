from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from slotsync.domain.availability.horizon import Horizon
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.errors import InputError
from slotsync.secrets import Vault
from slotsync.store.calendars.owners import Owners
from starter.services.availability import AvailabilityService, UnknownProduct
from tests.support.migrated_databases import open_migrated

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NAIVE = NOON.replace(tzinfo=None)


@pytest.fixture
def availability(vault: Vault, tmp_path: Path) -> Iterator[AvailabilityService]:
    store = open_migrated(f"sqlite:///{tmp_path}/slotsync.db")
    Owners(store).put("m", Owner.product("tour"), OwnerSettings(name="Tour"))
    yield AvailabilityService(store, vault, Horizon(days=30), clock=lambda: NOON)
    store.close()


async def test_the_answer_is_about_the_requested_times(availability: AvailabilityService) -> None:
    in_helsinki = NOON.astimezone(ZoneInfo("Europe/Helsinki"))
    answer = await availability.get("m", "tour", in_helsinki, NOON + 30 * DAY)
    assert answer.span == Interval(start=NOON, end=NOON + 30 * DAY)
    assert (await availability.explain("m", "tour", in_helsinki)).at == NOON


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (NAIVE, NOON + DAY, "The start has no time zone; give an offset"),
        (NOON, NAIVE + DAY, "The end has no time zone; give an offset"),
        (NOON, NOON, "The end is not after the start"),
        (NOON, NOON - DAY, "The end is not after the start"),
        (NOON, NOON + 30 * DAY + timedelta(seconds=1), "more than 30 days after the start; ask for less"),
        (datetime.min.replace(tzinfo=ZoneInfo("Europe/Helsinki")), NOON, "The start is not between 1970 and 2200"),
        (NOON, datetime.max.replace(tzinfo=UTC), "The end is not between 1970 and 2200"),
    ],
)
async def test_invalid_times_are_named_with_the_remedy(
    availability: AvailabilityService, start: datetime, end: datetime, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        await availability.get("m", "tour", start, end)


async def test_a_single_time_needs_a_zone_too(availability: AvailabilityService) -> None:
    with pytest.raises(InputError, match="The time has no time zone"):
        await availability.explain("m", "tour", NAIVE)


@pytest.mark.parametrize(("merchant", "product"), [("m", "other"), ("other", "tour")])
async def test_an_unknown_product_raises(availability: AvailabilityService, merchant: str, product: str) -> None:
    with pytest.raises(UnknownProduct, match="put its settings first"):
        await availability.get(merchant, product, NOON, NOON + DAY)
    with pytest.raises(UnknownProduct, match="put its settings first"):
        await availability.explain(merchant, product, NOON)
