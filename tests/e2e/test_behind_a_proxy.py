"""The API behind the nginx of deploy/nginx: what the world reaches, and what reaches the API."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from pydantic import SecretStr

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import running_local_google
from slotsync.secrets import Vault
from starter.api.bodies import MAX_BODY_BYTES
from starter.api.key_gate import MAX_WRONG_KEYS
from starter.api.problems import MEDIA_TYPE, TOO_LARGE, UNAVAILABLE, Problem
from starter.bootstrap import Services
from tests.support.consent_browser import decide
from tests.support.http import tls
from tests.support.nginx import Nginx, running_nginx
from tests.support.oauth_app import Form
from tests.support.processes import free_ports
from tests.support.samples import EMAIL, MERCHANT
from tests.support.serving import listening_socket, serving
from tests.support.settings import KEY, settings_for
from tests.support.temporal_servers import running_temporal_server
from tests.support.world import World, world_of

pytestmark = pytest.mark.anyio

FOR_OPERATORS = ("/metrics", "/readyz", "/healthz", "/docs", "/openapi.json")
DETOURS = (
    "/v1/../metrics",
    "/v1/%2e%2e/metrics",
    "/v1/..%2fmetrics",
    "/settings/static/../../readyz",
    "/google/%2E%2E%2Fdocs",
    "//metrics",
    "/%6Detrics",
    "/metrics?/v1/",
    "/metrics#/v1/",
    "http://localhost/metrics",
    "/metrics/../v1/merchants/../../metrics",
)
PLATFORM = {"Authorization": f"Bearer {KEY}"}


@dataclass(frozen=True)
class Proxied:
    """An API, and the nginx in front of it."""

    nginx: Nginx
    api: str
    world: World

    async def link(self, leads: str = "settings-link") -> str:
        """Return a new link of the platform."""
        async with self.nginx.client(**PLATFORM) as platform:
            (await platform.put(f"/v1/merchants/{MERCHANT}", json={})).raise_for_status()
            answer = (await platform.post(f"/v1/merchants/{MERCHANT}/{leads}")).raise_for_status().json()
        return str(answer.get("url") or answer["authorization_url"])


@asynccontextmanager
async def proxied(folder: Path, believed: tuple[str, ...] = ("127.0.0.1",)) -> AsyncIterator[Proxied]:
    """Run both; the API believes these addresses (FORWARDED_ALLOW_IPS)."""
    https_port, http_port = free_ports(2)
    listening, api = listening_socket()
    with running_local_google(LocalGoogleOptions.unlimited()) as google:
        settings = settings_for(google.url, folder).model_copy(
            update={
                "public_url": f"https://localhost:{https_port}",
                "api_keys": (SecretStr(KEY),),
                "forwarded_allow_ips": believed,
            }
        )
        async with (
            running_temporal_server() as client,
            world_of(settings, Vault(settings.encryption_keys), client) as world,
            serving(Services.create(settings, world.store, client), listening),
            running_nginx(folder, api, https_port, http_port) as nginx,
        ):
            yield Proxied(nginx, api, world)


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Proxied]:
    async with proxied(tmp_path_factory.mktemp("proxied")) as built:
        yield built


async def ask(nginx: Nginx, target: str, host: str = "localhost", *, name: str = "localhost") -> tuple[int, str]:
    """Return the status and the rest of the answer to exactly this target, which no client has tidied up."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", nginx.https_port, ssl=nginx.trusted, server_hostname=name
    )
    writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    return int(answer.split()[1]), answer


@asynccontextmanager
async def without_api(folder: Path) -> AsyncIterator[Nginx]:
    """Run nginx in front of a port on which nobody listens."""
    nobody, https_port, http_port = free_ports(3)
    async with running_nginx(folder, f"http://127.0.0.1:{nobody}", https_port, http_port) as nginx:
        yield nginx


