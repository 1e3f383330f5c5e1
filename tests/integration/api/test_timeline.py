from dataclasses import replace

import pytest
from temporalio.client import WorkflowExecutionStatus

from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.health import STOPPED_REASON
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.domain.workflow_ids import reservation_id
from slotsync.temporal.signals import signal_reservation
from tests.support.api import Api, api_of
from tests.support.buttons import BUTTONS, has_status
from tests.support.samples import TOUR, snapshot
from tests.support.temporal_servers import running_temporal_server
from tests.support.waiting import until

STOP_IN_STORE = ("stopped", "store")

pytestmark = pytest.mark.anyio

Events = list[dict[str, object]]


async def timeline(api: Api, merchant: str) -> Events:
    answer = await api.platform.get(f"/v1/merchants/{merchant}/reservations/R-1/timeline")
    entries: Events = answer.raise_for_status().json()["happenings"]
    assert [each["at"] for each in entries] == sorted(str(each["at"]) for each in entries)
    return entries


def from_history(entries: Events) -> list[tuple[object, object]]:
    return [(each["what"], each.get("version")) for each in entries if each["source"] == "history"]


async def prepare_merchant(api: Api, merchant: str) -> None:
    await api.world.add_merchant(TOUR, merchant=merchant, email=f"{merchant}@gmail.example")


async def test_a_timeline_covers_all_runs_of_a_reservation(quiet_api: Api, merchant: str) -> None:
    await prepare_merchant(quiet_api, merchant)
    report = quiet_api.world.slotsync.report
    handle = quiet_api.world.client.get_workflow_handle(reservation_id(merchant, "R-1"))
    async with quiet_api.world.working():
        await report(snapshot(1, merchant=merchant))
        await quiet_api.world.settled(1, merchant=merchant)
        await report(snapshot(2, merchant=merchant, status="cancelled"))
        await handle.result()
        await report(snapshot(3, merchant=merchant))
        await quiet_api.world.settled(3, merchant=merchant)

        async def is_complete() -> bool:
            entries = from_history(await timeline(quiet_api, merchant))
            return ("written", 3) in entries and ("reported", 1) in entries

        await until(is_complete)  # Temporal's list of runs lags behind by a moment
        entries = await timeline(quiet_api, merchant)
    history = [each for each in from_history(entries) if each != ("looked_again", None)]
    assert history == [
        ("reported", 1),
        ("begun", 1),
        ("written", 1),
        ("reported", 2),
        ("begun", 2),
        ("removed", 2),
        ("closed", None),
        ("reported", 3),
        ("begun", 3),
        ("written", 3),
    ]
    (now,) = (each for each in entries if each["source"] == "store")
    assert (now["what"], now["owner"], now["version"]) == ("in_step", str(TOUR), 3)


async def test_a_timeline_shows_faults_and_parking(quiet_api: Api, merchant: str) -> None:
    await prepare_merchant(quiet_api, merchant)
    async with quiet_api.world.working():
        await quiet_api.world.slotsync.report(snapshot(1, merchant=merchant))
        await quiet_api.world.settled(1, merchant=merchant)
        await quiet_api.world.http.post(f"/sandbox/accounts/{merchant}@gmail.example/revoke")
        await quiet_api.world.slotsync.report(snapshot(2, merchant=merchant))

        async def parked() -> bool:
            return any(each["what"] == "parked" for each in await timeline(quiet_api, merchant))

        await until(parked)
        entries = await timeline(quiet_api, merchant)
    (held_up,) = (each for each in entries if each["what"] == "held_up")
    (now,) = (each for each in entries if each["what"] == "parked")
    assert (held_up["version"], held_up["item"], held_up["owner"]) == (2, "1", str(TOUR))
    assert held_up["reason"] == now["reason"]
    assert held_up["reason"]


