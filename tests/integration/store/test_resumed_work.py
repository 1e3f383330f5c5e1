"""Work that an operator has stopped goes on with what is wanted anew, and the audit log says so."""

import pytest

from slotsync.clock import utc_now
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.choices import Chooser
from slotsync.domain.calendars.owner import Owner, OwnerChanges, Switch
from slotsync.store.audit_log import AuditLog
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.watched_products import WatchedProducts
from slotsync.store.calendars.merchant_switches import MerchantSwitches
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.reservations.guest_erasure import GuestErasure
from slotsync.store.reservations.reservations import Reservations
from tests.support.samples import snapshot
from tests.support.stored_reservations import ANY_KEY

TOUR = Owner.product("tour")


@pytest.fixture
def audit(store: Store) -> AuditLog:
    return AuditLog(store, ANY_KEY)


def resumed(audit: AuditLog) -> list[str]:
    found = [each for each in audit.list_entries("m", 50) if each.action == "work.resumed"]
    return [each.detail.subject for each in found if each.detail]


def test_a_pick_resumes_the_watching_of_a_product(store: Store, audit: AuditLog) -> None:
    Owners(store, audit).put("m", TOUR, OwnerChanges(name="Tour"))
    picked = [PickableCalendar(id="own", name="Own")]
    BlockingCalendars(store, ANY_KEY).replace("m", TOUR, picked)
    WatchedProducts(store, audit).stop(ProductKey(merchant="m", product="tour"), utc_now())
    for _ in range(2):
        BlockingCalendars(store, ANY_KEY).replace("m", TOUR, picked)
    assert resumed(audit) == ["availability:tour"]


def test_an_erasure_of_a_guest_resumes_a_reservation(store: Store, audit: AuditLog) -> None:
    reservations, guests = Reservations(store, ANY_KEY), GuestErasure(store, ANY_KEY)
    reservations.report(snapshot(merchant="m"), utc_now())
    reservations.stop("m", "R-1", utc_now())
    for _ in range(2):
        guests.erase_guest("m", "R-1", utc_now())
    assert resumed(audit) == ["reservation:R-1"]


def test_a_switch_of_the_whole_merchant_resumes_calendars(store: Store, audit: AuditLog) -> None:
    owners, switches = Owners(store, audit), MerchantSwitches(store, audit)
    owners.put("m", TOUR, OwnerChanges(name="Tour"))
    owners.stop("m", TOUR, utc_now())
    owners.switch_merchant("m", Switch(sync=False), Chooser.MERCHANT)
    for _ in range(2):
        switches.take_owners("m", 1, None, signalled=0, limit=10)
    assert resumed(audit) == ["calendar:product:tour"]
