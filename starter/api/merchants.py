"""Routes of merchants."""

import asyncio

from fastapi import APIRouter

from slotsync.domain.merchant import MerchantDetails
from starter.api.documentation import MERCHANT, MerchantId
from starter.api.problems import NOT_FOUND, ApiError
from starter.bootstrap import ServicesDependency

router = APIRouter(prefix=MERCHANT, tags=["merchants"])


class MerchantBody(MerchantDetails):
    """Details of a merchant. A detail that is left out keeps its value, and null removes it.

    `name` is shown to people who connect an account; `language` (`en` or `fi`) is the first one that they see. Their
    browsers go back from Google to `return_url`, instead of `SLOTSYNC_RETURN_URL`.
    """


class MerchantAnswer(MerchantDetails):
    """All details of a merchant."""

    merchant: str


@router.put("")
async def put_merchant(merchant: MerchantId, body: MerchantBody, services: ServicesDependency) -> MerchantAnswer:
    """Create a merchant, or change what is known of it; return what that is."""
    await asyncio.to_thread(services.merchants.put, merchant, body)
    return await get_merchant(merchant, services)


@router.get("")
async def get_merchant(merchant: MerchantId, services: ServicesDependency) -> MerchantAnswer:
    """Return what is known of a merchant."""
    found = await asyncio.to_thread(services.merchants.get, merchant)
    if found is None:
        raise ApiError(NOT_FOUND, "The merchant is not known; put it first.")
    return MerchantAnswer.model_construct(merchant=merchant, **found.model_dump())
