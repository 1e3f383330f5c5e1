"""Drift on the settings page: what the merchant is asked about, and its answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from slotsync.domain.calendars.choices import Chooser
from slotsync.domain.reservations.drift import DriftAnswer, DriftKind
from slotsync.errors import UnknownSubject, WrongState
from slotsync.store.calendars.owner_names import OwnerNames
from starter.settings_page.visit import Visit, redirect_to_page

MAX_ASKED_SHOWN: Final = 20
"""The questions that the page shows at once; the next ones follow as these are answered."""


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
        await visit.services.drift.answer(
            visit.merchant, request.path_params["drift"], answer, always=always, chooser=Chooser.MERCHANT
        )
    except (UnknownSubject, WrongState):
        return redirect_to_page(notice="not_asked", place=visit.address)
    return redirect_to_page(notice="saved", place=visit.address)
