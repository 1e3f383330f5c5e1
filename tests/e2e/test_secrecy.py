"""Secrets and foreign data appear in no file of a whole run, and in no e-mail."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from slotsync.domain.calendars.owner import GuestData, OwnerSettings
from slotsync.domain.connections.connection import wanted_scopes
from slotsync.domain.reservations.event_content import describe
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.domain.reservations.stored_snapshot import plain_content_hash
from slotsync.store.connections.connections import Connections
from starter.local.dev import CLIENT_ID
from tests.support.machine import Machine, world_on
from tests.support.machine import machine as build_machine
from tests.support.mail_receiver import PASSWORD, MailReceiver
from tests.support.samples import EMAIL, GUIDE, MERCHANT, TOUR, item
from tests.support.secret_holders import (
    PRODUCT_PAGE,
    MerchantBrowser,
    NotedSecrets,
    PlatformApi,
    merchant_browser,
    platform_api,
)
from tests.support.secret_search import GOOGLES, found
from tests.support.waiting import until
from tests.support.world import Event, World

pytestmark = pytest.mark.anyio

BOOKING = "R-1042"
LEFT = {"slotsync.db", "temporal.db", "worker.log", "api.log", "temporal.log"}
NO_SECRETS = {"merchant": MERCHANT, "reservation": BOOKING, "route": "/v1/merchants/{merchant}/settings-link"}
WHERE_THEY_ARE = {
    ("merchant", "slotsync.db"),
    ("merchant", "temporal.db"),
    ("reservation", "slotsync.db"),
    ("reservation", "temporal.db"),
    ("reservation", "worker.log"),
    ("route", "api.log"),
}
TOKENS = {
    "refresh token": 3,
    "access token": 4,
    "verifier": 2,
    "code": 2,
    "state": 2,
    "cookie": 2,
    "link": 2,
    "mailed link": 1,
}
ADDRESS = "owner@arctic-kayaks.example"
"""The merchant's address for notices."""

SETTINGS: Final[dict[str, Any]] = {"time_zone": "Europe/Helsinki", "guest_data": GuestData.FULL}
ACCEPTED: Final = 202

WIDE = "https://www.googleapis.com/auth/calendar.readonly"

PICKED = "Lastenhoito & koulu"
PRIVATE = {
    PICKED: ("Parent-teacher evening", "Käpylä school, room 214"),
    "Marriage counselling": ("Session with Dr Ahola", "Bulevardi 99 B"),
    "Job interviews": ("Second round at Nordkap Rentals", "Satamakatu 7, Tromsø"),
}
"""The merchant's own calendars, each with an event and its place."""

GUEST = {"name": "Mervi Mökkiläinen", "email": "mervi.mokkilainen@guest.example", "phone": "+358 40 555 0199"}
NOTES = "Allergic to shellfish & walnuts"
TITLES = ("Two kayaks for the Mökkiläinens", "Three kayaks for Mervi's birthday", "Kayaks, sauna, and a cake for Mervi")


@pytest.fixture
def secrets() -> NotedSecrets:
    """The secrets that are known before the run."""
    secrets = NotedSecrets()
    for name, (title, place) in PRIVATE.items():
        secrets.note("calendar", name)
        secrets.note("private title", title)
        secrets.note("private place", place)
    for text in (*GUEST.values(), NOTES, *TITLES):
        secrets.note("guest", text)
    secrets.note("account", EMAIL)
    secrets.note("address", ADDRESS)
    return secrets


