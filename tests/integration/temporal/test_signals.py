"""Signals are durable when they are sent, also for runs that take no more, and for ids that are hashes."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from slotsync.domain.calendars.messages import CalendarRequest
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.domain.workflow_ids import availability_id, calendar_id, connection_id, reservation_id
from slotsync.temporal.signals import signal_availability, signal_calendar, signal_connection, signal_reservation
from slotsync.temporal.subjects import read_subject
from tests.support.samples import TOUR
from tests.support.temporal_servers import running_temporal_server

pytestmark = pytest.mark.anyio

MAX_SIGNALS = 3
KEY = ReservationKey(merchant="m", reservation="R-1")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client of a server on which a run takes few signals, and for which no worker runs."""
    async with running_temporal_server(max_signals=MAX_SIGNALS) as client:
        yield client


async def test_a_run_that_takes_no_more_signals_holds_no_caller_up(client: Client) -> None:
    for _ in range(MAX_SIGNALS + 2):
        await signal_reservation(client, KEY)
        await signal_calendar(client, CalendarRequest(merchant="m", owner=TOUR), "look_again")
        await signal_availability(client, "m", TOUR.id)
        assert (await signal_connection(client, "m", "check")).id == connection_id("m")
    for workflow_id in (reservation_id("m", "R-1"), calendar_id("m", TOUR)):
        described = await client.get_workflow_handle(workflow_id).describe()
        assert described.history_length == MAX_SIGNALS + 2, "started, a task, and as many signals as it takes"


@pytest.mark.parametrize("size", [1, 128], ids=["plain ids", "hashes"])
async def test_the_subject_of_a_workflow_is_known_by_its_id_or_its_input(client: Client, size: int) -> None:
    merchant, name = "m" * size, "n" * size
    owner = Owner.resource(name)
    await signal_reservation(client, ReservationKey(merchant=merchant, reservation=name))
    await signal_calendar(client, CalendarRequest(merchant=merchant, owner=owner), "look_again")
    await signal_availability(client, merchant, name)
    await signal_connection(client, merchant, "check")
    subjects = {
        reservation_id(merchant, name): ("reservation", (merchant, name)),
        calendar_id(merchant, owner): ("calendar", (merchant, "resource", name)),
        availability_id(merchant, name): ("availability", (merchant, name)),
        connection_id(merchant): ("connection", (merchant,)),
    }
    assert {each: await read_subject(client, each) for each in subjects} == subjects


@pytest.mark.parametrize("workflow_id", [reservation_id("g" * 128, "r" * 128), "slotsync-sweep-1", "other:a:b"])
async def test_a_workflow_that_is_gone_or_none_of_ours_has_no_subject(client: Client, workflow_id: str) -> None:
    assert await read_subject(client, workflow_id) is None