async def send_at_once(nginx: Nginx, target: str, count: int) -> list[int]:
    """Send this many requests without waiting for answers, so that nginx alone sets the pace; return the statuses."""
    reader, writer = await asyncio.open_connection("localhost", nginx.https_port, ssl=nginx.trusted)
    request = f"GET {target} HTTP/1.1\r\nHost: localhost\r\n"
    writer.write(f"{request}\r\n".encode() * (count - 1) + f"{request}Connection: close\r\n\r\n".encode())
    answers = (await reader.read()).decode()
    writer.close()
    return [int(status) for status in re.findall(r"^HTTP/1\.1 (\d+)", answers, re.MULTILINE)]


async def try_wrong_keys(nginx: Nginx, source: str, count: int) -> set[int]:
    """Return the statuses of this many requests with a wrong key from an address, each with another forged one."""
    async with nginx.client(source=source, Authorization="Bearer wrong") as http:
        tries = [
            http.get("/v1/merchants", headers={"X-Forwarded-For": f"203.0.113.{number}"}) for number in range(count)
        ]
        return {answer.status_code for answer in await asyncio.gather(*tries)}


def read_problem(answer: httpx.Response) -> Problem:
    assert answer.headers["content-type"] == MEDIA_TYPE
    problem = Problem.model_validate(answer.json())
    assert problem.status == answer.status_code
    assert problem.request_id
    return problem


async def test_what_is_for_operators_is_not_for_the_world(site: Proxied) -> None:
    async with httpx.AsyncClient(base_url=site.api, verify=tls()) as inside:
        assert {(await inside.get(path)).status_code for path in FOR_OPERATORS} == {200}
    for target in (*FOR_OPERATORS, *DETOURS, "/", "/v1", "/v12/merchants", "/settingsx", "/METRICS"):
        status, answer = await ask(site.nginx, target)
        assert (target, status) == (target, 404)
        assert "x-request-id" not in answer.lower(), f"{target} reached the API"
    assert (await ask(site.nginx, "/metrics/../v1/merchants"))[0] in {401, 404}


async def test_the_world_reaches_the_api_the_settings_page_and_googles_addresses(site: Proxied) -> None:
    async with site.nginx.client(**PLATFORM) as http:
        assert (await http.get(f"/v1/merchants/{MERCHANT}/google")).status_code == 200
        assert (await http.get("/settings/static/page.css")).status_code == 200
        assert (await http.post("/google/push")).status_code == 204
        redirected = await http.get("/settings")
    assert (redirected.status_code, redirected.headers["location"]) == (303, "/settings/")


async def test_an_id_with_escapes_arrives_as_it_was_sent(site: Proxied) -> None:
    async with site.nginx.client(**PLATFORM) as http:
        (await http.put("/v1/merchants/m%C3%B6kki%2B1", json={})).raise_for_status()
        listed = (await http.get("/v1/merchants")).raise_for_status().json()["items"]
    assert "mökki+1" in [each["merchant"] for each in listed]


async def test_a_merchant_connects_through_it_and_leaves_no_secret_in_its_logs(site: Proxied) -> None:
    account = {"email": EMAIL, "time_zone": "Europe/Helsinki"}
    (await site.world.http.post("/sandbox/accounts", json=account)).raise_for_status()
    link = await site.link("google/connect")
    assert link.startswith(f"{site.nginx.url}/google/connect?link=")
    async with site.nginx.client() as browser:
        shown = await browser.get(link)
        assert shown.headers.get_list("strict-transport-security") == ["max-age=31536000"]
        entered = await browser.post("/google/connect", data=Form(shown).hidden)
        (cookie,) = (each for each in entered.headers.get_list("set-cookie") if each.startswith("__Host-slotsync="))
        attributes = {each.strip().lower().split("=")[0] for each in cookie.split(";")[1:]}
        assert {"secure", "httponly", "path", "samesite"} <= attributes
        assert "domain" not in attributes
        consent = httpx.URL(entered.headers["location"])
        assert consent.params["redirect_uri"] == f"{site.nginx.url}/google/callback"
        back = decide(str(consent), EMAIL)
        assert back.code
        form = Form(await browser.get(f"/google/callback?{urlencode({'state': back.state, 'code': back.code})}"))
        decided = await browser.post("/settings/account", data={**form.hidden, "decision": "connect"})
        assert decided.headers["location"].startswith("/settings/")
        assert "Connected as" in (await browser.get(decided.headers["location"])).text
        secrets = [back.state, back.code, KEY, httpx.URL(link).params["link"], *browser.cookies.values()]
    logged = site.nginx.logged()
    assert '"GET /google/callback" 200' in logged
    assert [secret for secret in secrets if secret in logged] == []


