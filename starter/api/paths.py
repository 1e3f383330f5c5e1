"""The names in the paths of routes."""

from typing import Annotated, Final

from fastapi import Path

from slotsync.domain.messages import Identifier

PROTECTED: Final = "/v1"
"""Everything below needs an API key."""

MERCHANT: Final = f"{PROTECTED}/merchants/{{merchant}}"

MerchantId = Annotated[Identifier, Path(alias="merchant", description="The merchant's id, as the platform chose it.")]
ReservationId = Annotated[Identifier, Path(alias="reservation", description="The reservation's id.")]
ProductId = Annotated[Identifier, Path(alias="product", description="The product's id.")]
ResourceId = Annotated[Identifier, Path(alias="resource", description="The resource's id.")]
