import pytest
from temporalio.client import Client

from slotsync.domain.calendars.owner import Owner
from slotsync.secrets import Vault
from slotsync.temporal.search_attributes import initial_attributes
from slotsync.temporal.signals import quote_value
from tests.support.temporal_servers import running_temporal_server
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

NAMES = ["o'brien", "it''s", "100%_", "a'OR'1'='1", "a*b", "(a)"]


async def found(client: Client, merchant: str) -> int:
    return (await client.count_workflows(f"SlotsyncMerchant = {quote_value(merchant)}")).count


async def test_ids_with_quotes_find_their_own_workflows_and_no_others(vault: Vault) -> None:
    async with running_temporal_server() as client:
        for name in NAMES:
            await client.start_workflow(
                "ReservationWorkflow",
                id=f"reservation:{name}:R-1",
                task_queue="nobody-listens",
                search_attributes=initial_attributes(name, [Owner.product(name)]),
            )
        for name in NAMES:

            async def there(name: str = name) -> bool:
                return await found(client, name) == 1

            await until(there)
        assert await found(client, "x' OR SlotsyncMerchant != '") == 0