async def test_plain_http_leads_to_this_name_and_no_other_name_is_answered(site: Proxied) -> None:
    nginx = site.nginx
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{nginx.http_port}", verify=tls()) as http:
        answer = await http.get("/settings/?owner=x", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers["location"]) == (301, "https://localhost/settings/?owner=x")
    assert (await ask(nginx, "/settings", host="evil.example"))[0] == 421
    with pytest.raises(ssl.SSLError):
        await ask(nginx, "/settings", name="evil.example")


async def test_the_api_counts_each_client_by_its_own_address_whatever_it_claims(site: Proxied) -> None:
    assert await try_wrong_keys(site.nginx, "127.0.0.2", MAX_WRONG_KEYS + 1) == {401, 429}
    assert await try_wrong_keys(site.nginx, "127.0.0.3", 1) == {401}


async def test_without_the_proxys_address_in_the_setting_all_clients_are_one(tmp_path: Path) -> None:
    async with proxied(tmp_path, believed=("192.0.2.1",)) as site:
        await try_wrong_keys(site.nginx, "127.0.0.2", MAX_WRONG_KEYS)
        assert await try_wrong_keys(site.nginx, "127.0.0.3", 1) == {429}


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 600 * 1024], ids=["by-the-api", "by-nginx"])
async def test_a_body_that_is_too_large_is_refused_with_the_same_problem(site: Proxied, size: int) -> None:
    async with site.nginx.client(**PLATFORM) as http:
        answer = await http.put(f"/v1/merchants/{MERCHANT}/reservations/R-1", content=b" " * size)
    problem = read_problem(answer)
    assert (problem.type, problem.title) == ("urn:slotsync:problem:body-too-large", TOO_LARGE.title)


async def test_half_sent_requests_wait_in_nginx_and_hold_nobody_up(site: Proxied) -> None:
    async def send_half() -> asyncio.StreamWriter:
        _, writer = await asyncio.open_connection("localhost", site.nginx.https_port, ssl=site.nginx.trusted)
        writer.write(b"POST /settings/open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nlink=")
        await writer.drain()
        return writer

    writers = await asyncio.gather(*(send_half() for _ in range(100)))
    async with site.nginx.client(source="127.0.0.4", **PLATFORM) as http:
        assert (await http.get(f"/v1/merchants/{MERCHANT}/google")).status_code == 200
    for writer in writers:
        writer.transport.abort()


async def test_a_storm_of_one_address_on_the_pages_is_refused_and_its_links_are_not_logged(tmp_path: Path) -> None:
    async with without_api(tmp_path) as nginx:
        statuses = await send_at_once(nginx, "/settings/open?link=a-link-of-a-merchant", count=600)
        async with nginx.client(source="127.0.0.6") as another:
            assert (await another.get("/settings/open")).status_code == 502
        logged = nginx.logged()
    assert set(statuses) == {429, 502}
    assert "a-link-of-a-merchant" not in logged


async def test_while_the_api_is_down_callers_are_told_to_come_back_and_nothing_secret_is_logged(tmp_path: Path) -> None:
    async with without_api(tmp_path) as nginx, nginx.client(**PLATFORM) as http:
        answer = await http.get("/v1/merchants")
        pages = (
            "/google/callback?code=the-code&state=the-state",
            "/settings/open?link=the-link",
            "/google/push?secret",
        )
        assert {(await http.get(page)).status_code for page in pages} == {502}
        logged = nginx.logged()
    problem = read_problem(answer)
    assert (problem.type, problem.title) == ("urn:slotsync:problem:unavailable", UNAVAILABLE.title)
    assert answer.headers["retry-after"] == "5"
    assert "Connection refused" in logged, "operators see why"
    assert [secret for secret in ("the-code", "the-state", "the-link", KEY) if secret in logged] == []
