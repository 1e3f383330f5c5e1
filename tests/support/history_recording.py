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

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import running_local_google
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.workflow_ids import availability_id, calendar_id, connection_id, reservation_id
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.temporal.signals import signal_availability
from starter.services.connections import Connected, ConnectionService
from tests.support.consent_browser import decide
from tests.support.samples import EMAIL, GUIDE, MERCHANT, TOUR, item, snapshot
from tests.support.settings import settings_for
from tests.support.temporal_servers import temporal_server
from tests.support.waiting import until
from tests.support.webhook_receiver import running_webhook_receiver
from tests.support.world import World, world_of

HISTORIES = Path(__file__).parents[1] / "unit" / "workflows" / "histories"
KEY = "c2xvdHN5bmMtaGlzdG9yaWVzLWZvci10ZXN0cy1vbmw="  # seals nothing but these histories

LIFE = reservation_id(MERCHANT, "R-1")
AVAILABILITY = availability_id(MERCHANT, TOUR.id)
BROWSER = "a secret that only this browser has"


async def booked_changed_cancelled(shop: World) -> None:
    for version in (1, 2):
        await shop.slotsync.report(snapshot(version, item(resources=["guide-1"])))
        await shop.settled(version)
    await shop.slotsync.cancel(MERCHANT, "R-1", version=3)
    await shop.client.get_workflow_handle(LIFE).result()


async def over(shop: World) -> None:
    start = datetime.now(UTC) - timedelta(days=3)
    past = item().model_copy(update={"start": start, "end": start + timedelta(hours=1)})
    await shop.slotsync.report(snapshot(1, past))
    await shop.client.get_workflow_handle(LIFE).result()


async def superseded_while_retrying(shop: World) -> None:
    await shop.fault(method="events.insert", kind="backendError", probability=1)
    await shop.slotsync.report(snapshot(1))

    async def tried() -> bool:
        return await shop.writes() > 0

    await until(tried)
    await shop.slotsync.report(snapshot(2))
    await shop.heal()
    await shop.settled(2)


async def parked_and_resumed(shop: World) -> None:
    await shop.slotsync.report(snapshot(1))
    await shop.settled(1)
    await _lose_grant(shop)
    await shop.connect()
    await shop.client.get_workflow_handle(LIFE).signal("look_again")
    await shop.settled(2)


async def calendar_made(shop: World) -> None:
    await shop.slotsync.report(snapshot(1))
    await shop.settled(1)


async def connected_revoked_reconnected_disconnected(shop: World) -> None:
    settings = shop.settings.model_copy(update={"public_url": "http://127.0.0.1:9"})
    connecting = ConnectionService(settings, shop.store, shop.vault, shop.client)
    await _consent(connecting)
    await shop.slotsync.report(snapshot(1))
    await shop.settled(1)
    await _lose_grant(shop)
    await _consent(connecting)
    await shop.settled(2)

    async def nobody_parks_late() -> bool:
        details = await shop.client.get_workflow_handle(connection_id(MERCHANT)).query("__temporal_workflow_metadata")
        return "stay parked" in str(details)

    await until(nobody_parks_late)
    assert await connecting.disconnect(MERCHANT, CalendarChoice.DELETE)


async def blocked_told_confirmed_and_freed(shop: World) -> None:
    async def published(count: int) -> bool:
        history = await shop.client.get_workflow_handle(AVAILABILITY).fetch_history()
        return "".join(event.user_metadata.summary.data.decode() for event in history.events).count("Tell the") == count

    start = datetime.now(UTC) + timedelta(days=1)
    hours = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": (start + timedelta(hours=1)).isoformat()}}
    calendars = BlockingCalendars(shop.store, shop.vault)
    await shop.http.post(f"/sandbox/accounts/{EMAIL}/calendars/{EMAIL}/events", json=hours)
    calendars.pick(MERCHANT, TOUR, [PickableCalendar(id=EMAIL, name="Own")])
    await signal_availability(shop.client, MERCHANT, TOUR.id)
    await until(lambda: published(1))
    await shop.slotsync.subscribe(MERCHANT, TOUR.id, "nobody-there")
    await shop.slotsync.confirm(MERCHANT, TOUR.id, start, start + timedelta(hours=1))
    calendars.pick(MERCHANT, TOUR, [])
    await signal_availability(shop.client, MERCHANT, TOUR.id)
    await shop.client.get_workflow_handle(AVAILABILITY).result()


async def _consent(connecting: ConnectionService) -> None:
    back = decide(await connecting.begin(MERCHANT, BROWSER), EMAIL)
    assert isinstance(await connecting.complete(back.state, back.code, BROWSER), Connected)


async def _lose_grant(shop: World) -> None:
    """The grant dies, and a second version waits for another."""
    await shop.http.post(f"/sandbox/accounts/{EMAIL}/revoke")
    await shop.slotsync.report(snapshot(2))

    async def parked() -> bool:
        standing = await shop.slotsync.status(MERCHANT, "R-1")
        return standing is not None and any(event.state == "parked" for event in standing.events)

    await until(parked)


PATHS: dict[Callable[[World], Awaitable[None]], str] = {
    booked_changed_cancelled: LIFE,
    over: LIFE,
    superseded_while_retrying: LIFE,
    parked_and_resumed: LIFE,
    calendar_made: calendar_id(MERCHANT, Owner.product(TOUR.id)),
    connected_revoked_reconnected_disconnected: connection_id(MERCHANT),
    blocked_told_confirmed_and_freed: AVAILABILITY,
}


async def record(path: Callable[[World], Awaitable[None]], workflow_id: str) -> None:
    vault = Vault([KEY])
    with (
        running_local_google(LocalGoogleOptions.unlimited()) as google,
        running_webhook_receiver() as platform,
        tempfile.TemporaryDirectory() as folder,
    ):
        settings = platform.settings(settings_for(google.url, Path(folder))).model_copy(update={"poll_seconds": 1})
        async with temporal_server(vault) as client, world_of(settings, vault, client) as shop:
            await shop.open_shop(TOUR, GUIDE)
            async with shop.working():
                await path(shop)
            history = await client.get_workflow_handle(workflow_id).fetch_history()
    (HISTORIES / f"{path.__name__}.json").write_text(_without_paths(history.to_json()) + "\n")


def _without_paths(told: str) -> str:
    """Without stack traces, which name folders of the machine."""
    return re.sub(r'"stackTrace": "(\\.|[^"\\])*"', '"stackTrace": ""', told)


async def main(*names: str) -> None:
    """Records the paths with these names; all of them, where none is named."""
    for path, workflow_id in PATHS.items():
        if path.__name__ in names or not names:
            await record(path, workflow_id)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
