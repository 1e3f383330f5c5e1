import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.testing import WorkflowEnvironment

from slotsync.temporal.dev_server import server_path
from slotsync.temporal.search_attributes import ALL_ATTRIBUTES, register_attributes

pytestmark = pytest.mark.anyio


async def test_missing_search_attributes_are_added_once() -> None:
    environment = await WorkflowEnvironment.start_local(dev_server_existing_path=server_path())
    async with environment:
        for _ in range(2):
            await register_attributes(environment.client)
        known = await environment.client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=environment.client.namespace)
        )
    assert {key.name for key in ALL_ATTRIBUTES} <= set(known.custom_attributes)
