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

ALL: Final = (MERCHANT, OWNERS, STARTS, HEALTH, REASON)


_ROOM = 2000
"""Temporal refuses a value of more than 2,048 bytes."""


def owner_names(owners: Iterable[Owner]) -> list[str]:
    """The owners by name, as many as a search attribute has room for."""
    names, room = [], _ROOM
    for owner in owners:
        room -= len(json.dumps(str(owner))) + 1
        if room < 0:
            break
        names.append(str(owner))
    return names


def initial_attributes(merchant: str, owners: Iterable[Owner], starts: datetime | None = None) -> TypedSearchAttributes:
    """The attributes that a workflow starts with."""
    pairs: list[SearchAttributePair[str] | SearchAttributePair[Sequence[str]] | SearchAttributePair[datetime]] = [
        SearchAttributePair(MERCHANT, merchant),
        SearchAttributePair(OWNERS, owner_names(owners)),
        SearchAttributePair(HEALTH, str(Health.NEW)),
    ]
    if starts is not None:
        pairs.append(SearchAttributePair(STARTS, starts))
    return TypedSearchAttributes(pairs)


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
