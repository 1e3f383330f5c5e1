import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest

from slotsync.clock import utc_now
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from slotsync.temporal.dev_server import server_options
from starter.api.app import create_app
from starter.bootstrap import Services
from tests.support.api import Api, serving_on_free_port
from tests.support.http import tls
from tests.support.samples import snapshot
from tests.support.settings import KEY
from tests.support.temporal_servers import start_server

pytestmark = pytest.mark.anyio

SECRET = "Aino Virtanen"


async def test_liveness_is_answered_without_a_key(api: Api) -> None:
    assert (await api.stranger.get("/healthz")).status_code == 200


async def test_it_is_ready_when_the_database_and_temporal_answer(api: Api) -> None:
    answer = await api.stranger.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ready\n")


async def test_metrics_name_routes_and_statuses_and_no_merchant(api: Api, merchant: str) -> None:
    await api.platform.get(f"/v1/merchants/{merchant}/google")
    await api.platform.request("INVENTED", f"/v1/{merchant}")
    response = (await api.stranger.get("/metrics")).text
    line = 'slotsync_http_request_seconds_count{method="GET",route="/v1/merchants/{merchant}/google",status="200"}'
    assert line in response
    assert 'method="OTHER",route="(none)"' in response
    assert merchant not in response


async def test_metrics_count_what_nobody_takes_up_and_what_is_stopped(api: Api, merchant: str) -> None:
    long_ago = utc_now() - timedelta(hours=1)
    reservations = Reservations(api.world.store, api.world.vault)
    for name in ("R-1", "R-2"):
        reservations.report(snapshot(1).model_copy(update={"id": name, "merchant": merchant}), long_ago)
    reservations.stop(merchant, "R-2", long_ago)
    reservations.due_rows.record_problems({(merchant, "R-1"): "it fails"})
    metrics = (await api.stranger.get("/metrics")).text
    assert 'slotsync_overdue{kind="reservations"} 1.0' in metrics
    assert 'slotsync_stopped{kind="reservations"} 1.0' in metrics
    assert 'slotsync_problems{kind="reservations"} 1.0' in metrics


@pytest.fixture
async def cut_off(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """An API without its database and its Temporal server."""
    nobody = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=2"})
    async with await start_server(server_options()) as temporal:
        services = Services.create(nobody, Store.open(nobody.database_url), temporal.client)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        serving_on_free_port(services) as url,
        httpx.AsyncClient(base_url=url, timeout=60, headers=headers, verify=tls()) as platform,
    ):
        yield platform


async def test_while_parts_are_gone_the_answer_says_which_and_to_try_again(cut_off: httpx.AsyncClient) -> None:
    ready = await cut_off.get("/readyz")
    assert (ready.status_code, ready.json()["detail"]) == (503, "No answer from the database and Temporal.")
    status = await cut_off.get("/v1/merchants/m/reservations/R-1")
    timeline = await cut_off.get("/v1/merchants/m/reservations/R-1/timeline")
    assert (status.status_code, "database" in status.text) == (503, True)
    assert (timeline.status_code, "database" in timeline.text) == (503, True)
    assert {each.headers["retry-after"] for each in (ready, status, timeline)} == {"5"}
    assert (await cut_off.get("/healthz")).status_code == 200


async def test_a_fault_of_ours_is_answered_and_logged_without_what_it_says(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> None:
        raise RuntimeError(SECRET)

    app = create_app(Services.create(api.world.settings, api.world.store, api.world.client))
    app.add_api_route("/v1/broken", broken)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=api.platform.headers) as client:
        with caplog.at_level(logging.DEBUG):
            answer = await client.get("/v1/broken", headers={"X-Request-Id": "it-was-7"})
    assert (answer.status_code, answer.json()["request_id"]) == (500, "it-was-7")
    (line,) = (each for each in caplog.records if each.levelno == logging.ERROR)
    assert "it-was-7 failed: RuntimeError" in line.getMessage()
    assert "in broken" in line.getMessage()
    assert SECRET not in caplog.text + answer.text


async def test_a_log_line_holds_no_text_that_a_caller_has_made_up(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    forged = "x\n2026-11-28 00:00:00,000 INFO starter.api.operations: 0 backend shop-1 DELETE google 200 in 5 ms"
    with caplog.at_level(logging.INFO):
        for merchant in (forged, f"{SECRET} +358 40 123", "x\u2028y", "x\x1b[2K", "x" * 5000):
            for rest in ("", "/google"):
                await api.platform.get(f"/v1/merchants/{quote(merchant, safe='')}{rest}")
        await api.platform.request("MARY.GUEST", "/v1/merchants/shop-1")
        await api.platform.get("/v1/merchants/shop-1")
    lines = [each.getMessage() for each in caplog.records if each.name == "starter.api.operations"]
    assert [line.split()[1:5] for line in lines] == [
        *[["key-1", "-", "GET", f"/v1/merchants/{{merchant}}{rest}"] for _ in range(5) for rest in ("", "/google")],
        ["key-1", "shop-1", "OTHER", "/v1/merchants/{merchant}"],
        ["key-1", "shop-1", "GET", "/v1/merchants/{merchant}"],
    ]
    assert not [line for line in lines if len(line.splitlines()) > 1 or "backend" in line or "Aino" in line]


async def test_over_https_browsers_are_told_to_stay_there(api: Api) -> None:
    settings = api.world.settings.model_copy(update={"public_url": "https://slots.example"})
    app = create_app(Services.create(settings, api.world.store, api.world.client))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        answer = await client.get("/healthz")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
