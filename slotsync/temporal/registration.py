"""Making slotsync's search attributes known to a namespace."""

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.errors import SettingsError
from slotsync.temporal.attributes import ALL


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
