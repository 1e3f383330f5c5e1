"""The page while Temporal is of no use: what forms say is stored, and done later; and without the database."""

from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from slotsync.clock import utc_now
from slotsync.domain.merchant import OnDrift
from slotsync.domain.reservations.drift import Drift, DriftAction, DriftKind
from slotsync.domain.reservations.event import EventKey
from slotsync.store.calendars.drift_records import CompletedAudit, DriftRecords
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.temporal.options import slotsync_plugin
from starter.bootstrap import Services
from starter.services.settings_links import Session
from tests.support.samples import TOUR
from tests.support.serving import listening_socket, serving
from tests.support.site import Site, token_in

pytestmark = pytest.mark.anyio

PRODUCT = f"owners/product/{TOUR.id}"


@pytest.fixture
async def cut_off(site: Site) -> AsyncIterator[Site]:
    """The page of an API that cannot use Temporal: its namespace does not exist."""
    await site.add_merchant()
    world = site.world
    server = world.client.service_client.config.target_host
    nowhere = await Client.connect(server, namespace="nowhere", lazy=True, plugins=[slotsync_plugin()])
    listening, url = listening_socket()
    settings = world.settings.model_copy(update={"public_url": url})
    async with serving(Services.create(settings, world.store, nowhere), listening):
        yield replace(site, url=url)


def ask(site: Site) -> str:
    """Record drift that is asked about, and return its id."""
    records = DriftRecords(site.world.store)
    records.record(
        CompletedAudit(
            merchant=site.merchant,
            owner=TOUR,
            calendar_id="calendar",
            at=datetime(2026, 11, 28, 2, tzinfo=UTC),
            found=[(Drift(kind=DriftKind.MOVED, reservation="R", key=EventKey(item="1", owner=TOUR)), DriftAction.ASK)],
            right=(),
            complete=True,
            sync_token=None,
        )
    )
    return records.find_asked(site.merchant, 1)[0].id


async def test_each_form_is_answered_with_a_page_that_says_it_is_stored(cut_off: Site) -> None:
    drift = ask(cut_off)
    forms = {
        f"drift/{drift}": {"answer": "repair", "always": "yes"},
        f"{PRODUCT}/guest-data": {"guest_data": "busy"},
        f"{PRODUCT}/unknown": {"on_unknown": "sell"},
        f"{PRODUCT}/sync": {"sync": "off"},
        "sync": {"sync": "off"},
        "disconnect": {"calendars": "keep"},
    }
    async with cut_off.visitor() as mine:
        token = token_in((await mine.get(f"{cut_off.url}/settings/")).text)
        for form, fields in forms.items():
            answer = await mine.post(f"{cut_off.url}/settings/{form}", data={"token": token, **fields})
            assert answer.headers["content-type"].startswith("text/html"), form
            assert (answer.status_code, "It is done as soon as" in answer.text) == (202, True), form
        back = await mine.get(f"{cut_off.url}/settings/")
        assert (back.status_code, "Booking R" in back.text) == (200, False)
    settings = Owners(cut_off.world.store).get(cut_off.merchant, TOUR)
    assert settings
    assert (settings.sync, settings.guest_data.value, settings.on_unknown) == (False, "busy", "sell")
    merchants = Merchants(cut_off.world.store, cut_off.world.vault)
    assert not merchants.is_synced(cut_off.merchant)
    choices = merchants.get_choices(cut_off.merchant)
    assert choices
    assert (choices.details.on_drift, set(choices.chosen)) == (OnDrift.REPAIR, {"on_drift"})


async def test_without_the_database_a_page_asks_to_come_back(site: Site, tmp_path: Path) -> None:
    world = site.world
    listening, url = listening_socket()
    with closing(Store.open(f"sqlite:///{tmp_path}/without-tables.db")) as broken:
        async with (
            serving(Services.create(world.settings, broken, world.client), listening),
            httpx.AsyncClient(base_url=url, cookies=site.cookies_of(Session.begin(site.merchant, utc_now()))) as mine,
        ):
            for method, path in (("GET", "/settings/"), ("POST", "/settings/sync"), ("GET", "/settings/changes")):
                answer = await mine.request(method, path)
                assert answer.headers["content-type"].startswith("text/html"), path
                assert (answer.status_code, "does not answer" in answer.text) == (503, True), path
                assert answer.headers["retry-after"]
