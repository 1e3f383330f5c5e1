"""Every route with every role, for an own merchant and for another one."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest
from pydantic import SecretStr

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.availability.confirmation import Confirmation, Evidence, Verdict
from slotsync.domain.calendars.owner import Owner
from slotsync.settings import Settings
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from starter.api.key_gate import MAX_WRONG_KEYS
from starter.api.keys import NEEDED_ROLES, Role
from starter.bootstrap import Services
from starter.client import Slotsync
from tests.support.api import Api, serving_on_free_port
from tests.support.http import tls

pytestmark = pytest.mark.anyio

OWN, OTHER = "own-kayaks", "other-kayaks"
SECRETS = {role: f"{role}-{'s' * 32}" for role in Role}


@pytest.fixture(scope="module")
async def limited(api: Api) -> AsyncIterator[str]:
    """The address of an API with one key for each role, all for the merchants with ids that begin with ``own-``."""
    keys = tuple(SecretStr(f"{role}:{role}@own-:{secret}") for role, secret in SECRETS.items())
    world = api.world
    services = Services.create(world.settings.model_copy(update={"api_keys": keys}), world.store, world.client)
    async with serving_on_free_port(services) as url:
        yield url


def routes(described: dict[str, dict[str, object]]) -> Iterator[tuple[str, str]]:
    for path, methods in described.items():
        for method in methods:
            yield method.upper(), path


async def ask(url: str, method: str, path: str, role: Role, merchant: str) -> int:
    address = path.format(
        merchant=merchant, reservation="R-1", product="kayak", resource="guide", message="m-1", drift="d-1"
    )
    headers = {"Authorization": f"Bearer {SECRETS[role]}"}
    async with httpx.AsyncClient(base_url=url, timeout=30, headers=headers, verify=tls()) as http:
        return (await http.request(method, address)).status_code


async def test_every_route_is_open_to_its_role_and_to_no_other_and_to_its_merchants_only(
    api: Api, limited: str
) -> None:
    described = (await api.stranger.get("/openapi.json")).json()["paths"]
    found = list(routes(described))
    assert set(found) == set(NEEDED_ROLES)
    for method, path in found:
        for role in Role:
            own = await ask(limited, method, path, role, OWN)
            assert (own != 403) is (NEEDED_ROLES[method, path] is role), (method, path, role, own)
            assert own not in {401, 500}, (method, path, role)
            if "{merchant}" in path:
                assert await ask(limited, method, path, role, OTHER) == 403, (method, path, role)


class Confirming:
    """Answers ``confirm`` as with a picked calendar, and all else as slotsync does."""

    def __init__(self, slotsync: Slotsync) -> None:
        self._slotsync = slotsync

    def __getattr__(self, name: str) -> Any:
        return getattr(self._slotsync, name)

    async def confirm(self, *_: object, **__: object) -> Confirmation:
        evidence = (Evidence(calendar="Family"),)
        return Confirmation(answer=Verdict.YES, checked_at=datetime.now(UTC), because="free", evidence=evidence)


@pytest.mark.parametrize(
    ("roles", "name", "calendar_id"),
    [
        ("read", None, None),
        ("read+report", None, None),
        ("read+manage", None, "family@x.example"),
        ("read+connect", "Family", "family@x.example"),
    ],
)
async def test_names_of_picked_calendars_are_for_keys_that_may_connect(
    api: Api, roles: str, name: str | None, calendar_id: str | None
) -> None:
    world, product = api.world, f"/v1/merchants/{OWN}/products/kayak"
    await api.platform.put(product, json={"name": "Kayak"})
    picked = [PickableCalendar(id="family@x.example", name="Family")]
    BlockingCalendars(world.store, world.vault).replace(OWN, Owner.product("kayak"), picked)
    settings = world.settings.model_copy(update={"api_keys": (SecretStr(f"asking:{roles}:{'s' * 32}"),)})
    services = Services.create(settings, world.store, world.client)
    services = replace(services, slotsync=cast("Slotsync", Confirming(services.slotsync)))
    now, headers = datetime.now(UTC).isoformat(), {"Authorization": f"Bearer {'s' * 32}"}
    async with (
        serving_on_free_port(services) as url,
        httpx.AsyncClient(base_url=f"{url}{product}", headers=headers, verify=tls()) as key,
    ):
        (blocking,) = (await key.get("/blocking-calendars")).json()["items"]
        (explained,) = (await key.get("/explain", params={"at": now})).json()["calendars"]
        (evidence,) = (await key.post("/confirm", json={"start": now, "end": now})).json()["evidence"]
    assert (blocking["id"], blocking["name"]) == (calendar_id, name)
    assert (explained["name"], explained["state"], evidence["calendar"]) == (name, "unknown", name)


async def test_a_limited_key_lists_its_merchants_only(api: Api, limited: str) -> None:
    for merchant in (OWN, OTHER):
        await api.platform.put(f"/v1/merchants/{merchant}", json={})
    headers = {"Authorization": f"Bearer {SECRETS[Role.READ]}"}
    async with httpx.AsyncClient(base_url=limited, timeout=30, headers=headers, verify=tls()) as http:
        listed = (await http.get("/v1/merchants", params={"limit": 200})).json()["items"]
    assert {each["merchant"] for each in listed} == {OWN}


async def test_wrong_keys_of_one_address_are_limited_and_valid_ones_are_not(limited: str) -> None:
    async with httpx.AsyncClient(base_url=limited, timeout=30, verify=tls()) as http:
        wrong = {"Authorization": "Bearer wrong"}
        tries = [await http.get("/v1/merchants", headers=wrong) for _ in range(MAX_WRONG_KEYS + 1)]
        assert [each.status_code for each in tries] == [401] * MAX_WRONG_KEYS + [429]
        assert int(tries[-1].headers["retry-after"]) > 0
        assert tries[-1].json()["type"].endswith("too-many-requests")
        valid = await http.get("/v1/merchants", headers={"Authorization": f"Bearer {SECRETS[Role.READ]}"})
    assert valid.status_code == 200


async def test_the_log_names_route_merchant_and_key(
    limited: str, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    with caplog.at_level("INFO", logger="starter"):
        await ask(limited, "GET", "/v1/merchants/{merchant}/google", Role.READ, OWN)
    (line,) = (each.getMessage() for each in caplog.records if "/google" in each.getMessage())
    assert f"read {OWN} GET /v1/merchants/{{merchant}}/google 200" in line
    assert SECRETS[Role.READ] not in caplog.text
