"""Records the histories that test_replay.py replays: ``python -m tests.support.history_recording [path ...]``.

To be run when a workflow gains a path; the old histories stay as long as such workflows may still be open.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import running_local_google
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.merchant import MerchantDetails
from slotsync.domain.workflow_ids import availability_id, calendar_id, connection_id, reservation_id, switch_id
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.merchants import Merchants
from slotsync.temporal.signals import signal_availability, signal_connection
from starter.services.connections import ConnectionService
from starter.services.consent_results import Connected, ConsentGiven
from tests.support.connection_harness import BROWSER
from tests.support.consent_browser import decide
from tests.support.mail_receiver import running_mail_receiver
from tests.support.samples import EMAIL, GUIDE, MERCHANT, TOUR, item, snapshot
from tests.support.settings import PUBLIC_URL, settings_for
from tests.support.temporal_servers import running_temporal_server
from tests.support.waiting import until
from tests.support.webhook_receiver import running_webhook_receiver
from tests.support.world import World, world_of

HISTORIES = Path(__file__).parents[1] / "unit" / "workflows" / "histories"
KEY = "c2xvdHN5bmMtaGlzdG9yaWVzLWZvci10ZXN0cy1vbmw="  # seals nothing but these histories

RESERVATION_WORKFLOW = reservation_id(MERCHANT, "R-1")
AVAILABILITY = availability_id(MERCHANT, TOUR.id)


async def booked_changed_cancelled(open_world: World) -> None:
    for version in (1, 2):
        await open_world.slotsync.report(snapshot(version, item(resources=["guide-1"])))
        await open_world.settled(version)
    await open_world.slotsync.cancel(MERCHANT, "R-1", version=3)
    await open_world.client.get_workflow_handle(RESERVATION_WORKFLOW).result()


async def over(open_world: World) -> None:
    start = datetime.now(UTC) - timedelta(days=3)
    past = item().model_copy(update={"start": start, "end": start + timedelta(hours=1)})
    await open_world.slotsync.report(snapshot(1, past))
    await open_world.client.get_workflow_handle(RESERVATION_WORKFLOW).result()


async def superseded_while_retrying(open_world: World) -> None:
    await open_world.fault(method="events.insert", kind="backendError", probability=1)
    await open_world.slotsync.report(snapshot(1))

    async def tried() -> bool:
        return await open_world.writes() > 0

    await until(tried)
    await open_world.slotsync.report(snapshot(2))
    await open_world.heal()
    await open_world.settled(2)


async def parked_and_resumed(open_world: World) -> None:
    await open_world.slotsync.report(snapshot(1))
    await open_world.settled(1)
    await _lose_grant(open_world)
    await open_world.connect()
    await open_world.client.get_workflow_handle(RESERVATION_WORKFLOW).signal("look_again")
    await open_world.settled(2)


async def calendar_made(open_world: World) -> None:
    await open_world.slotsync.report(snapshot(1))
    await open_world.settled(1)


async def paused_and_resumed(open_world: World) -> None:
    await open_world.slotsync.turn_off(MERCHANT, remove_events=False)
    await open_world.slotsync.turn_on(MERCHANT)
    await open_world.client.get_workflow_handle(switch_id(MERCHANT)).result()


async def connected_revoked_reconnected_disconnected(open_world: World) -> None:
    settings = open_world.settings.model_copy(update={"public_url": "http://127.0.0.1:9"})
    connecting = ConnectionService(settings, open_world.store, open_world.vault, open_world.client)
    await _consent(connecting)
    await open_world.slotsync.report(snapshot(1))
    await open_world.settled(1)
    await _lose_grant(open_world)
    await _consent(connecting)
    await open_world.settled(2)

    async def resumed() -> bool:
        details = await open_world.client.get_workflow_handle(connection_id(MERCHANT)).query(
            "__temporal_workflow_metadata"
        )
        return "Connected; woke" in str(details)

    await until(resumed)
    assert await connecting.disconnect(MERCHANT, CalendarChoice.DELETE)


async def refused_mailed_and_reconnected(open_world: World) -> None:
    Merchants(open_world.store, open_world.vault).put(MERCHANT, MerchantDetails(email="owner@arctic.example"))
    await signal_connection(open_world.client, MERCHANT, "granted")
    await open_world.slotsync.report(snapshot(1))
    await open_world.settled(1)
    await _lose_grant(open_world)

    async def mailed() -> bool:
        with open_world.store.read() as session:
            return bool(session.connection().execute(text("SELECT mailed FROM connection")).scalar_one())

    await until(mailed)
    await open_world.connect()
    await signal_connection(open_world.client, MERCHANT, "granted")
    await open_world.settled(2)


async def blocked_told_confirmed_and_freed(open_world: World) -> None:
    async def published(count: int) -> bool:
        history = await open_world.client.get_workflow_handle(AVAILABILITY).fetch_history()
        return (
            "".join(event.user_metadata.summary.data.decode() for event in history.events).count("Send a webhook")
            == count
        )

    start = datetime.now(UTC) + timedelta(days=1)
    hours = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": (start + timedelta(hours=1)).isoformat()}}
    calendars = BlockingCalendars(open_world.store, open_world.vault)
    await open_world.http.post(f"/sandbox/accounts/{EMAIL}/calendars/{EMAIL}/events", json=hours)
    calendars.replace(MERCHANT, TOUR, [PickableCalendar(id=EMAIL, name="Own")])
    await signal_availability(open_world.client, MERCHANT, TOUR.id)
    await until(lambda: published(1))
    await open_world.slotsync.subscribe(MERCHANT, TOUR.id, "nobody-there")
    await open_world.slotsync.confirm(MERCHANT, TOUR.id, start, start + timedelta(hours=1))
    calendars.replace(MERCHANT, TOUR, [])
    await signal_availability(open_world.client, MERCHANT, TOUR.id)
    await open_world.client.get_workflow_handle(AVAILABILITY).result()


async def confirmed_by_ids(open_world: World) -> None:
    start = datetime.now(UTC) + timedelta(days=1)
    await open_world.slotsync.confirm(MERCHANT, TOUR.id, start, start + timedelta(hours=1))
    await open_world.client.get_workflow_handle(AVAILABILITY).result()


async def _consent(connecting: ConnectionService) -> None:
    back = decide(await connecting.begin(MERCHANT, BROWSER), EMAIL)
    given = await connecting.complete(back.state, back.code, BROWSER)
    assert isinstance(given, ConsentGiven)
    assert isinstance(await connecting.confirm(given.code, BROWSER), Connected)


async def _lose_grant(open_world: World) -> None:
    """Revoke the grant, and report a second version, which waits for a new grant."""
    await open_world.http.post(f"/sandbox/accounts/{EMAIL}/revoke")
    await open_world.slotsync.report(snapshot(2))

    async def parked() -> bool:
        sync_status = await open_world.slotsync.status(MERCHANT, "R-1")
        return sync_status is not None and any(event.state == "parked" for event in sync_status.events)

    await until(parked)


PATHS: dict[Callable[[World], Awaitable[None]], str] = {
    booked_changed_cancelled: RESERVATION_WORKFLOW,
    over: RESERVATION_WORKFLOW,
    superseded_while_retrying: RESERVATION_WORKFLOW,
    parked_and_resumed: RESERVATION_WORKFLOW,
    calendar_made: calendar_id(MERCHANT, Owner.product(TOUR.id)),
    paused_and_resumed: switch_id(MERCHANT),
    connected_revoked_reconnected_disconnected: connection_id(MERCHANT),
    refused_mailed_and_reconnected: connection_id(MERCHANT),
    blocked_told_confirmed_and_freed: AVAILABILITY,
    confirmed_by_ids: AVAILABILITY,
}

FORMER = {"confirmed_with_times": AVAILABILITY}
"""Histories that only a former version could record."""


async def record(path: Callable[[World], Awaitable[None]], workflow_id: str) -> None:
    vault = Vault([KEY])
    with (
        running_local_google(LocalGoogleOptions.unlimited()) as google,
        running_webhook_receiver() as platform,
        running_mail_receiver() as mailbox,
        tempfile.TemporaryDirectory() as folder,
    ):
        settings = settings_for(google.url, Path(folder)).model_copy(
            update={"poll_seconds": 1, "public_url": PUBLIC_URL}
        )
        settings = mailbox.settings(platform.settings(settings))
        async with running_temporal_server() as client, world_of(settings, vault, client) as recorded_world:
            await recorded_world.add_merchant(TOUR, GUIDE)
            async with recorded_world.working():
                await path(recorded_world)
            history = await client.get_workflow_handle(workflow_id).fetch_history()
    (HISTORIES / f"{path.__name__}.json").write_text(_without_paths(history.to_json()) + "\n")


def _without_paths(outcome: str) -> str:
    """Return the history without stack traces, which name folders of the machine."""
    return re.sub(r'"stackTrace": "(\\.|[^"\\])*"', '"stackTrace": ""', outcome)


async def main(*names: str) -> None:
    """Record the paths with these names, or all paths if none is named."""
    for path, workflow_id in PATHS.items():
        if path.__name__ in names or not names:
            await record(path, workflow_id)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
