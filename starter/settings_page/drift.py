"""Drift on the settings page: what the merchant is asked about, and its answers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from slotsync.domain.calendars.choices import Chooser
from slotsync.domain.merchant import MerchantDetails, OnDrift
from slotsync.domain.reservations.drift import DriftAnswer, DriftKind
from slotsync.errors import NotTaken, UnknownSubject, WrongState
from slotsync.store.calendars.owner_names import OwnerNames
from starter.settings_page.visit import Visit, redirect_to_page

MAX_ASKED_SHOWN: Final = 20
"""The questions that the page shows at once; the next ones follow as these are answered."""

_ALWAYS: Final[Mapping[DriftAnswer, OnDrift]] = {DriftAnswer.KEEP: OnDrift.REPORT, DriftAnswer.REPAIR: OnDrift.REPAIR}


@dataclass(frozen=True)
class AskedDrift:
    """A question: what was done by hand to the event of a reservation in the calendar of this name."""

    id: str
    calendar: str
    reservation: str
    kind: DriftKind


async def load_asked(visit: Visit) -> Sequence[AskedDrift]:
    """Return what the merchant is asked about, the oldest first, at most as many as the page shows."""
    found = await visit.services.drift.find_asked(visit.merchant, MAX_ASKED_SHOWN)
    if not found:
        return ()
    named = OwnerNames(visit.services.store)
    names = await asyncio.to_thread(named.get_names, visit.merchant, {each.owner for each in found})
    return [
        AskedDrift(each.id, names.get(each.owner, each.owner.id), each.reservation, each.kind)
        for each in found
        if each.reservation
    ]


async def answer_drift(request: Request) -> Response:
    """Keep what was done to one event, or put ours back; the same for all that comes if the merchant wants that."""
    visit = await Visit.from_form(request)
    answer, always = DriftAnswer(visit.form_value("answer")), visit.form_value("always") == "yes"
    try:
        await visit.services.drift.answer(visit.merchant, request.path_params["drift"], answer, always=False)
    except (UnknownSubject, WrongState):
        return redirect_to_page(notice="not_asked", place=visit.address)
    except NotTaken:  # the answer is stored
        await _choose(visit, answer, always=always)
        raise
    await _choose(visit, answer, always=always)
    return redirect_to_page(notice="saved", place=visit.address)


async def _choose(visit: Visit, answer: DriftAnswer, *, always: bool) -> None:
    """Record the merchant's choice to have all drift answered alike, if it is one."""
    if always:
        chosen = MerchantDetails(on_drift=_ALWAYS[answer])
        await asyncio.to_thread(visit.services.merchants.put, visit.merchant, chosen, Chooser.MERCHANT)
