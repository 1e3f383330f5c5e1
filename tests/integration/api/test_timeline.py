import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest

from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.workflow_ids import reservation_id
from tests.support.api import Api
from tests.support.samples import TOUR, snapshot
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

Told = list[dict[str, object]]


async def timeline(api: Api, merchant: str) -> Told:
    answer = await api.platform.get(f"/v1/merchants/{merchant}/reservations/R-1/timeline")
    told: Told = answer.raise_for_status().json()["happenings"]
    assert [each["at"] for each in told] == sorted(str(each["at"]) for each in told)
    return told


def from_history(told: Told) -> list[tuple[object, object]]:
    return [(each["what"], each.get("version")) for each in told if each["source"] == "history"]


async def shop(api: Api, merchant: str) -> None:
    await api.world.open_shop(TOUR, merchant=merchant, email=f"{merchant}@gmail.example")


async def test_a_timeline_tells_a_whole_life_over_several_runs(api: Api, merchant: str) -> None:
    await shop(api, merchant)
    report = api.world.slotsync.report
    handle = api.world.client.get_workflow_handle(reservation_id(merchant, "R-1"))
    async with api.world.working():
        await report(snapshot(1, merchant=merchant))
        await api.world.settled(1, merchant=merchant)
        await report(snapshot(2, merchant=merchant, status="cancelled"))
        await handle.result()
        await report(snapshot(3, merchant=merchant))
        await api.world.settled(3, merchant=merchant)

        async def told_all() -> bool:
            told = from_history(await timeline(api, merchant))
            return ("written", 3) in told and ("reported", 1) in told

        await until(told_all)  # Temporal's list of runs lags behind by a moment
        told = await timeline(api, merchant)
    life = [each for each in from_history(told) if each != ("looked_again", None)]
    assert life == [
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
    (now,) = (each for each in told if each["source"] == "store")
    assert (now["what"], now["owner"], now["version"]) == ("in_step", str(TOUR), 3)


async def test_a_timeline_tells_what_was_in_the_way(api: Api, merchant: str) -> None:
    await shop(api, merchant)
    async with api.world.working():
        await api.world.slotsync.report(snapshot(1, merchant=merchant))
        await api.world.settled(1, merchant=merchant)
        await api.world.http.post(f"/sandbox/accounts/{merchant}@gmail.example/revoke")
        await api.world.slotsync.report(snapshot(2, merchant=merchant))

        async def parked() -> bool:
            return any(each["what"] == "parked" for each in await timeline(api, merchant))

        await until(parked)
        told = await timeline(api, merchant)
    (held,) = (each for each in told if each["what"] == "held_up")
    (now,) = (each for each in told if each["what"] == "parked")
    assert (held["version"], held["item"], held["owner"]) == (2, "1", str(TOUR))
    assert held["reason"] == now["reason"]
    assert held["reason"]


async def test_a_timeline_holds_no_guests_data(api: Api, merchant: str) -> None:
    await shop(api, merchant)
    guest = {"name": "Aino Virtanen", "email": "aino@example.com"}
    async with api.world.working():
        told = snapshot(1, merchant=merchant, title="Aino's tour", guest=guest, notes="Nut allergy")
        await api.world.slotsync.report(told)
        await api.world.settled(1, merchant=merchant)
        answer = await api.platform.get(f"/v1/merchants/{merchant}/reservations/R-1/timeline")
    assert "written" in answer.text
    assert not any(word in answer.text for word in ("Aino", "aino", "allergy"))


async def test_what_the_store_knows_is_told_when_temporal_forgot(api: Api, merchant: str) -> None:
    owner = Owner.product("sunset-tour")
    await api.world.slotsync.put_owner(merchant, owner, OwnerSettings(name="Sunset tour", sync=False))
    async with api.world.working():
        await api.world.slotsync.report(snapshot(1, merchant=merchant))
        await api.world.settled(1, merchant=merchant)
    await api.world.client.get_workflow_handle(reservation_id(merchant, "R-1")).terminate()
    await forget(api, merchant)
    told = await timeline(api, merchant)
    assert [(each["source"], each["what"], each["owner"]) for each in told] == [("store", "not_synced", str(owner))]


async def forget(api: Api, merchant: str) -> None:
    """What Temporal does itself at the end of the retention time."""
    workflow_id = reservation_id(merchant, "R-1")
    request = DeleteWorkflowExecutionRequest(
        namespace=api.world.client.namespace, workflow_execution=WorkflowExecution(workflow_id=workflow_id)
    )
    await api.world.client.workflow_service.delete_workflow_execution(request)

    async def forgotten() -> bool:
        return all(each["source"] == "store" for each in await timeline(api, merchant))

    await until(forgotten, within=150)  # a deletion waits for its turn on a busy machine
