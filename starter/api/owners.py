"""Routes of products and resources."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from slotsync.domain.calendars.choices import Choices
from slotsync.domain.calendars.owner import OnUnknown, Owner, OwnerChanges, OwnerSettings
from slotsync.domain.connections.disconnection import CalendarChoice
from starter.api.documentation import MERCHANT, MerchantId, ProductId, ResourceId, omit_defaults
from starter.api.problems import NOT_FOUND, ApiError
from starter.bootstrap import Services, ServicesDependency
from starter.services.sync_switch import UnknownOwner

router = APIRouter(prefix=MERCHANT, tags=["products and resources"])

UnknownPolicy = Annotated[OnUnknown, Field(json_schema_extra={"pattern": "^(block|sell|last_known:[0-9]{1,3})$"})]


class OwnerBody(OwnerChanges, json_schema_extra=omit_defaults(OwnerChanges)):
    """Settings of a product or resource. One that is left out keeps its value; a new one has the merchant's `defaults`.

    `pad_before_minutes` and `pad_after_minutes` extend each busy time of a calendar that blocks the product.
    `free_calendars_needed` is how many of these calendars must be free for a booking; without it, all of them.

    What the merchant has chosen on the settings page stays: `sync`, `guest_data`, `on_unknown`, the padding and
    `free_calendars_needed`. With `override` it is changed all the same, and the merchant sees that on the page.
    """

    on_unknown: UnknownPolicy = "block"
    override: bool = False


class OwnerAnswer(OwnerSettings):
    """All settings, the names of those that the merchant has `chosen`, and of those that were `overridden` since."""

    on_unknown: UnknownPolicy
    chosen: tuple[str, ...]
    overridden: tuple[str, ...]


@router.put("/products/{product}")
async def put_product(
    merchant: MerchantId, product: ProductId, body: OwnerBody, services: ServicesDependency
) -> OwnerAnswer:
    """Create a product, or change its settings; return what they are."""
    return await _put(services, merchant, Owner.product(product), body)


@router.put("/resources/{resource}")
async def put_resource(
    merchant: MerchantId, resource: ResourceId, body: OwnerBody, services: ServicesDependency
) -> OwnerAnswer:
    """Create a resource, or change its settings; return what they are."""
    return await _put(services, merchant, Owner.resource(resource), body)


@router.get("/products/{product}")
async def get_product(merchant: MerchantId, product: ProductId, services: ServicesDependency) -> OwnerAnswer:
    """Return the settings of a product."""
    return await _get(services, merchant, Owner.product(product))


@router.get("/resources/{resource}")
async def get_resource(merchant: MerchantId, resource: ResourceId, services: ServicesDependency) -> OwnerAnswer:
    """Return the settings of a resource."""
    return await _get(services, merchant, Owner.resource(resource))


@router.delete("/products/{product}", status_code=204)
async def delete_product(
    merchant: MerchantId,
    product: ProductId,
    services: ServicesDependency,
    calendar: CalendarChoice = CalendarChoice.KEEP,
) -> None:
    """Delete a product and what blocks it; its calendar in Google is kept as it is, or deleted with our events."""
    await _delete(services, merchant, Owner.product(product), calendar)


@router.delete("/resources/{resource}", status_code=204)
async def delete_resource(
    merchant: MerchantId,
    resource: ResourceId,
    services: ServicesDependency,
    calendar: CalendarChoice = CalendarChoice.KEEP,
) -> None:
    """Delete a resource; its calendar in Google is kept as it is, or deleted with our events."""
    await _delete(services, merchant, Owner.resource(resource), calendar)


async def _put(services: Services, merchant: str, owner: Owner, body: OwnerBody) -> OwnerAnswer:
    await services.slotsync.put_owner(merchant, owner, body, override=body.override)
    return await _get(services, merchant, owner)


async def _get(services: Services, merchant: str, owner: Owner) -> OwnerAnswer:
    choices = await services.slotsync.choices_of(merchant, owner)
    if choices is None:
        raise ApiError(NOT_FOUND, str(UnknownOwner(owner)))
    return _answer(choices)


async def _delete(services: Services, merchant: str, owner: Owner, calendar: CalendarChoice) -> None:
    try:
        await services.slotsync.delete_owner(merchant, owner, remove_events=calendar is CalendarChoice.DELETE)
    except UnknownOwner as error:
        raise ApiError(NOT_FOUND, str(error)) from None


def _answer(choices: Choices) -> OwnerAnswer:
    return OwnerAnswer.model_construct(
        **choices.settings.model_dump(),
        chosen=tuple(sorted(choices.chosen)),
        overridden=tuple(sorted(choices.overridden)),
    )
