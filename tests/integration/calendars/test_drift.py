"""What people do to our events by hand is found by an audit, told apart, and put right; what is theirs stays."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus

from slotsync.domain.calendars.messages import AuditRequest, AuditResult
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.merchant import MerchantDetails, OnDrift
from slotsync.domain.reservations.drift import MAX_REPAIRS, DriftAction, DriftAnswer, DriftKind
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.errors import WrongState
from slotsync.store.calendars.drift_records import DriftRecords
from slotsync.temporal.signals import start_audit
from starter.services.drift import DriftService
from tests.support.managed_calendars import delete_by_hand, shown
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

BOAT = Owner.product("boat")
OTHER_TIME = {"start": {"dateTime": "2027-08-01T10:00:00Z"}, "end": {"dateTime": "2027-08-01T11:00:00Z"}}
TOUCH = {"location": "Pier 3", "colorId": "5"}


class ByHand:
    """What people do in Google to the tour's events, by their titles."""

    def __init__(self, world: World, calendars: dict[str, str], events: dict[str, str]) -> None:
        self._http = world.http
        self.calendars = calendars
        self.events = events

    @classmethod
    async def look(cls, world: World) -> "ByHand":
        calendars = await world.calendars()
        path = f"/sandbox/accounts/{EMAIL}/calendars/{calendars[TOUR.id]}/events"
        listed = (await world.http.get(path, params={"showDeleted": "true"})).json()["items"]
        return cls(world, calendars, {each["summary"]: each["id"] for each in listed})

    def path(self, title: str, owner: Owner = TOUR) -> str:
        return f"/sandbox/accounts/{EMAIL}/calendars/{self.calendars[owner.id]}/events/{self.events[title]}"

    async def change(self, title: str, **changes: Any) -> None:
        (await self._http.patch(self.path(title), json=changes)).raise_for_status()

    async def delete(self, title: str) -> None:
        (await self._http.delete(self.path(title))).raise_for_status()

    async def restore(self, title: str) -> None:
        (await self._http.post(f"{self.path(title)}/restore")).raise_for_status()

    async def drag_to_the_boat(self, title: str) -> None:
        destination = {"destination": self.calendars[BOAT.id]}
        (await self._http.post(f"{self.path(title)}/move", json=destination)).raise_for_status()

    async def add(self, **event: Any) -> None:
        body = {"summary": "Mine", **OTHER_TIME, **event}
        path = f"/sandbox/accounts/{EMAIL}/calendars/{self.calendars[TOUR.id]}/events"
        (await self._http.post(path, json=body)).raise_for_status()


async def counts(world: World, *, repair: bool | None = None, owner: Owner = TOUR) -> dict[str, int]:
    """Audit the owner's calendar, and return what was found."""
    (audited,) = await world.slotsync.audit(MERCHANT, str(owner), repair=repair)
    assert not audited.result.reason
    return audited.result.counts


async def at_night(world: World) -> AuditResult:
    """Audit the tour's calendar as each night: only what has changed, as the merchant wants it."""
    handle = await start_audit(world.client, AuditRequest(merchant=MERCHANT, owner=TOUR))
    return await handle.result()


async def asked_about(drifts: DriftService) -> set[str | None]:
    """Return the reservations that the merchant is asked about."""
    return {each.reservation for each in await drifts.find_asked(MERCHANT, 9)}


