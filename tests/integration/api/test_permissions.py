"""Every route with every role, for an own merchant and for another one."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from pydantic import SecretStr

from slotsync.settings import Settings
from starter.api.key_gate import MAX_WRONG_KEYS
from starter.api.keys import NEEDED_ROLES, Role
from starter.bootstrap import Services
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
    address = path.format(merchant=merchant, reservation="R-1", product="kayak", resource="guide", message="m-1")
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
