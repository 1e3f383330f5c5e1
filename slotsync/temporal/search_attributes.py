"""The search attributes that operators filter by in the Temporal UI. Ids only: Temporal stores them in plain text."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.health import Health
from slotsync.errors import SettingsError

MERCHANT: Final = SearchAttributeKey.for_keyword("SlotsyncMerchant")
OWNERS: Final = SearchAttributeKey.for_keyword_list("SlotsyncOwners")
STARTS: Final = SearchAttributeKey.for_datetime("SlotsyncStarts")
HEALTH: Final = SearchAttributeKey.for_keyword("SlotsyncHealth")
REASON: Final = SearchAttributeKey.for_keyword("SlotsyncReason")

ALL_ATTRIBUTES: Final = (MERCHANT, OWNERS, STARTS, HEALTH, REASON)

RUNNING: Final = "ExecutionStatus = 'Running'"
"""The visibility query for all that runs."""

TROUBLED: Final = f"{RUNNING} AND TemporalReportedProblems IS NOT NULL"
"""The visibility query for workflows of which Temporal reports that they cannot go on."""


_MAX_VALUE_BYTES = 2000
"""Temporal refuses a value of more than 2,048 bytes."""


def owner_names(owners: Iterable[Owner]) -> list[str]:
    """Return the owners' names, as many as fit into a search attribute."""
    names, free_bytes = [], _MAX_VALUE_BYTES
    for owner in owners:
        free_bytes -= len(json.dumps(str(owner))) + 1
        if free_bytes < 0:
            break
        names.append(str(owner))
    return names


def initial_attributes(merchant: str, owners: Iterable[Owner], starts: datetime | None = None) -> TypedSearchAttributes:
    """Return the attributes that a workflow starts with."""
    pairs: list[SearchAttributePair[str] | SearchAttributePair[Sequence[str]] | SearchAttributePair[datetime]] = [
        SearchAttributePair(MERCHANT, merchant),
        SearchAttributePair(OWNERS, owner_names(owners)),
        SearchAttributePair(HEALTH, str(Health.NEW)),
    ]
    if starts is not None:
        pairs.append(SearchAttributePair(STARTS, starts))
    return TypedSearchAttributes(pairs)


_REGISTRATION_TIMEOUT = timedelta(minutes=1)
_REGISTRATION_POLL_INTERVAL = timedelta(milliseconds=100)


async def register_attributes(client: Client) -> None:
    """Add the search attributes that the namespace lacks, and wait until the server can use them.

    Raises:
        SettingsError: slotsync may not add them; the error names them.
        TimeoutError: The server could not use them after a minute.
    """
    request = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await client.operator_service.list_search_attributes(request)).custom_attributes
    missing = {
        key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in ALL_ATTRIBUTES if key.name not in known
    }
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
    async with asyncio.timeout(_REGISTRATION_TIMEOUT.total_seconds()):
        while not await _are_usable(client):  # noqa: ASYNC110  the server sends no event for it
            await asyncio.sleep(_REGISTRATION_POLL_INTERVAL.total_seconds())


async def _are_usable(client: Client) -> bool:
    """Return whether the server can index all attributes: its parts learn a new one one after the other."""
    try:
        for key in ALL_ATTRIBUTES:
            await client.count_workflows(f"{key.name} IS NULL")
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        return False
    return True
