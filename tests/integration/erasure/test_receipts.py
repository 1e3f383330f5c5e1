"""An erasure that is held up takes nothing more and stands in the audit log; receipts name what remains in Google."""

from datetime import timedelta

import pytest

from slotsync.domain.reservations.event import EventKey, WrittenEvent
from slotsync.errors import Erased, ErasureHeldUp
from slotsync.store.audit_log import AuditLog
from slotsync.store.erasures import Erasures
from slotsync.store.reservations.left_events import LeftEventStore
from starter.services.erasure import ErasureService
from starter.services.erasure_receipts import SQLITE_LOG
from starter.services.guest_erasure import GuestErasureService
from tests.support.samples import MERCHANT, TOUR, snapshot
from tests.support.world import World

pytestmark = pytest.mark.anyio

SHORT = timedelta(milliseconds=100)
NAMED = "1 events stand in calendars of a former Google account and show what they showed (product:sunset-tour)."


def service(world: World) -> ErasureService:
    return ErasureService(world.settings, world.client, world.store, world.vault, SHORT, SHORT, SHORT)


def guests(world: World) -> GuestErasureService:
    return GuestErasureService(world.client, world.store, world.vault, SHORT)


def actions(world: World) -> list[str]:
    return [each.action for each in AuditLog(world.store, world.vault).list_entries(MERCHANT, 10)]


def leave(world: World, name: str) -> None:
    """Let an event stand in a calendar of a former account, and in one that Google does not find."""
    for calendar, missing in (("former", False), ("gone", True)):
        event = WrittenEvent(
            key=EventKey(item="1", owner=TOUR),
            calendar_id=calendar,
            connection_id="",
            generation=1,
            version=1,
            fingerprint="",
            etag="",
        )
        LeftEventStore(world.store).leave(MERCHANT, name, event, world.store.now(), missing=missing)


async def test_an_erasure_that_is_held_up_takes_no_report_and_stands_in_the_audit_log(world: World) -> None:
    await world.slotsync.report(snapshot(1, title="Kayaks for Mervi"))
    with pytest.raises(ErasureHeldUp):
        await service(world).erase_reservation(MERCHANT, "R-1", google=True)
    assert actions(world) == ["data.erased"]
    with pytest.raises(Erased, match="R-1"):
        await world.slotsync.report(snapshot(2, title="Kayaks for Mervi, moved"))
    assert Erasures(world.store).is_anything_stored(MERCHANT, "R-1"), "nothing is deleted before Google has answered"
    await service(world).erase_reservation(MERCHANT, "R-1", google=True, force=True)
    assert not Erasures(world.store).is_anything_stored(MERCHANT, "R-1")


async def test_all_receipts_name_what_stands_in_a_former_account(world: World) -> None:
    for name in ("R-1", "R-2"):
        await world.slotsync.report(snapshot(1, name=name))
        leave(world, name)
    guest = await guests(world).erase(MERCHANT, "R-1")
    reservation = await service(world).erase_reservation(MERCHANT, "R-1", google=False)
    assert [each for each in guest.google if NAMED in each and "connects that account again" in each]
    assert [each for each in reservation.google if NAMED in each and "connects that account again" in each]
    assert [each for each in reservation.google if "1 events may stand in calendars not found" in each]
    whole = await service(world).erase_merchant(MERCHANT, google=True)
    assert [each for each in whole.google if NAMED.replace("1", "2") in each and "knows them no more" in each]


async def test_an_erasure_of_guests_stands_in_the_audit_log_even_if_it_is_killed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    await world.slotsync.report(snapshot(1))
    monkeypatch.setattr("starter.services.guest_erasure.signal_reservation", kill)
    with pytest.raises(KeyboardInterrupt):
        await guests(world).erase(MERCHANT)
    assert actions(world) == ["guests.erased"]


async def test_a_log_that_a_reader_holds_up_stands_in_the_receipt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.slotsync.report(snapshot(1))
    monkeypatch.setattr(world.store, "empty_log", lambda: False)
    receipt = await guests(world).erase(MERCHANT, "R-1")
    assert receipt.remains[-1] == SQLITE_LOG
