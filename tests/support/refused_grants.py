"""A merchant's grant that Google refuses, noticed by a write."""

from sqlalchemy import text
from temporalio.client import WorkflowHandle

from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.workflow_ids import connection_id
from slotsync.store.connections.connections import Connections
from tests.support.samples import EMAIL, MERCHANT, snapshot
from tests.support.waiting import until
from tests.support.world import World


async def refuse(world: World, kind: str = "admin_policy_enforced") -> None:
    """Have Google refuse the merchant's grant, and notice it with a write."""
    with world.store.write() as connection:
        connection.execute(text("UPDATE connection SET access_token = NULL, access_expires_at = NULL"))
    await world.fault(method="oauth2.token", kind=kind, account=EMAIL, probability=1)
    await world.slotsync.report(snapshot(2))

    async def parked() -> bool:
        progress = (await flight(world).describe()).typed_search_attributes
        return state(world) is ConnectionState.REVOKED and "parked" in str(progress.search_attributes)

    await until(parked)


def flight(world: World) -> WorkflowHandle[object, object]:
    return world.client.get_workflow_handle(connection_id(MERCHANT))


def state(world: World) -> ConnectionState:
    return Connections(world.store, world.vault).get_state(MERCHANT)


def kept_tokens(world: World) -> int:
    with world.store.read() as session:
        query = text("SELECT count(*) FROM connection WHERE refresh_token IS NOT NULL")
        return int(session.connection().execute(query).scalar_one())
