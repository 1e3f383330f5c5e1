"""Looking at managed calendars and their workflows."""

from temporalio.client import WorkflowHandle

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.workflow_ids import calendar_id
from tests.support.samples import EMAIL, MERCHANT
from tests.support.waiting import until
from tests.support.world import World
from workflows.calendar import ManagedCalendarWorkflow


def workflow_handle(world: World, owner: Owner) -> WorkflowHandle[ManagedCalendarWorkflow, str]:
    return world.client.get_workflow_handle_for(ManagedCalendarWorkflow.run, calendar_id(MERCHANT, owner))


async def shown(world: World, owner: Owner, titles: list[str]) -> None:
    """Wait until these and no other events are in the owner's calendar."""

    async def so() -> bool:
        return await world.titles(owner) == sorted(titles)

    await until(so, poll_interval=0.2)


async def delete_by_hand(world: World, owner: Owner) -> str:
    """Delete the owner's calendar by hand, and return its id."""
    calendar = (await world.calendars())[owner.id]
    (await world.http.delete(f"/sandbox/accounts/{EMAIL}/calendars/{calendar}")).raise_for_status()
    return calendar


async def in_google(world: World) -> list[dict[str, str]]:
    """Return the account's calendars, in all details, without the primary one."""
    answer = (await world.http.get(f"/sandbox/accounts/{EMAIL}/calendars")).raise_for_status()
    return [each for each in answer.json()["items"] if each["id"] != EMAIL]