async def test_all_that_people_did_to_our_events_is_told_apart_and_put_right(world: World) -> None:
    await world.add_merchant(TOUR, BOAT)
    names = [f"R-{number}" for number in range(1, 8)]
    newest = {name: snapshot(1, name=name, title=name, notes="Ours") for name in names}
    newest["R-8"] = snapshot(1, item(BOAT.id), name="R-8", title="R-8")
    async with world.working():
        for each in newest.values():
            await world.slotsync.report(each)
        newest["R-5"] = snapshot(2, name="R-5", title="R-5", status=ReservationStatus.CANCELLED)
        await shown(world, TOUR, names)
        await world.slotsync.report(newest["R-5"])
        await shown(world, TOUR, [name for name in names if name != "R-5"])
        await world.at_rest(newest.values(), only_of=MERCHANT)
        assert await counts(world) == {}

        hand = await ByHand.look(world)
        description = next(str(each["description"]) for each in await world.events() if each["summary"] == "R-7")
        await hand.change("R-1", summary="Another title", **TOUCH)
        await hand.change("R-2", **OTHER_TIME)
        await hand.delete("R-3")
        await hand.drag_to_the_boat("R-4")
        await hand.restore("R-5")
        await hand.change("R-6", **TOUCH)
        await hand.change("R-7", description=f"{description}\nBring a towel")
        await hand.add()

        found = {"changed": 1, "moved": 1, "deleted": 1, "moved_to_calendar": 1, "restored": 1}
        await world.slotsync.put_merchant(MERCHANT, MerchantDetails(on_drift=OnDrift.REPORT))
        assert await counts(world) == found
        assert sorted(await world.titles()) == sorted(["Another title", "Mine", "R-2", "R-5", "R-6", "R-7"])
        records = DriftRecords(world.store)
        listed = records.find(MERCHANT, 3)
        listed += records.find(MERCHANT, 9, (listed[-1].found_at, listed[-1].id))
        reported = {("R-1", "changed", ("summary",)), ("R-2", "moved", ("start", "end")), ("R-3", "deleted", ()),
                    ("R-4", "moved_to_calendar", ()), ("R-5", "restored", ())}  # fmt: skip
        assert {(each.reservation, each.kind.value, each.fields) for each in listed} == reported
        assert {each.action for each in listed} == {DriftAction.REPORT}
        assert await counts(world, repair=False) == found
        assert await counts(world, repair=True) == found
        await world.at_rest(newest.values(), only_of=MERCHANT)
        await shown(world, TOUR, ["Mine", "R-1", "R-2", "R-3", "R-4", "R-6", "R-7"])
        await shown(world, BOAT, ["R-8"])
        by_title = {each["summary"]: each for each in await world.events()}
        assert {name: by_title["R-1"].get(name) for name in TOUCH} == TOUCH
        assert {name: by_title["R-6"].get(name) for name in TOUCH} == TOUCH
        assert str(by_title["R-7"]["description"]).endswith("\nBring a towel")
        assert by_title["Mine"]["start"]
        assert await counts(world) == {}
        assert await counts(world, owner=BOAT) == {}
        assert records.find(MERCHANT, 9, only_open=True) == []


async def test_a_night_looks_at_what_has_changed_and_gives_way_to_who_puts_it_back_each_time(world: World) -> None:
    await world.add_merchant(TOUR)
    newest = [snapshot(1, name=name, title=name) for name in ("R-1", "R-2")]
    async with world.working():
        for each in newest:
            await world.slotsync.report(each)
        await world.at_rest(newest, only_of=MERCHANT)
        assert (await at_night(world)).complete
        quiet = await at_night(world)
        assert (quiet.complete, quiet.counts) == (False, {})

        for number in range(MAX_REPAIRS + 1):
            hand = await ByHand.look(world)
            await hand.change("R-1", summary="Put back")
            night = await at_night(world)
            assert (night.counts, night.repaired) == ({"changed": 1}, int(number < MAX_REPAIRS))
            if night.repaired:
                await shown(world, TOUR, ["R-1", "R-2"])
                await world.at_rest(newest, only_of=MERCHANT)
        await world.fault(method="events.list", kind="fullSyncRequired", count=1)
        night = await at_night(world)
        assert (night.complete, night.counts, night.repaired) == (True, {"changed": 1}, 0)
        assert await world.titles() == ["Put back", "R-2"]


