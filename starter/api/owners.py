"""Routes of products and resources."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from slotsync.domain.calendars.owner import OnUnknown, Owner, OwnerSettings
from starter.api.documentation import MERCHANT, MerchantId, ProductId, ResourceId
from starter.bootstrap import ServicesDependency

router = APIRouter(prefix=MERCHANT, tags=["products and resources"])

UnknownPolicy = Annotated[OnUnknown, Field(json_schema_extra={"pattern": "^(block|sell|last_known:[0-9]{1,3})$"})]


class OwnerBody(OwnerSettings):
    """All settings of a product or resource. A setting that is left out gets its default.

    `pad_before_minutes` and `pad_after_minutes` extend each busy time of a calendar that blocks the product.
    `free_calendars_needed` is how many of these calendars must be free for a booking; without it, all of them.
    """

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
