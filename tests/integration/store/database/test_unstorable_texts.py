"""Texts that PostgreSQL cannot store are answered as the caller's mistakes, not as ours."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from starter.api.app import create_app
from starter.bootstrap import Services
from tests.support.api import Api, api_with
from tests.support.http import tls
from tests.support.samples import MERCHANT, TOUR
from tests.support.settings import KEY, PUBLIC_URL, settings_for
from tests.support.site import enter, token_in

pytestmark = pytest.mark.anyio

AS_JSON = {"Content-Type": "application/json"}
ANY_VALUES = {"sync": "on", "guest_data": "busy", "on_unknown": "sell"}


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    mine = {"api_keys": (SecretStr(KEY),), "public_url": PUBLIC_URL, "database_url": database_url}
    async with api_with(settings_for("http://127.0.0.1:1", tmp_path).model_copy(update=mine)) as built:
        yield built


async def test_a_nul_in_an_address_or_a_body_is_refused(api: Api) -> None:
    path = f"/v1/merchants/{MERCHANT}"
    (await api.platform.put(path, json={})).raise_for_status()
    bodies = (
        {"return_url": "https://x/\0"},
        {"return_url": "https://x/\ud800"},
        {"name": "a\0"},
        {"name": "\ud800"},
        {"\ud800": 1},
    )
    answers = [await api.platform.put(path, content=_escaped(each), headers=AS_JSON) for each in bodies]
    answers.append(await api.platform.get("/v1/merchants", params={"after": "\0"}))
    answers.append(await api.platform.get(f"{path}/products/%00"))
    assert [each.status_code for each in answers] == [422] * 7
    assert not [each.text for each in answers if "is not a JSON object" in each.text]
    (await api.platform.put(f"{path}/products/{TOUR.id}", json={"name": "Tour"})).raise_for_status()
    link = (await api.platform.post(f"{path}/settings-link")).raise_for_status().json()["url"]
    async with httpx.AsyncClient(base_url=api.url, timeout=30, follow_redirects=True, verify=tls()) as mine:
        page = await enter(mine, link.replace(PUBLIC_URL, api.url))
        token = token_in(page.text)
        assert (await mine.get("/settings/", params={"owner": "product:\0"})).status_code == 200
        assert (await mine.get("/settings/owners/product/%00/progress")).status_code == 404
        for form in ("sync", "guest-data", "unknown", "calendars", "privacy"):
            answer = await mine.post(f"/settings/owners/product/%00/{form}", data={"token": token, **ANY_VALUES})
            assert answer.status_code == 404, form


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_no_check_has_seen_is_refused_by_the_database_and_answered_so(api: Api) -> None:
    services = Services.create(api.world.settings, api.world.store, api.world.client)
    app = create_app(services)
    app.add_api_route("/v1/unchecked", lambda: str(services.merchants.get("a\0b")))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=api.platform.headers) as client:
        answer = await client.get("/v1/unchecked")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:slotsync:problem:invalid-request")


def _escaped(body: Mapping[str, object]) -> bytes:
    return json.dumps(body).encode()