async def test_who_only_looks_changes_nothing_for_the_nightly_audit_which_does_what_the_merchant_wants(
    world: World,
) -> None:
    await world.add_merchant(TOUR)
    newest = [snapshot(1, title="R-1")]
    drifts = DriftRecords(world.store)
    async with world.working():
        await world.slotsync.report(newest[0])
        await world.at_rest(newest, only_of=MERCHANT)
        await world.slotsync.put_merchant(MERCHANT, MerchantDetails(on_drift=OnDrift.ASK))
        assert (await at_night(world)).complete
        await (await ByHand.look(world)).change("R-1", summary="Mine")
        waiting = await start_audit(world.client, AuditRequest(merchant=MERCHANT, owner=TOUR), timedelta(hours=5))
        assert await counts(world, repair=False) == {"changed": 1}
        assert (await waiting.describe()).status is WorkflowExecutionStatus.RUNNING
        assert drifts.find(MERCHANT, 9) == []
        assert (await at_night(world)).counts == {"changed": 1}
        (asked,) = drifts.find(MERCHANT, 9)
        assert await counts(world, repair=False) == {"changed": 1}
        assert drifts.find(MERCHANT, 9) == [asked]
        await world.slotsync.put_merchant(MERCHANT, MerchantDetails(on_drift=OnDrift.REPAIR))
        await (await ByHand.look(world)).change("Mine", summary="Mine again")
        assert await counts(world, repair=False) == {"changed": 1}
        assert (await at_night(world)).repaired == 1
        await shown(world, TOUR, ["R-1"])


async def test_a_calendar_that_people_renamed_or_deleted_is_told_and_put_right(world: World) -> None:
    await world.add_merchant(TOUR)
    newest = snapshot(1, title="R-1")
    async with world.working():
        await world.slotsync.report(newest)
        await world.at_rest([newest], only_of=MERCHANT)
        calendar = (await world.calendars())[TOUR.id]
        path = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}"
        (await world.http.patch(path, json={"summary": "Mine"})).raise_for_status()
        assert await counts(world, repair=True) == {"calendar_renamed": 1}
        await shown(world, TOUR, ["R-1"])
        await delete_by_hand(world, TOUR)
        assert await counts(world, repair=True) == {"calendar_deleted": 1}
        await shown(world, TOUR, ["R-1"])
        await world.at_rest([newest], only_of=MERCHANT)
        assert await counts(world) == {}


async def test_what_is_asked_stays_as_people_made_it_until_somebody_has_ours_put_back(world: World) -> None:
    await world.add_merchant(TOUR, BOAT)
    newest = [snapshot(1, name=name, title=name) for name in ("R-1", "R-2", "R-3")]
    newest.append(snapshot(1, item(BOAT.id), name="B-1", title="B-1"))
    drifts = DriftService(world.client, world.store, world.vault)
    async with world.working():
        for each in newest:
            await world.slotsync.report(each)
        await world.at_rest(newest, only_of=MERCHANT)
        await world.slotsync.put_merchant(MERCHANT, MerchantDetails(on_drift=OnDrift.ASK))
        hand = await ByHand.look(world)
        await hand.change("R-1", summary="Keep me")
        await hand.delete("R-2")
        await hand.change("R-3", summary="Not me")
        assert await counts(world) == {"changed": 2, "deleted": 1}
        asked = {each.reservation: each.id for each in await drifts.find(MERCHANT, 9, only_open=True)}
        await drifts.answer(MERCHANT, asked["R-1"], DriftAnswer.KEEP, always=False)
        await drifts.answer(MERCHANT, asked["R-2"], DriftAnswer.KEEP, always=False)
        await drifts.answer(MERCHANT, asked["R-3"], DriftAnswer.REPAIR, always=False)
        await shown(world, TOUR, ["Keep me", "R-3"])
        await until(lambda: is_open_only(drifts, "R-1", "R-2"))
        assert await counts(world, repair=True) == {"changed": 1, "deleted": 1}
        assert {each.reservation for each in await drifts.find(MERCHANT, 9, only_open=True)} == {"R-1", "R-2"}
        assert await world.titles() == ["Keep me", "R-3"], "what is kept, an audit that repairs leaves alone, too"
        await hand.change("R-1", summary="Not that")
        assert (await at_night(world)).counts == {"changed": 1}
        assert await asked_about(drifts) == {"R-1"}
        status = await world.slotsync.status(MERCHANT, "R-2")
        assert status
        assert (status.settled, status.doing) == (True, "Version 1 is in step; by hand in Google: deleted")
        assert [each.drift for each in status.events] == [DriftKind.DELETED]

        for name in ("R-1", "R-2"):
            await world.slotsync.report(snapshot(2, name=name, title=f"{name} changed"))
        await shown(world, TOUR, ["R-1 changed", "R-2 changed", "R-3"])
        for name in ("R-1", "R-2"):
            await world.settled(2, name)
        assert await drifts.find(MERCHANT, 9, only_open=True) == [], "a new version ends what was kept"
        status = await world.slotsync.status(MERCHANT, "R-2")
        assert status
        assert (status.doing, [each.drift for each in status.events]) == ("Version 2 is in step", [None])
        assert await counts(world) == {}
        hand = await ByHand.look(world)
        await hand.change("R-1 changed", summary="Keep me")
        await hand.drag_to_the_boat("R-3")
        assert await counts(world) == {"changed": 1, "moved_to_calendar": 1}
        assert await counts(world, owner=BOAT) == {"moved_to_calendar": 1}
        assert await asked_about(drifts) == {"R-1", "R-3"}
        asked = {each.reservation: each.id for each in await drifts.find_asked(MERCHANT, 9)}
        assert len(await drifts.find_asked(MERCHANT, 9)) == 2
        await drifts.answer(MERCHANT, asked["R-3"], DriftAnswer.REPAIR, always=False)
        await shown(world, TOUR, ["Keep me", "R-2 changed", "R-3"])
        await shown(world, BOAT, ["B-1"])
        await until(lambda: is_audited_as_open(world, drifts, "R-1"))