@dataclass(frozen=True)
class Run:
    """The parts, the merchant and the platform of one run."""

    machine: Machine
    world: World
    platform: PlatformApi
    secrets: NotedSecrets
    mailbox: MailReceiver

    async def report(self, version: int, answered: int = ACCEPTED, **more: object) -> None:
        """Report the reservation with all data of its guest."""
        result = {"version": version, "title": TITLES[(version - 1) % len(TITLES)], "guest": GUEST, "notes": NOTES}
        items = [item(resources=[GUIDE.id], day=version).model_dump(mode="json")]
        body = {**result, "items": items, **more}
        if answered == ACCEPTED:
            self._note_guesses(Reservation.model_validate({"merchant": MERCHANT, "id": BOOKING, **body}))
        await self.platform.put(f"reservations/{BOOKING}", body, answered)

    def _note_guesses(self, reservation: Reservation) -> None:
        """Note what somebody can compute who guesses all that was reported, to see whether it is right."""
        shown = describe(reservation, reservation.items[0], OwnerSettings(name=TOUR.id, **SETTINGS))
        self.secrets.note("guess", plain_content_hash(reservation))
        self.secrets.note("guess", shown.plain_fingerprint)

    async def own_calendars(self) -> dict[str, str]:
        """Create the merchant's own calendars, and return their ids by name."""
        return {name: await self._own_calendar(name, *details) for name, details in PRIVATE.items()}

    async def _own_calendar(self, name: str, title: str, place: str) -> str:
        account = f"/sandbox/accounts/{EMAIL}/calendars"
        made = (await self.world.http.post(account, json={"summary": name})).raise_for_status()
        times = {"start": {"dateTime": "2027-07-01T09:00:00+03:00"}, "end": {"dateTime": "2027-07-01T10:30:00+03:00"}}
        event = {"summary": title, "location": place, "description": f"{title}, at {place}", **times}
        calendar = str(made.json()["id"])
        (await self.world.http.post(f"{account}/{calendar}/events", json=event)).raise_for_status()
        return calendar

    async def grant_too_much(self) -> None:
        """Grant a scope that slotsync does not ask for, as an account may have before: Google would show everything."""
        scopes = [*wanted_scopes(push=True), WIDE]
        asked = {"client_id": CLIENT_ID, "scopes": scopes}
        granted = (await self.world.http.post(f"/sandbox/accounts/{EMAIL}/grant", json=asked)).raise_for_status()
        Connections(self.world.store, self.world.vault).save_grant(
            MERCHANT, granted.json()["refresh_token"], scopes, EMAIL
        )

    async def parked(self) -> None:
        async def so() -> bool:
            sync_status = await self.world.slotsync.status(MERCHANT, BOOKING)
            return sync_status is not None and any(each.state == "parked" for each in sync_status.events)

        await until(so)

    async def mailed_link(self) -> str:
        """Return the link of the e-mail that the merchant is sent, which is a secret, too."""

        async def sent() -> bool:
            return bool(self.mailbox.mails)

        await until(sent)
        (mail,) = self.mailbox.mails
        signed = httpx.URL(mail.link).params["link"]
        self.secrets.note("mailed link", signed)
        self.secrets.note("signature of a mailed link", signed.rsplit(".", 1)[1])
        return mail.link

    async def shown(self) -> list[Event]:
        return [*await self.world.events(TOUR), *await self.world.events(GUIDE)]


async def add_merchant(run: Run) -> dict[str, str]:
    """Add a tour and a guide with full guest data, and the merchant's own calendars."""
    for kind, owner in (("products", TOUR), ("resources", GUIDE)):
        await run.platform.put(f"{kind}/{owner.id}", {"name": owner.id, **SETTINGS}, 200)
    (await run.platform.http.put(f"/v1/merchants/{MERCHANT}", json={"email": ADDRESS})).raise_for_status()
    account = {"email": EMAIL, "time_zone": "Europe/Helsinki"}
    (await run.world.http.post("/sandbox/accounts", json=account)).raise_for_status()
    return await run.own_calendars()


async def pick(visitor: MerchantBrowser, calendar: str) -> None:
    """Pick the calendar on the settings page, and open its week."""
    offered = await visitor.opens(f"/settings/?owner={TOUR}&week=2027-07-01")
    assert "Marriage counselling" in offered.text
    assert (await visitor.sends(f"{PRODUCT_PAGE}/calendars", calendar=calendar)).status_code == 303
    assert "Only times" in (await visitor.sends(f"{PRODUCT_PAGE}/privacy", calendar=calendar)).text


async def book_and_change(run: Run, visitor: MerchantBrowser) -> None:
    """Report a booking and its change, with a token that Google refuses and a lost answer."""
    for kind in ("authError", "lost_response", "backendError"):
        await run.world.fault(method="events.insert", kind=kind, count=1)
    await run.report(1)
    await run.world.settled(1, BOOKING)
    await run.report(2)
    await run.world.settled(2, BOOKING)
    await run.report(3, answered=422, mood=NOTES)
    week = await visitor.opens(f"/settings/?owner={TOUR}&week=2027-07-01")
    assert "Busy" in week.text
    assert "Three kayaks" in str(await run.shown())
    visitor.note_grant()


