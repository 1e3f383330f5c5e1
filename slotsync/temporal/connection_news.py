"""Telling a connection's workflow what happened, from wherever it was seen."""

from temporalio.client import Client, WorkflowHandle

from slotsync.rules.connection_news import ConnectionRequest, Disconnect, Granted, Revoked
from slotsync.rules.departure import Farewell
from slotsync.rules.message import Message
from slotsync.rules.workflow_ids import connection_id
from slotsync.temporal import queues
from slotsync.temporal.attributes import whose

_SIGNALS: dict[type[Message], str] = {Granted: "granted", Revoked: "revoked", Disconnect: "disconnect"}


async def tell_connection(
    client: Client, merchant: str, news: Granted | Revoked | Disconnect
) -> WorkflowHandle[object, Farewell | None]:
    """Durable when it returns, whether the workflow ran or not. By name: activities do not know workflows."""
    return await client.start_workflow(
        "ConnectionWorkflow",
        ConnectionRequest(merchant=merchant),
        id=connection_id(merchant),
        task_queue=queues.WORKFLOWS,
        start_signal=_SIGNALS[type(news)],
        start_signal_args=[news],
        search_attributes=whose(merchant, []),
        static_summary=f"Google connection of {merchant}",
        result_type=Farewell,
    )
