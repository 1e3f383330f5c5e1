"""The merchant sees on the page who changed what, and what it changes there stands in its audit log."""

from collections.abc import Mapping
from contextvars import Context
from dataclasses import replace
from zoneinfo import ZoneInfo

import httpx
import pytest

from slotsync.clock import utc_now
from slotsync.domain.audit import Actor, ActorKind, AuditAction, AuditChange
from slotsync.domain.calendars.owner import OwnerChanges
from slotsync.domain.merchant import MerchantDetails
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog, act_as
from slotsync.store.calendars.owners import Owners
from slotsync.store.merchants import Merchants
from starter.settings_page.changes import CHANGES_PER_PAGE
from starter.settings_page.home import MAX_CHANGES_SHOWN
from starter.settings_page.language import Language
from tests.support.http import tls
from tests.support.samples import TOUR
from tests.support.site import Site, token_in

pytestmark = pytest.mark.anyio

PLACE = f"/settings/owners/{TOUR.kind}/{TOUR.id}"
FORMS: Mapping[str, tuple[dict[str, str], str]] = {
    f"{PLACE}/guest-data": ({"guest_data": "busy"}, "settings.changed"),
    f"{PLACE}/unknown": ({"on_unknown": "sell"}, "settings.changed"),
    f"{PLACE}/sync": ({"sync": "off"}, "settings.changed"),
    f"{PLACE}/calendars": ({"calendar": "the account's own"}, "calendars.picked"),
    "/settings/sync": ({"sync": "off"}, "settings.changed"),
    "/settings/disconnect": ({}, "connection.disconnected"),
}
"""The forms that change something, each with its fields and what stands in the log afterwards. In this order."""


def audit_of(site: Site) -> AuditLog:
    return AuditLog(site.world.store, site.world.vault)


def put(site: Site, by: Actor, *, override: bool = False, **changes: object) -> None:
    """Change the tour's settings as this actor."""

    def change() -> None:
        act_as(by)
        changed = OwnerChanges.model_validate(changes)
        Owners(site.world.store, audit_of(site)).put(site.merchant, TOUR, changed, override=override)

    Context().run(change)


async def changes_on(mine: httpx.AsyncClient, address: str = "/settings/changes") -> str:
    return (await mine.get(address)).raise_for_status().text


@pytest.mark.parametrize("form", FORMS)
async def test_each_form_that_changes_something_says_so_in_the_log(site: Site, form: str) -> None:
    await site.add_merchant()
    fields, action = FORMS[form]
    if "calendar" in fields:
        fields = {"calendar": site.email}
    async with site.world.working(), site.visitor() as mine:
        known = len(audit_of(site).list_entries(site.merchant, 100))
        token = token_in((await mine.get("/settings/")).text)
        (await mine.post(form, data={"token": token, **fields})).raise_for_status()
    (entry,) = audit_of(site).list_entries(site.merchant, 100, after=known)
    assert entry.detail
    assert (entry.action, entry.detail.by.kind, entry.detail.by.address) == (action, ActorKind.VISIT, "127.0.0.1")
    assert len(entry.detail.by.name) == 12


async def test_the_page_says_what_changed_by_which_actor(site: Site) -> None:
    key = Actor(kind=ActorKind.KEY, name="backend", address="192.0.2.7")
    put(site, key, name="Sunset tour", guest_data="limited")
    async with site.visitor() as mine, site.visitor() as earlier:
        for browser, level in ((earlier, "full"), (mine, "busy")):
            token = token_in((await browser.get("/settings/")).text)
            await browser.post(f"{PLACE}/guest-data", data={"token": token, "guest_data": level})
        put(site, key, override=True, guest_data="limited")
        page = await changes_on(mine)
        for text in (
            "Sunset tour was added",
            "Settings of Sunset tour",
            "Only that it is reserved → The booking&#39;s title, no contact details",
            "The booking&#39;s title, no contact details → Everything",
            "This changed what you had chosen here.",
            "Your booking system, with the key backend",
            "On this page, from 127.0.0.1",
            "You, in this visit",
        ):
            assert text in page, text
        assert page.count("You, in this visit") == page.count("This changed what you had chosen here.") == 1
        assert "192.0.2.7" not in page, "where the platform's machines are is not for its merchants"
        home = await changes_on(mine, "/settings/")
        assert '<h2 id="changes">What changed</h2>' in home
        assert "This changed what you had chosen here." in home


async def test_changes_have_names_and_the_merchants_time_not_ids(site: Site) -> None:
    put(site, Actor(kind=ActorKind.KEY, name="key-1"), name="Kayak hire", time_zone="Asia/Kathmandu")
    Owners(site.world.store, audit_of(site)).delete(site.merchant, TOUR, remove_events=False)
    async with site.visitor() as mine:
        page = await changes_on(mine)
    assert "Kayak hire was added" in page
    assert "Kayak hire was removed" in page
    assert "· Your booking system</small>" in page
    assert "key-1" not in page
    changed_at = audit_of(site).list_entries(site.merchant, 1)[0].at.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert Language(code="en").format_instant(changed_at) in page
    assert "UTC" not in page


async def test_older_changes_are_a_page_further_and_the_settings_show_the_last_ones(site: Site) -> None:
    audit, count = audit_of(site), CHANGES_PER_PAGE + 2
    for number in range(count):
        Merchants(site.world.store, site.world.vault, audit).put(site.merchant, MerchantDetails(name=f"Name {number}."))
    async with site.visitor() as mine:
        newest = await changes_on(mine)
        assert f"Name {count - 1}." in newest
        assert "Name 0." not in newest
        assert f"/settings/changes?before={count - CHANGES_PER_PAGE + 1}" in newest
        oldest = await changes_on(mine, f"/settings/changes?before={count - CHANGES_PER_PAGE + 1}")
        assert "Name 0." in oldest
        assert "before=" not in oldest
        assert (await changes_on(mine, "/settings/")).count("Your details") == MAX_CHANGES_SHOWN


@pytest.mark.parametrize("before", ["", "0", "-1", "x", "٣", "9" * 40, "%00"])
async def test_an_address_that_makes_no_sense_shows_the_page(site: Site, before: str) -> None:
    async with site.visitor() as mine:
        assert (await mine.get(f"/settings/changes?before={before}")).status_code == 200


async def test_changes_are_shown_in_a_visit_only_and_only_those_of_its_merchant(site: Site) -> None:
    other = replace(site, merchant=f"other-{site.merchant}")
    Merchants(site.world.store, site.world.vault, audit_of(site)).put(
        other.merchant, MerchantDetails(name="Secret name")
    )
    async with httpx.AsyncClient(base_url=site.url, verify=tls()) as stranger:
        assert (await stranger.get("/settings/changes")).status_code == 401
    async with site.visitor() as mine:
        assert "Nothing has changed yet." in await changes_on(mine)
        assert "What changed" not in await changes_on(mine, "/settings/")
        assert "Secret name" not in await changes_on(mine)


async def test_an_entry_without_its_key_is_still_shown(site: Site, vault: Vault) -> None:
    own, stranger = (AuditLog(site.world.store, each) for each in (site.world.vault, vault))
    for audit, action in ((own, AuditAction.DISCONNECTED), (stranger, AuditAction.VISITS_ENDED)):
        with site.world.store.write() as connection:
            audit.record(connection, site.merchant, AuditChange(action=action, subject="x"), utc_now())
    async with site.visitor() as mine:
        assert "All visits of this page were ended" in await changes_on(mine)
