"""A switch of a whole merchant is due until all its owners have heard of it, page by page."""

from datetime import timedelta

from slotsync.clock import utc_now
from slotsync.domain.calendars.owner import Owner, Switch
from slotsync.store.calendars.merchant_switches import MerchantSwitches, SwitchProgress
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from tests.support.samples import settings_of

OFF, ON = Switch(sync=False), Switch(sync=True)
OWNERS = [Owner.product("a"), Owner.product("b"), Owner.resource("a")]


def add_owners(store: Store) -> Owners:
    owners = Owners(store)
    for owner in OWNERS:
        owners.put("m", owner, settings_of(owner))
        owners.record_due("m", owner, 1, None)
    owners.put("other", OWNERS[0], settings_of(OWNERS[0]))
    return owners


def due(owners: Owners) -> list[str]:
    return [str(owner) for merchant, owner in owners.find_due(utc_now() + timedelta(seconds=1)) if merchant == "m"]


def test_owners_become_due_page_by_page_in_order(store: Store) -> None:
    owners, switches = add_owners(store), MerchantSwitches(store)
    owners.switch_merchant("m", OFF)
    assert due(owners) == []
    assert switches.get_progress("m") == SwitchProgress(total=3, done=0, running=True, stopped=False)
    first = switches.take_owners("m", 1, None, signalled=0, limit=2)
    assert first == OWNERS[:2]
    assert sorted(due(owners)) == ["product:a", "product:b"]
    assert switches.take_owners("m", 1, first[-1], signalled=2, limit=2) == OWNERS[2:]
    assert switches.get_progress("m") == SwitchProgress(total=3, done=2, running=True, stopped=False)
    assert switches.take_owners("m", 1, OWNERS[-1], signalled=3, limit=2) == []
    switches.record_applied("m", 1, 3)
    assert switches.get_progress("m") == SwitchProgress(total=3, done=3, running=False, stopped=False)
    assert switches.plan("m").closing_reason


def test_a_switch_is_due_at_once_and_again_if_its_workflow_takes_no_further_page(store: Store) -> None:
    owners, switches = add_owners(store), MerchantSwitches(store)
    owners.switch_merchant("m", OFF)
    soon, later = utc_now() + timedelta(seconds=1), utc_now() + timedelta(minutes=6)
    assert switches.find_due(soon) == ["m"]
    switches.take_owners("m", 1, None, signalled=0, limit=1)
    assert (switches.find_due(soon), switches.find_due(later)) == ([], ["m"])
    assert switches.find_unfinished() == ["m"]
    switches.record_applied("m", 1, 3)
    assert (switches.find_due(later), switches.find_unfinished()) == ([], [])


def test_another_switch_ends_the_one_that_is_under_way(store: Store) -> None:
    owners, switches = add_owners(store), MerchantSwitches(store)
    owners.switch_merchant("m", OFF)
    assert switches.take_owners("m", 1, None, signalled=0, limit=1)
    owners.switch_merchant("m", ON)
    assert switches.take_owners("m", 1, OWNERS[0], signalled=1, limit=1) == []
    switches.record_applied("m", 1, 3)
    assert switches.plan("m").revision == 2
    assert switches.take_owners("m", 2, None, signalled=0, limit=9) == OWNERS


def test_the_same_switch_again_goes_on_where_it_is_and_begins_anew_once_it_is_done(store: Store) -> None:
    owners, switches = add_owners(store), MerchantSwitches(store)
    for _ in range(2):
        owners.switch_merchant("m", OFF)
        assert switches.plan("m").revision == 1
    switches.record_applied("m", 1, 3)
    owners.switch_merchant("m", OFF)
    assert switches.plan("m").revision == 2


def test_a_stopped_switch_is_due_once_it_is_resumed_or_switched_again(store: Store) -> None:
    owners, switches, now = add_owners(store), MerchantSwitches(store), utc_now()
    owners.switch_merchant("m", OFF)
    switches.stop("m", now, revision=7)
    assert not switches.plan("m").closing_reason, "the stop was of another one"
    switches.stop("m", now)
    assert switches.plan("m").closing_reason
    assert (switches.find_due(now + timedelta(hours=9)), switches.find_unfinished()) == ([], [])
    assert switches.resume("m", now)
    assert not switches.resume("m", now)
    assert switches.find_due(now) == ["m"]
    switches.stop("m", now)
    owners.switch_merchant("m", ON)
    assert switches.plan("m").revision == 2