async def is_audited_as_open(world: World, drifts: DriftService, reservation: str) -> bool:
    """Return whether an audit finds no more than a change of this one: what was dragged, no write alone puts right."""
    return await counts(world) == {"changed": 1} and await is_open_only(drifts, reservation)


async def is_open_only(drifts: DriftService, *reservations: str) -> bool:
    return {each.reservation for each in await drifts.find(MERCHANT, 9, only_open=True)} == {*reservations}


async def test_what_is_to_be_put_back_is_open_while_that_has_to_wait(world: World) -> None:
    await world.add_merchant(TOUR)
    newest = [snapshot(1, title="R-1")]
    drifts = DriftService(world.client, world.store, world.vault)
    async with world.working():
        await world.slotsync.report(newest[0])
        await world.at_rest(newest, only_of=MERCHANT)
        await world.slotsync.put_merchant(MERCHANT, MerchantDetails(on_drift=OnDrift.ASK))
        await (await ByHand.look(world)).change("R-1", summary="Mine")
        assert (await at_night(world)).counts == {"changed": 1}
        (asked,) = await drifts.find_asked(MERCHANT, 9)
        for method in ("events.get", "events.update"):
            await world.fault(method=method, kind="backendError", probability=1, account=EMAIL)
        await drifts.answer(MERCHANT, asked.id, DriftAnswer.REPAIR, always=False)
        assert [each.answer for each in await drifts.find(MERCHANT, 9, only_open=True)] == [DriftAnswer.REPAIR]
        with pytest.raises(WrongState, match="being put back"):
            await drifts.answer(MERCHANT, asked.id, DriftAnswer.KEEP, always=True)
        await world.heal()
        await shown(world, TOUR, ["R-1"])
        await until(lambda: is_open_only(drifts))
        with pytest.raises(WrongState, match="still stands"):
            await drifts.answer(MERCHANT, asked.id, DriftAnswer.REPAIR, always=True)
        assert DriftRecords(world.store).get_choice(MERCHANT) is OnDrift.ASK


async def test_an_answer_for_all_that_comes_changes_the_merchants_choice(world: World) -> None:
    await world.add_merchant(TOUR)
    drifts = DriftService(world.client, world.store, world.vault)
    async with world.working():
        await world.slotsync.report(snapshot(1, title="R-1"))
        await world.settled(1)
        await world.slotsync.put_merchant(MERCHANT, MerchantDetails(on_drift=OnDrift.ASK))
        await (await ByHand.look(world)).change("R-1", summary="Mine")
        assert (await at_night(world)).repaired == 0
        (asked,) = await drifts.find(MERCHANT, 9, only_open=True)
        await drifts.answer(MERCHANT, asked.id, DriftAnswer.REPAIR, always=True)
        await shown(world, TOUR, ["R-1"])
        await until(lambda: is_open_only(drifts))
        await (await ByHand.look(world)).change("R-1", summary="Mine")
        assert (await at_night(world)).repaired == 1
        await shown(world, TOUR, ["R-1"])
