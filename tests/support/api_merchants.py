"""Merchants of the API, each with a Google account of its own."""

import asyncio

from slotsync.store.connections.connections import Connections
from starter.services.connections import ConnectionService
from starter.services.consent_results import Connected, ConsentGiven
from tests.support.api import Api
from tests.support.connection_harness import BROWSER
from tests.support.consent_browser import decide


def account_of(merchant: str) -> str:
    return f"{merchant}@gmail.example"


async def begin(api: Api, merchant: str) -> str:
    """Create the merchant's Google account, and return the URL of the consent page."""
    account = {"email": account_of(merchant), "time_zone": "Europe/Helsinki"}
    (await api.world.http.post("/sandbox/accounts", json=account)).raise_for_status()
    return await _connection_service(api).begin(merchant, BROWSER)


async def consent(api: Api, merchant: str, *ticked: str) -> None:
    """Connect the merchant's account, with these boxes of the consent page ticked, or all."""
    url = await begin(api, merchant)
    boxes = frozenset(ticked) if ticked else None
    back = await asyncio.to_thread(decide, url, account_of(merchant), ticked=boxes)
    service = _connection_service(api)
    given = await service.complete(back.state, back.code, BROWSER)
    assert isinstance(given, ConsentGiven)
    assert isinstance(await service.confirm(given.code, BROWSER), Connected)


async def revoke(api: Api, merchant: str) -> None:
    """Withdraw the grant at Google, as the merchant can."""
    (await api.world.http.post(f"/sandbox/accounts/{account_of(merchant)}/revoke")).raise_for_status()


async def calendar(api: Api, merchant: str, name: str, **more: object) -> str:
    """Create a calendar by hand, and return its id."""
    address = f"/sandbox/accounts/{account_of(merchant)}/calendars"
    made = (await api.world.http.post(address, json={"summary": name, **more})).raise_for_status()
    return str(made.json()["id"])


def tokens(api: Api, merchant: str) -> list[str]:
    """Return the merchant's tokens, which no answer may contain."""
    connections = Connections(api.world.store, api.world.vault)
    connection_id = connections.get_active_id(merchant)
    assert connection_id
    grant = connections.grant(connection_id)
    return [token for token in (grant.refresh_token, grant.access_token) if token]


def _connection_service(api: Api) -> ConnectionService:
    world = api.world
    return ConnectionService(world.settings, world.store, world.vault, world.client)
