"""Merchants, as the platform describes them."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, EmailStr, Field

from slotsync.domain.calendars.choices import Chooser
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
        own = self.model_fields_set & MerchantDetails.model_fields.keys()
        return {name: value for name, value in self if name in own}

    def change(self, changes: "MerchantDetails") -> Self:
        """Return the details after a change."""
        given = changes.given
        if changes.defaults:
            given["defaults"] = (self.defaults or OwnerDefaults()).change(changes.defaults)
        return self.model_copy(update=given)


MERCHANTS_DETAILS: Final = frozenset({"on_drift"})
"""The details that are a merchant's to choose. Until it has, the platform's are its defaults."""


class MerchantChoices(Message):
    """The details of a merchant, with the names of those that it has ``chosen`` itself.

    ``overridden`` are those that the platform has changed against the merchant's choice, until the merchant chooses
    again.
    """

    details: MerchantDetails
    chosen: frozenset[str] = frozenset()
    overridden: frozenset[str] = frozenset()

    def change(self, changes: MerchantDetails, chooser: Chooser, *, override: bool = False) -> "MerchantChoices":
        """Return the choices after a change. What is left out keeps its value.

        What the merchant has chosen stays, too, when the platform sets it, unless with ``override``.
        """
        given = changes.given
        if chooser is Chooser.MERCHANT:
            own = MERCHANTS_DETAILS & given.keys()
            return self._with(self.details.change(changes), self.chosen | own, self.overridden - own)
        against = {name for name in self.chosen & given.keys() if given[name] != getattr(self.details, name)}
        if against and not override:
            kept = {name: getattr(self.details, name) for name in against}
            return self._with(self.details.change(changes.model_copy(update=kept)), self.chosen, self.overridden)
        return self._with(self.details.change(changes), self.chosen - against, self.overridden | against)

    @staticmethod
    def _with(details: MerchantDetails, chosen: frozenset[str], overridden: frozenset[str]) -> "MerchantChoices":
        # What is stored is not checked anew: its limits may be those of a former version.
        return MerchantChoices.model_construct(details=details, chosen=chosen, overridden=overridden)