async def show_too_much(run: Run, visitor: MerchantBrowser, calendar: str) -> None:
    """Let Google show the events of the merchant's own calendar."""
    await run.grant_too_much()
    assert "Google disclosed more" in (await visitor.sends(f"{PRODUCT_PAGE}/privacy", calendar=calendar)).text
    visitor.note_grant()


async def lose_and_return(run: Run) -> None:
    """Revoke the grant; the merchant connects again by the link of an e-mail, in another browser."""
    (await run.world.http.post(f"/sandbox/accounts/{EMAIL}/revoke")).raise_for_status()
    await run.report(3)
    await run.parked()
    link = await run.mailed_link()
    async with merchant_browser(run.machine, run.world, run.secrets) as visitor:
        await visitor.opens(await run.platform.link("google/connect"))
        await visitor.connects(await visitor.follows(link), shows="Google is connected.")
        await run.world.settled(3, BOOKING)
        visitor.note_grant()


async def happen(run: Run) -> None:
    """Run all steps of the scenario."""
    calendars = await add_merchant(run)
    async with merchant_browser(run.machine, run.world, run.secrets) as visitor:
        await visitor.enters(await run.platform.link("settings-link"))
        await visitor.connects_from_the_page()
        await pick(visitor, calendars[PICKED])
        await book_and_change(run, visitor)
        await show_too_much(run, visitor, calendars[PICKED])
    await lose_and_return(run)
    await run.report(4, status="cancelled")
    await run.world.settled(4, BOOKING)
    assert await run.shown() == []


def actions(audit: str) -> set[str]:
    return {each["action"] for each in json.loads(audit)["items"]}


async def test_no_secret_and_nothing_private_is_left_in_a_database_a_history_a_log_or_an_e_mail(
    tmp_path: Path, secrets: NotedSecrets, mailbox: MailReceiver
) -> None:
    secrets.note("password of the mail server", PASSWORD)
    async with build_machine(tmp_path, mailbox=mailbox) as machine:
        await asyncio.gather(machine.google.start(), machine.temporal.start())
        await asyncio.gather(machine.worker.start(), machine.api.start())
        async with world_on(machine) as world, platform_api(machine, secrets) as platform:
            await happen(Run(machine, world, platform, secrets, mailbox))
            audit = (await platform.http.get(f"/v1/merchants/{MERCHANT}/audit", params={"limit": 200})).text
            while_running = found(tmp_path, secrets.texts())
    assert while_running | found(tmp_path, secrets.texts()) == set()
    assert secrets.kinds_in(audit) == {"address"}, "which the platform has said itself: who changes it matters"
    assert {"settings.changed", "calendars.picked", "grant.given", "grant.refused"} <= actions(audit)
    assert {file.name for file in tmp_path.iterdir()} >= LEFT
    assert found(tmp_path, NO_SECRETS) >= WHERE_THEY_ARE, "the search finds what is there"
    assert mailed_secrets(mailbox, secrets) == {"address", "mailed link", "signature of a mailed link"}
    private = secrets.texts("calendar", "private title", "private place")
    assert {name for name, _ in found(tmp_path, private, GOOGLES)} == private.keys(), "Google had it all"
    assert found(tmp_path, secrets.texts("guess"), GOOGLES) == set(), "but nothing to try guesses by"
    tokens = {what: len(secrets.kinds[what]) for what in TOKENS}
    assert len(secrets.kinds["guess"]) == 8, "of four versions"
    assert tokens == TOKENS, "of each grant, and one that was renewed"


def mailed_secrets(mailbox: MailReceiver, secrets: NotedSecrets) -> set[str]:
    """Return which kinds of secrets are in the e-mails that were sent, or in their headers."""
    (mail,) = mailbox.mails
    sent = "\n".join((str(mail.message), mail.text, mail.page, *map(str, mail.message.values())))
    return secrets.kinds_in(sent)
