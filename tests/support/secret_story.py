"""The story of a merchant in which every secret is used: a run of all parts, from the first link to the erasure."""

import json
from collections import Counter
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import unquote

import httpx

from slotsync.domain.connections.connection import wanted_scopes
from slotsync.store.connections.connections import Connections
from slotsync.store.export import Export, write_line
from starter.local.dev import CLIENT_ID
from starter.services.erasure import ErasureService
from starter.services.guest_erasure import GuestErasureService
from tests.support.machine import Machine
from tests.support.mail_receiver import MailReceiver
from tests.support.samples import EMAIL, GUIDE, MERCHANT, TOUR, item
from tests.support.secret_holders import (
    PRODUCT_PAGE,
    MerchantBrowser,
    NotedSecrets,
    PlatformApi,
    merchant_browser,
    note_data_keys,
)
from tests.support.waiting import until
from tests.support.world import Event, World

BOOKING, LATER_BOOKING = "R-1042", "R-1043"
ADDRESS = "owner@arctic-kayaks.example"
"""The merchant's address for notices."""

PRIVACY_CHECKS = 2
"""Each asks for the events of a picked calendar, since the merchant wants to see what Google shows."""

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


def known_secrets() -> NotedSecrets:
    """Return the secrets that are known before the run."""
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

    async def report(self, version: int, answered: int = 202, booking: str = BOOKING, **more: object) -> None:
        """Report a reservation with all data of its guest."""
        result = {"version": version, "title": TITLES[(version - 1) % len(TITLES)], "guest": GUEST, "notes": NOTES}
        items = [item(resources=[GUIDE.id], day=version).model_dump(mode="json")]
        await self.platform.put(f"/reservations/{booking}", {**result, "items": items, **more}, answered)

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
            sync_status = await self.world.slotsync.status(MERCHANT, LATER_BOOKING)
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

    async def calls_about(self, calendars: Collection[str]) -> Counter[str]:
        """Return which methods with any of these calendars in their address were called how often.

        Without those that open push channels: Google's notifications say nothing of events.
        """
        calls = (await self.world.http.get("/sandbox/calls")).raise_for_status().json()["items"]
        paths = [(unquote(call["path"]), call["method"]) for call in calls]
        about = [method for path, method in paths if any(each in path for each in calendars)]
        return Counter(each for each in about if each != "events.watch")

    async def shown(self) -> list[Event]:
        return [*await self.world.events(TOUR), *await self.world.events(GUIDE)]

    def export(self) -> str:
        """Return what ``slotsync export`` prints."""
        return "\n".join(map(write_line, Export(self.world.store, self.world.vault).iterate(MERCHANT)))

    def browser(self) -> AbstractAsyncContextManager[MerchantBrowser]:
        """Return a browser of the merchant, without cookies."""
        return merchant_browser(self.machine, self.world, self.secrets)


async def happen(run: Run) -> None:
    """Run all steps but the erasures; of the merchant's own calendars only times are read meanwhile."""
    calendars = await add_merchant(run)
    async with run.browser() as visitor:
        await visitor.enters(await run.platform.link("settings-link"))
        await visitor.connects_from_the_page()
        await pick(visitor, calendars[PICKED])
        await book_and_change(run, visitor)
        await ask_and_pause(run, visitor)
        await show_too_much(run, visitor, calendars[PICKED])
    await lose_and_return(run)
    assert await run.calls_about(calendars.values()) == {"events.list": PRIVACY_CHECKS}, "beside freebusy.query"
    await leave_consents(run)
    note_data_keys(run.world, run.secrets)


async def add_merchant(run: Run) -> dict[str, str]:
    """Add a tour and a guide with full guest data, and the merchant's own calendars."""
    settings = {"time_zone": "Europe/Helsinki", "guest_data": "full"}
    for kind, owner in (("products", TOUR), ("resources", GUIDE)):
        await run.platform.put(f"/{kind}/{owner.id}", {"name": owner.id, **settings}, 200)
    await run.platform.put("", {"email": ADDRESS}, 200)
    await run.platform.tries_a_wrong_key()
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


async def ask_and_pause(run: Run, visitor: MerchantBrowser) -> None:
    """Ask about a busy time, which leaves evidence; pause everything and resume, for which a workflow runs."""
    times = {"start": "2027-07-01T09:30:00+03:00", "end": "2027-07-01T10:00:00+03:00"}
    answer = await run.platform.post(f"/products/{TOUR.id}/confirm", **times, within_ms=20_000)
    assert (answer["answer"], PICKED in json.dumps(answer, ensure_ascii=False)) == ("no", True)
    for sync in ("off", "on"):
        assert (await visitor.sends("/settings/sync", sync=sync)).status_code == 303


async def show_too_much(run: Run, visitor: MerchantBrowser, calendar: str) -> None:
    """Let Google show the events of the merchant's own calendar."""
    await run.grant_too_much()
    assert "Google disclosed more" in (await visitor.sends(f"{PRODUCT_PAGE}/privacy", calendar=calendar)).text
    visitor.note_grant()


async def lose_and_return(run: Run) -> None:
    """Revoke the grant; the merchant connects again by the link of an e-mail, in another browser."""
    (await run.world.http.post(f"/sandbox/accounts/{EMAIL}/revoke")).raise_for_status()
    await run.report(1, booking=LATER_BOOKING)
    await run.parked()
    link = await run.mailed_link()
    async with run.browser() as visitor:
        await visitor.opens(await run.platform.link("google/connect"))
        await visitor.connects(await visitor.follows(link), shows="Google is connected.")
        await run.world.settled(1, LATER_BOOKING)
        visitor.note_grant()


async def leave_consents(run: Run) -> None:
    """Allow access three times: decline once, and leave the others to wait for a decision, and at Google."""
    async with run.browser() as visitor:
        declined = await visitor.allows(await visitor.follows(await run.platform.link("google/connect")))
        assert "Nothing was connected" in await visitor.decides(declined, "decline")
        await visitor.allows(await visitor.follows(await run.platform.link("google/connect")))
        visitor.leaves(await visitor.follows(await run.platform.link("google/connect")))


async def erase(run: Run) -> str:
    """Cancel a booking, erase the guest of another one, then the merchant; return the receipts."""
    machine, world = run.machine, run.world
    await run.report(3, status="cancelled")
    of_guest = await GuestErasureService(machine.client, world.store, world.vault).erase(MERCHANT, LATER_BOOKING)
    await world.settled(3, BOOKING)
    assert "Mervi" not in str(await run.shown())
    # The command would wait until Temporal has deleted all, which takes its time.
    service = ErasureService(machine.settings, machine.client, world.store, world.vault, index_timeout=timedelta())
    return of_guest.model_dump_json() + (await service.erase_merchant(MERCHANT, google=True)).model_dump_json()
