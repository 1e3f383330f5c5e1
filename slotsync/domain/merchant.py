"""Merchants, as the platform describes them."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, EmailStr, Field

from slotsync.domain.calendars.owner import OwnerDefaults
from slotsync.domain.messages import DisplayName, Message
from slotsync.domain.web_address import WebAddress


def _check_plain(address: str) -> str:
    if "=?" in address:
        raise ValueError("looks like encoded text (=?...), in which some mail programs read other addresses")
    return address


class OnDrift(StrEnum):
    """The choices for our events that people change by hand: put right again, only reported, or asked about."""

    REPAIR = "repair"
    REPORT = "report"
    ASK = "ask"


class MerchantDetails(Message):
    """The details that the platform gives of a merchant; one that is left out keeps its value, and null removes it.

    ``name`` is shown to people who connect an account, and ``language`` (such as ``fi``) is the first one that they
    see. To ``return_url`` their browsers go back from Google, instead of to the address that is set for all merchants.
    Notices are sent to ``email``, with the picture at ``logo_url``. Products and resources that are put for the first
    time have ``defaults`` for what is left out there; of these, too, one that is left out keeps its value.
    ``on_drift`` says what is done about events that people change by hand; they are repaired by default.
    """

    name: DisplayName | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] | None = None
    return_url: Annotated[WebAddress, Field(min_length=1, max_length=2000)] | None = None
    email: Annotated[EmailStr, Field(max_length=254), AfterValidator(_check_plain)] | None = None
    logo_url: Annotated[WebAddress, Field(min_length=1, max_length=2000)] | None = None
    on_drift: OnDrift | None = None

    defaults: OwnerDefaults | None = None

    @property
    def given(self) -> dict[str, object]:
        """The details that are not left out, by name."""
        return {name: value for name, value in self if name in self.model_fields_set}

    def change(self, changes: "MerchantDetails") -> Self:
        """Return the details after a change."""
        given = changes.given
        if changes.defaults:
            given["defaults"] = (self.defaults or OwnerDefaults()).change(changes.defaults)
        return self.model_copy(update=given)
