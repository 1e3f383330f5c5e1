"""What the merchant is asked about on its page: changes by hand in Google, one answer each."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from slotsync.domain.merchant import MerchantDetails, OnDrift
from slotsync.domain.reservations.drift import Drift, DriftAction, DriftAnswer, DriftKind
from slotsync.domain.reservations.event import EventKey
from slotsync.store.calendars.drift_records import CompletedAudit, DriftRecords
from slotsync.store.tables.calendars import OwnerRow
from starter.settings_page.owner_list import OWNERS_PER_PAGE
from tests.support.many_products import add_products
from tests.support.samples import TOUR
from tests.support.site import Site, token_in

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 28, 2, tzinfo=UTC)
HEADING = "Changed by hand in Google Calendar"


def ask(site: Site, *kinds: DriftKind) -> dict[str, str]:
    """Record drift that is asked about, a reservation for each kind, and return its ids by reservation."""
    records, key = DriftRecords(site.world.store), EventKey(item="1", owner=TOUR)
    drifts = [Drift(kind=kind, reservation=f"R-{number}", key=key) for number, kind in enumerate(kinds)]
    records.record(
        CompletedAudit(
            merchant=site.merchant,
            owner=TOUR,
            calendar_id="calendar",
            at=NOW,
            found=[(each, DriftAction.ASK) for each in drifts],
            right=(),
            complete=True,
            sync_token=None,
        )
    )
    return {each.reservation or "": each.id for each in records.find_asked(site.merchant, 9)}


async def test_each_question_is_answered_once_and_then_shown_no_more(site: Site) -> None:
    await site.add_merchant()
    async with site.visitor() as mine:
        assert HEADING not in (await mine.get("/settings/")).text
        ids = ask(site, DriftKind.MOVED, DriftKind.DELETED)
        page = (await mine.get("/settings/")).text
        assert [word in page for word in (HEADING, "Booking R-0", "moved to another time", "was deleted")] == [True] * 4
        answer = {"token": token_in(page), "answer": "keep"}
        kept = await mine.post(f"/settings/drift/{ids['R-0']}", data=answer)
        page = kept.text
        assert "Saved." in page
        assert ("Booking R-0" in page, "Booking R-1" in page) == (False, True)
        await mine.post(f"/settings/drift/{ids['R-1']}", data=answer | {"answer": "repair", "always": "yes"})
        assert HEADING not in (await mine.get("/settings/")).text
        again = await mine.post(f"/settings/drift/{ids['R-1']}", data=answer)
        assert "That has been settled meanwhile" in again.text
    found = {each.reservation: each.answer for each in DriftRecords(site.world.store).find(site.merchant, 9)}
    assert found == {"R-0": DriftAnswer.KEEP, "R-1": DriftAnswer.REPAIR}
    details = await site.world.slotsync.details_of(site.merchant)
    assert isinstance(details, MerchantDetails)
    assert details.on_drift is OnDrift.REPAIR


async def test_a_question_makes_the_page_read_no_more_products_than_it_shows(site: Site) -> None:
    await site.add_merchant()
    add_products(site.world.store, site.merchant, 4 * OWNERS_PER_PAGE)
    ask(site, DriftKind.MOVED)
    read = list[OwnerRow]()
    async with site.visitor() as mine:
        event.listen(OwnerRow, "load", lambda row, _: read.append(row))
        assert "Booking R-0" in (await mine.get("/settings/")).text
    assert 0 < len(read) < 2 * OWNERS_PER_PAGE


async def test_what_a_merchant_wants_always_stays_its_choice_and_the_page_tells_of_an_override(site: Site) -> None:
    await site.add_merchant()
    platform = site.world.slotsync
    async with site.visitor() as mine:
        ids = ask(site, DriftKind.MOVED)
        answer = {"token": token_in((await mine.get("/settings/")).text), "answer": "keep", "always": "yes"}
        await mine.post(f"/settings/drift/{ids['R-0']}", data=answer)
        await platform.put_merchant(site.merchant, MerchantDetails(on_drift=OnDrift.REPAIR))
        assert (await platform.details_of(site.merchant) or MerchantDetails()).on_drift is OnDrift.REPORT
        assert 'id="drift-overridden"' not in (await mine.get("/settings/")).text
        await platform.put_merchant(site.merchant, MerchantDetails(on_drift=OnDrift.REPAIR), override=True)
        assert (await platform.details_of(site.merchant) or MerchantDetails()).on_drift is OnDrift.REPAIR
        assert 'id="drift-overridden"' in (await mine.get("/settings/")).text
        assert "This changed what you had chosen here" in (await mine.get("/settings/changes")).text
