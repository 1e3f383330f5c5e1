"""A merchant's life in any order, without waiting: reports, switches, accounts, hands in Google, and lost access."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, NamedTuple

from slotsync.domain.calendars.owner import GuestData, Owner, OwnerChanges
from slotsync.domain.connections.disconnection import CalendarChoice
from starter.services.connections import ConnectionService
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.two_calendars import BOAT, OTHER_EMAIL, connect
from tests.support.world import World

PRODUCTS: Final = (TOUR, BOAT)
RESERVATIONS: Final = ("R-1", "R-2", "R-3")
PAUSES: Final = (0, 0.2, 0.5, 1, 2.5)
SLOW_CALLS: Final = ("events.insert", "events.update", "events.delete", "events.list", "calendars.insert")


class Shown(NamedTuple):
    """An event of the first account: where it is, its id, and its title."""

    calendar: str
    event: str
    title: str


class AccountLife:
    """Does what merchants, platforms and Google do, as ``chance`` has it; ``done`` says what was done."""

    def __init__(self, world: World, chance: Random) -> None:
        self._world = world
        self._chance = chance
        self._versions = dict.fromkeys(RESERVATIONS, 0)
        self._account = EMAIL
        self._known = {*PRODUCTS}
        self._access: dict[str, object] = {}
        self.done: list[str] = []
        self.wanted: dict[str, tuple[str, str] | None] = {}
        """For each reservation the product and the title of its event, None if it has none."""
        self._steps: dict[Callable[[], Awaitable[None]], int] = {
            self.report: 7,
            self.turn_off: 3,
            self.turn_all_on: 3,
            self.delete_product: 2,
            self.put_products: 3,
            self.change_level: 1,
            self.change_account: 3,
            self.disconnect: 1,
            self.drag: 4,
            self.delete_by_hand: 1,
            self.restore: 2,
            self.lose_access: 2,
            self.regain_access: 2,
            self.slow_down: 1,
            self.pause: 8,
        }

    async def begin(self) -> None:
        """Book a reservation of each kind, and wait until they stand."""
        for name in RESERVATIONS:
            await self.put(name, BOAT if name == "R-3" else TOUR)
        for name in RESERVATIONS:
            await self._world.settled(self._versions[name], name)

    async def live(self, steps: int) -> None:
        """Do so many steps at random."""
        chosen = self._chance.choices([*self._steps], [*self._steps.values()], k=steps)
        for step in chosen:
            await step()

    async def end(self) -> None:
        """Undo what keeps slotsync out, return to the first account, and report each reservation anew."""
        await self.regain_access()
        await self.put_products()
        await self._world.heal()
        await self.turn_all_on()
        for owner in PRODUCTS:
            await self._world.slotsync.put_owner(MERCHANT, owner, OwnerChanges(guest_data=GuestData.FULL))
        if self._account != EMAIL:
            await self.change_account()
        for name in RESERVATIONS:
            await self.put(name, self._chance.choice((*PRODUCTS, None)))

    async def titles(self) -> list[tuple[str, str]]:
        """Return the product and the title of each event in the first account."""
        calendars = await self._world.calendars()
        found = [(name, each.title) for name, calendar in calendars.items() for each in await self._events(calendar)]
        return sorted(found)

    # The platform

    async def put(self, name: str, owner: Owner | None) -> None:
        """Report the next version of a reservation of this product, or cancel it."""
        self._versions[name] += 1
        version = self._versions[name]
        title = f"{name} v{version}"
        self.wanted[name] = (owner.id, title) if owner else None
        self.done.append(f"{title}: {owner or 'cancelled'}")
        if owner:
            await self._world.slotsync.report(snapshot(version, item(owner.id), name=name, title=title))
        else:
            await self._world.slotsync.cancel(MERCHANT, name, version=version)

    async def report(self) -> None:
        await self.put(self._chance.choice(RESERVATIONS), self._chance.choice((*PRODUCTS, None)))

    async def turn_off(self) -> None:
        owner, remove = self._chance.choice((*sorted(self._known, key=str), None)), self._chance.random() < 0.5
        self.done.append(f"off {owner or 'all'}, removal: {remove}")
        await self._world.slotsync.turn_off(MERCHANT, owner, remove_events=remove)

    async def turn_all_on(self) -> None:
        self.done.append("on all")
        for owner in (None, *sorted(self._known, key=str)):
            await self._world.slotsync.turn_on(MERCHANT, owner)

    async def delete_product(self) -> None:
        owner, remove = self._chance.choice(PRODUCTS), self._chance.random() < 0.5
        if owner in self._known:
            self.done.append(f"delete {owner}, removal: {remove}")
            self._known.discard(owner)
            await self._world.slotsync.delete_owner(MERCHANT, owner, remove_events=remove)

    async def put_products(self) -> None:
        for owner in {*PRODUCTS} - self._known:
            self.done.append(f"put {owner}")
            await self._world.slotsync.put_owner(MERCHANT, owner, settings_of(owner))
        self._known = {*PRODUCTS}

    async def change_level(self) -> None:
        owner, level = self._chance.choice(PRODUCTS), self._chance.choice([*GuestData])
        if owner in self._known:
            self.done.append(f"level of {owner}: {level}")
            await self._world.slotsync.put_owner(MERCHANT, owner, OwnerChanges(guest_data=level))

    # The merchant

    async def change_account(self) -> None:
        self._account = OTHER_EMAIL if self._account == EMAIL else EMAIL
        self.done.append(f"account {self._account}")
        await connect(self._world, self._account)

    async def disconnect(self) -> None:
        choice = self._chance.choice([*CalendarChoice])
        self.done.append(f"disconnect, {choice} calendars; again {self._account}")
        world = self._world
        connections = ConnectionService(world.settings, world.store, world.vault, world.client)
        await connections.disconnect(MERCHANT, choice)
        await connect(world, self._account)

    # By hand in Google

    async def drag(self) -> None:
        event = await self._pick()
        others = [each for each in (await self._world.calendars()).values() if event and each != event.calendar]
        if event and others:
            await self._edit("POST", event, "/move", {"destination": self._chance.choice(others)})

    async def delete_by_hand(self) -> None:
        if event := await self._pick():
            await self._edit("DELETE", event)

    async def restore(self) -> None:
        if event := await self._pick(deleted=True):
            await self._edit("POST", event, "/restore")

    # Google

    async def lose_access(self) -> None:
        calendars = sorted((await self._world.calendars()).items())
        if calendars and not self._access:
            name, calendar = self._chance.choice(calendars)
            address, role = f"{_address(calendar)}/access", self._chance.choice(("none", "reader"))
            self._access[address] = (await self._world.http.get(address)).raise_for_status().json()
            self.done.append(f"access to {name}: {role}")
            await self._world.http.patch(address, json={"role": role})

    async def regain_access(self) -> None:
        for address, before in self._access.items():
            self.done.append("access back")
            await self._world.http.patch(address, json=before)
        self._access.clear()

    async def slow_down(self) -> None:
        method, kind = self._chance.choice(SLOW_CALLS), self._chance.choice(("slow", "lost_response"))
        self.done.append(f"{kind} {method}")
        await self._world.fault(method=method, kind=kind, seconds=2, count=2)

    async def pause(self) -> None:
        await asyncio.sleep(self._chance.choice(PAUSES))

    async def _pick(self, *, deleted: bool = False) -> Shown | None:
        """Return an event of the first account at random, or None if there is none."""
        calendars = sorted((await self._world.calendars()).values())
        found = [each for calendar in calendars for each in await self._events(calendar, deleted=deleted)]
        return self._chance.choice(found) if found else None

    async def _events(self, calendar: str, *, deleted: bool = False) -> list[Shown]:
        answer = await self._world.http.get(f"{_address(calendar)}/events", params={"showDeleted": "true"})
        items = answer.raise_for_status().json()["items"]
        chosen = [each for each in items if (each["status"] == "cancelled") is deleted and each.get("summary")]
        return sorted(Shown(calendar, each["id"], each["summary"]) for each in chosen)

    async def _edit(self, method: str, event: Shown, then: str = "", body: object = None) -> None:
        address = f"{_address(event.calendar)}/events/{event.event}{then}"
        answer = await self._world.http.request(method, address, json=body)
        self.done.append(f"{method} {event.title}{then}: {answer.status_code}")


def _address(calendar: str) -> str:
    return f"/sandbox/accounts/{EMAIL}/calendars/{calendar}"
