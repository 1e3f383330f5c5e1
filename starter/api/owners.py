"""Routes of products and resources."""

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from fastapi import APIRouter
from pydantic import AfterValidator, Field

from slotsync.domain.calendars.owner import OnUnknown, Owner, OwnerSettings
from starter.api.documentation import MERCHANT, MerchantId, ProductId, ResourceId
from starter.bootstrap import ServicesDependency

router = APIRouter(prefix=MERCHANT, tags=["products and resources"])

_known_time_zones = cache(available_timezones)  # each call of available_timezones reads many files


def _check_time_zone(name: str) -> str:
    if name not in _known_time_zones():
        raise ValueError("is not an IANA time zone, such as Europe/Helsinki")
    return name


TimeZone = Annotated[str, AfterValidator(_check_time_zone), Field(examples=["Europe/Helsinki"])]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
UnknownPolicy = Annotated[OnUnknown, Field(json_schema_extra={"pattern": "^(block|sell|last_known:[0-9]{1,3})$"})]


class OwnerBody(OwnerSettings):
    """All settings of a product or resource. A setting that is left out gets its default.

    `pad_before_minutes` and `pad_after_minutes` extend each busy time of a calendar that blocks the product.
    `free_calendars_needed` is how many of these calendars must be free for a booking; without it, all of them.
    """

    name: Name
    time_zone: TimeZone = "UTC"
    on_unknown: UnknownPolicy = "block"


@router.put("/products/{product}")
async def put_product(
    merchant: MerchantId, product: ProductId, settings: OwnerBody, services: ServicesDependency
) -> OwnerBody:
    """Create a product, or replace its settings."""
    await services.slotsync.put_owner(merchant, Owner.product(product), settings)
    return settings


@router.put("/resources/{resource}")
async def put_resource(
    merchant: MerchantId, resource: ResourceId, settings: OwnerBody, services: ServicesDependency
) -> OwnerBody:
    """Create a resource, or replace its settings."""
    await services.slotsync.put_owner(merchant, Owner.resource(resource), settings)
    return settings
