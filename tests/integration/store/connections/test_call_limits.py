"""All processes of the API share the limit of a connection's calls."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from slotsync.domain.connections.call_limit import MAX_CALLS_AT_ONCE
from slotsync.errors import CallLimitReached
from slotsync.store.connections.call_limits import CallLimits
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store

SLOW = 10
"""Calls a minute: so few that none is added while a test runs."""


def passes(limits: CallLimits, connection_id: str) -> bool:
    try:
        limits.count_call(connection_id)
    except CallLimitReached:
        return False
    return True


def test_many_threads_of_two_processes_get_no_more_than_the_limit(store: Store, connections: Connections) -> None:
    mine = connections.save_grant("m", "refresh", [], "m@gmail.example")
    processes = [CallLimits(store, SLOW), CallLimits(store, SLOW)]
    with ThreadPoolExecutor(8) as threads:
        passed = list(threads.map(lambda number: passes(processes[number % 2], mine), range(3 * MAX_CALLS_AT_ONCE)))
    assert sum(passed) == MAX_CALLS_AT_ONCE


def test_a_connection_at_its_limit_takes_nothing_from_another_one(store: Store, connections: Connections) -> None:
    mine, other = (connections.save_grant(name, "refresh", [], f"{name}@gmail.example") for name in ("m", "o"))
    limits = CallLimits(store, SLOW)
    assert [passes(limits, mine) for _ in range(MAX_CALLS_AT_ONCE + 1)].count(False) == 1
    assert passes(limits, other)
    with pytest.raises(CallLimitReached) as raised:
        limits.count_call(mine)
    assert raised.value.delay
