"""The histories of a whole demo, as an operator without any key reads them."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from slotsync.domain.reservations.snapshot import Reservation
from slotsync.domain.reservations.stored_snapshot import load_snapshot
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.temporal.options import connect
from starter.local.demo.bookings import MERCHANT
from starter.local.demo.scenario import EMAIL, room_name
from tests.support.commands import RunningCommand, wait_for
from tests.support.exported_histories import export_histories
from tests.support.http import tls
from tests.support.stored_secrets import decrypted_values

PICKED = "Dentist & school"
EVENT = "Parent-teacher evening"
BUSY = (datetime.now(UTC) + timedelta(days=40)).replace(minute=17, second=13, microsecond=0)
HOUR = timedelta(hours=1)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningCommand]:
    running = RunningCommand(tmp_path, "demo", "--limit", "12")
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()


def platform(demo: RunningCommand) -> httpx.Client:
    headers = {"Authorization": f"Bearer {demo.places['api_key']}"}
    return httpx.Client(
        base_url=f"{demo.places['api']}/v1/merchants/{MERCHANT}", headers=headers, timeout=60, verify=tls()
    )


def pick_a_busy_calendar(demo: RunningCommand, room: str) -> None:
    """Create a calendar with an event by hand, and let it block the room."""
    account = f"{demo.places['google']}/sandbox/accounts/{EMAIL}/calendars"
    calendar = httpx.post(account, json={"summary": PICKED}).raise_for_status().json()["id"]
    times = {"start": {"dateTime": BUSY.isoformat()}, "end": {"dateTime": (BUSY + HOUR).isoformat()}}
    httpx.post(f"{account}/{calendar}/events", json={"summary": EVENT, **times}).raise_for_status()
    with platform(demo) as api:
        picked = {"calendar_ids": [calendar]}
        api.put(f"/products/{room}/blocking-calendars", json=picked).raise_for_status()
        day = {"from": (BUSY - HOUR).isoformat(), "to": (BUSY + 2 * HOUR).isoformat()}
        wait_for(lambda: '"busy"' in api.get(f"/products/{room}/availability", params=day).text)


def confirm_and_disconnect(demo: RunningCommand, room: str) -> dict[str, object]:
    """Ask about the busy time, then disconnect; return the answer about the time."""
    start = BUSY + timedelta(minutes=20)
    asked = {"start": start.isoformat(), "end": (start + HOUR).isoformat(), "within_ms": 20_000}
    with platform(demo) as api:
        answer = api.post(f"/products/{room}/confirm", json=asked).raise_for_status().json()
        api.delete("/google", params={"calendars": "delete"}).raise_for_status()
    return dict(answer)


def stored(demo: RunningCommand) -> tuple[list[Reservation], set[str]]:
    """Return the demo's reservations and its tokens, decrypted."""
    store = Store.open(demo.environment["SLOTSYNC_DATABASE_URL"])
    vault = Vault([demo.environment["SLOTSYNC_ENCRYPTION_KEYS"]])
    snapshots = decrypted_values(store, vault, "reservation.snapshot")
    reservations = [load_snapshot(str(merchant), str(name), text) for (merchant, name), text in snapshots.items()]
    tokens = {*decrypted_values(store, vault, "connection.refresh_token").values()}
    store.close()
    return reservations, tokens


def contents(reservations: list[Reservation]) -> set[str]:
    """Return all that a guest or a merchant would not want to be read."""
    texts = {EMAIL, PICKED, EVENT}
    for each in reservations:
        texts |= {each.title, each.notes or EVENT, each.guest.name or EVENT}
        texts |= {room_name(item.product) for item in each.items}
    return texts


def busy_texts() -> set[str]:
    """Return the start and the end of the busy time, in all ways in which slotsync writes times."""
    moments = (BUSY, BUSY + HOUR)
    return {moment.isoformat().replace("+00:00", "") for moment in moments} | {
        f"{moment:%Y-%m-%d %H:%M}" for moment in moments
    }


def test_histories_are_readable_without_a_key_and_hold_no_content(demo: RunningCommand) -> None:
    reservations, tokens = stored(demo)
    texts = contents(reservations) | tokens | busy_texts()
    room = reservations[0].items[0].product
    pick_a_busy_calendar(demo, room)
    answer = confirm_and_disconnect(demo, room)
    assert (answer["answer"], PICKED in json.dumps(answer)) == ("no", True), "the answer itself has the evidence"

    async def exported() -> dict[str, str]:
        return await export_histories(await connect(address=demo.places["temporal"]))

    histories = asyncio.run(exported())
    whole = "\n".join(histories.values())
    kinds = {name.partition(":")[0] for name in histories}
    assert kinds >= {"reservation", "calendar", "connection", "availability"}
    assert any(name.startswith("slotsync-sweep") for name in histories)
    assert f'"merchant": "{MERCHANT}"' in whole
    assert {"put_event", "confirm_parts", "publish_availability"} <= {*whole.split('"')}
    assert '"encoding": "binary/' not in whole.replace('"encoding": "binary/null"', "")
    assert len(texts) > 20
    assert {text for text in texts if text in whole or json.dumps(text)[1:-1] in whole} == set()
