"""A booking's last look, live."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from slotsync.rules.availability_news import LONGEST_WAIT, Confirmation
from slotsync.rules.message import Message
from starter.api.backend import Behind
from starter.api.paths import MERCHANT, MerchantId, ProductId
from starter.api.problems import NOT_FOUND, ApiError
from starter.asking import UnknownProduct

router = APIRouter(prefix=f"{MERCHANT}/products/{{product}}", tags=["availability"])

_MOST = LONGEST_WAIT // timedelta(milliseconds=1)


class ConfirmBody(Message):
    """A time, and how long Google may take to answer."""

    start: AwareDatetime
    end: AwareDatetime
    within_ms: Annotated[int, Field(ge=1, le=_MOST)] = 2000


@router.post("/confirm")
async def confirm(merchant: MerchantId, product: ProductId, asked: ConfirmBody, behind: Behind) -> Confirmation:
    """Asks Google itself whether the product is free: yes, no, or unknown where nobody answered in time.

    ``evidence`` is what each calendar said; it names them: show it to this merchant alone.
    """
    within = timedelta(milliseconds=asked.within_ms)
    try:
        return await behind.slotsync.confirm(merchant, product, asked.start, asked.end, within=within)
    except UnknownProduct as error:
        raise ApiError(NOT_FOUND, str(error)) from None
