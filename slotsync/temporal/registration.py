"""Making slotsync's search attributes known to a namespace."""

import asyncio
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from slotsync.errors import SettingsError
from slotsync.temporal.attributes import ALL

_USABLE_WITHIN = timedelta(minutes=1)


async def register_attributes(client: Client) -> None:
    """Adds the search attributes that the namespace lacks; a SettingsError names them when that is not allowed."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await client.operator_service.list_search_attributes(request)).custom_attributes
    missing = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in ALL if key.name not in known}
    if not missing:
        return
    addition = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
    try:
        await client.operator_service.add_search_attributes(addition)
    except RPCError as error:
        names = ", ".join(missing)
        raise SettingsError(
            f"Temporal's namespace {client.namespace} lacks the search attributes {names}, and slotsync may not add "
            f"them ({error.status.name}); add them with: temporal operator search-attribute create"
        ) from error
    async with asyncio.timeout(_USABLE_WITHIN.total_seconds()):
        while not await _usable(client):  # noqa: ASYNC110  the server tells nobody
            await asyncio.sleep(0.1)


async def _usable(client: Client) -> bool:
    """Whether the server can file workflows under them: its parts hear of a new attribute one after the other."""
    try:
        for key in ALL:
            await client.count_workflows(f"{key.name} IS NULL")
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        return False
    return True
