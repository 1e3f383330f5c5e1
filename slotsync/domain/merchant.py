"""Merchants, as the platform describes them."""

from typing import Annotated

from pydantic import EmailStr, Field

from slotsync.domain.messages import DisplayName, Message
from slotsync.domain.web_address import WebAddress


class MerchantDetails(Message):
    """The details that the platform gives of a merchant; one that is left out keeps its value, and null removes it.

    ``name`` is shown to people who connect an account, and ``language`` (such as ``fi``) is the first one that they
    see. To ``return_url`` their browsers go back from Google, instead of to the address that is set for all merchants.
    Notices are sent to ``email``, with the picture at ``logo_url``.
    """

    name: DisplayName | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] | None = None
    return_url: Annotated[WebAddress, Field(min_length=1, max_length=2000)] | None = None
    email: Annotated[EmailStr, Field(max_length=254)] | None = None
    logo_url: Annotated[WebAddress, Field(min_length=1, max_length=2000)] | None = None

    @property
    def given(self) -> dict[str, object]:
        """The details that are not left out, by name."""
        return self.model_dump(include=self.model_fields_set)