async def test_a_timeline_shows_what_operators_did(quiet_api: Api, merchant: str) -> None:
    await prepare_merchant(quiet_api, merchant)
    client, workflow_id = quiet_api.world.client, reservation_id(merchant, "R-1")
    async with quiet_api.world.working():
        await quiet_api.world.slotsync.report(snapshot(1, merchant=merchant))
        await quiet_api.world.settled(1, merchant=merchant)
        await BUTTONS["reset"](client, workflow_id)
        await BUTTONS["terminate"](client, workflow_id)
        await quiet_api.world.slotsync.report(snapshot(2, merchant=merchant))
        await quiet_api.world.settled(2, merchant=merchant)
        await BUTTONS["cancel"](client, workflow_id)

        async def is_listed() -> bool:
            entries = await timeline(quiet_api, merchant)
            return [(each["what"], each["source"]) for each in entries].count(("stopped", "history")) == 3

        await until(is_listed)
        assert not [
            each for each in await timeline(quiet_api, merchant) if (each["what"], each["source"]) == STOP_IN_STORE
        ]
        entries = [each for each in await timeline(quiet_api, merchant) if each["source"] == "history"]
    whats = [each["what"] for each in entries]
    reasons = [each["reason"] for each in entries if each["what"] == "stopped"]
    assert (whats.count("reset"), whats.count("written"), whats.count("reported")) == (1, 2, 2)
    assert reasons == ["terminated", "terminated", "canceled"], "a reset terminates the run before"


async def test_a_look_at_a_stopped_reservation_is_not_told_as_its_end(quiet_api: Api, merchant: str) -> None:
    await prepare_merchant(quiet_api, merchant)
    workflow_id = reservation_id(merchant, "R-1")
    handle = quiet_api.world.client.get_workflow_handle(workflow_id)
    async with quiet_api.world.working():
        await quiet_api.world.slotsync.report(snapshot(1, merchant=merchant))
        await quiet_api.world.settled(1, merchant=merchant)
        await BUTTONS["cancel"](quiet_api.world.client, workflow_id)
        await signal_reservation(quiet_api.world.client, ReservationKey(merchant=merchant, reservation="R-1"))
        await until(lambda: has_status(quiet_api.world.client, workflow_id, WorkflowExecutionStatus.COMPLETED))
        told = [what for what, _ in from_history(await timeline(quiet_api, merchant))]
    assert await handle.result() == f"Closed at version None: {STOPPED_REASON}"
    assert told[-2:] == ["stopped", "looked_again"]


async def test_a_timeline_holds_no_guests_data(quiet_api: Api, merchant: str) -> None:
    await prepare_merchant(quiet_api, merchant)
    guest = {"name": "Aino Virtanen", "email": "aino@example.com"}
    async with quiet_api.world.working():
        entries = snapshot(1, merchant=merchant, title="Aino's tour", guest=guest, notes="Nut allergy")
        await quiet_api.world.slotsync.report(entries)
        await quiet_api.world.settled(1, merchant=merchant)
        answer = await quiet_api.platform.get(f"/v1/merchants/{merchant}/reservations/R-1/timeline")
    assert "written" in answer.text
    assert not any(word in answer.text for word in ("Aino", "aino", "allergy"))


async def test_a_timeline_shows_the_store_when_temporal_has_no_history(quiet_api: Api, merchant: str) -> None:
    """A second, empty Temporal server stands for the state after the retention time."""
    owner = Owner.product("sunset-tour")
    await quiet_api.world.slotsync.put_owner(merchant, owner, OwnerSettings(name="Sunset tour", sync=False))
    async with quiet_api.world.working():
        await quiet_api.world.slotsync.report(snapshot(1, merchant=merchant))
        await quiet_api.world.settled(1, merchant=merchant)
    assert from_history(await timeline(quiet_api, merchant))
    forgetful = running_temporal_server()
    async with forgetful as client, api_of(replace(quiet_api.world, client=client)) as later:
        entries = await timeline(later, merchant)
    assert [(each["source"], each["what"], each["owner"]) for each in entries] == [("store", "not_synced", str(owner))]
