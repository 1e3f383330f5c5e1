"""A merchant's life with edits by hand: what people do in Google between one version and the next."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, ClassVar, Final, TypeVar
from uuid import uuid4

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.snapshot import Reservation, ReservationStatus
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from tests.support.comparison import assert_perfect
from tests.support.samples import item, settings_of, snapshot
from tests.support.sweeping import sweep
from tests.support.waiting import until
from tests.support.world import World

PRODUCTS: Final = ("sunset-tour", "boat")
GUIDE: Final = "guide-1"
OWNERS: Final = (*map(Owner.product, PRODUCTS), Owner.resource(GUIDE))
NAMES: Final = ("R-1", "R-2", "R-3")

TOUCHES: Final[dict[str, object]] = {
    "location": "Pier 3",
    "colorId": "5",
    "visibility": "private",
    "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 10}]},
    "attendees": [{"email": "guide@example.com", "responseStatus": "accepted"}],
}
"""What people add to events, which is theirs."""

OVERWRITTEN: Final[list[dict[str, object]]] = [
    {"summary": "Mine"},
    {"description": "Mine"},
    {"start": {"dateTime": "2027-08-01T10:00:00Z"}, "end": {"dateTime": "2027-08-01T11:00:00Z"}},
]
"""What people change of what is ours: the next version has it again."""

ACCESS: Final[list[dict[str, object]]] = [{"role": "reader"}, {"client_id": ""}]
PATIENCE: Final = 120
SWEEP_INTERVAL: Final = 5
"""Seconds between two sweeps."""

ZONE: Final = "Europe/Helsinki"
OTHER_ZONE: Final = "Europe/Tallinn"
GONE: Final = (404, 410)
DELETED: Final = 400
"""Google's answer to a move of what is deleted by now."""

_NAME, _PRODUCT, _NUMBER = st.sampled_from(NAMES), st.sampled_from(PRODUCTS), st.integers(0, 999)
EDITS: Final[dict[str, dict[str, st.SearchStrategy[Any]]]] = {
    "touch": {"number": _NUMBER, "name": st.sampled_from(sorted(TOUCHES))},
    "overwrite": {"number": _NUMBER, "change": st.sampled_from(OVERWRITTEN)},
    "delete": {"number": _NUMBER},
    "restore": {"number": _NUMBER},
    "drag": {"number": _NUMBER, "to": _NUMBER},
    "hide_or_take_off_the_list": {"number": _NUMBER, "hidden": st.booleans()},
    "delete_calendar": {"number": _NUMBER},
    "lower_access": {"number": _NUMBER, "access": st.sampled_from(ACCESS)},
    "give_access_back": {},
}
"""What people do by hand in Google."""

CHANGES: Final[dict[str, dict[str, st.SearchStrategy[Any]]]] = {
    "report": {"name": _NAME, "product": _PRODUCT, "guided": st.booleans(), "day": st.integers(1, 28)},
    "cancel": {"name": _NAME},
    "quiet": {},
    "turn_off": {"product": _PRODUCT},
    "turn_on": {},
}
"""What the platform and the merchant do."""

STEPS: Final = st.one_of(
    *(
        st.tuples(st.just(name), st.fixed_dictionaries(arguments))
        for name, arguments in [*EDITS.items(), *CHANGES.items(), *[("report", CHANGES["report"])] * 2]
    )
)
"""One rule for all steps: of several, Hypothesis would leave most out of each life, and the rare meetings with them."""

Result = TypeVar("Result")
Place = tuple[str, str]
"""A calendar and an event in it."""


class HandEditing(RuleBasedStateMachine):
    """One merchant in a world where slotsync's workers run. At the end, everything is as its newest version has it."""

    world: ClassVar[World]
    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self.merchant = f"m-{uuid4().hex[:12]}"
        self.email = f"{self.merchant}@gmail.example"
        self.newest: dict[str, Reservation] = {}
        self.touched: dict[Place, set[str]] = {}
        self.off: set[str] = set()
        self.unlisted: set[str] = set()
        self.dragged: set[Place] = set()
        """The places that events were dragged from: nothing is in the bin there."""
        self.closed: dict[str, dict[str, object]] = {}
        """What the access was to calendars to which it was lowered."""
        self.was_shut_out = False
        """Whether it ever was lowered: slotsync may have made other calendars, and looks into the former ones daily."""

    @rule(step=STEPS)
    def take(self, step: tuple[str, dict[str, Any]]) -> None:
        name, arguments = step
        getattr(self, name)(**arguments)

    # The platform

    @initialize(alive=st.booleans())
    def begin(self, *, alive: bool) -> None:
        assume(alive)  # Hypothesis begins with the simplest life of all, in which nothing happens
        self.do(self.world.add_merchant(*OWNERS, merchant=self.merchant, email=self.email))
        for name in NAMES:
            self.report(name, PRODUCTS[0], guided=True, day=1)
        self.quiet()

    def report(self, name: str, product: str, *, guided: bool, day: int) -> None:
        self.put(name, item(product, [GUIDE] if guided else [], day=day))

    def cancel(self, name: str) -> None:
        self.put(name, *self.newest[name].items, status=ReservationStatus.CANCELLED)

    def quiet(self) -> None:
        # No precondition: what is drawn may not depend on what happens outside.
        if not (self.closed or self.off):
            self.do(self.rest())

    # The merchant's switches

    def turn_off(self, product: str) -> None:
        self.do(self.world.slotsync.turn_off(self.merchant, Owner.product(product), remove_events=False))
        self.off.add(product)

    def turn_on(self) -> None:
        for product in sorted(self.off):
            self.do(self.world.slotsync.turn_on(self.merchant, Owner.product(product)))
        self.off.clear()

    # By hand in Google

    def touch(self, number: int, name: str) -> None:
        place = self.pick_event(number)
        if place and self.edit("PATCH", self.event_path(place), {name: TOUCHES[name]}):
            self.touched.setdefault(place, set()).add(name)

    def overwrite(self, number: int, change: dict[str, object]) -> None:
        if place := self.pick_event(number):
            self.edit("PATCH", self.event_path(place), change)

    def delete(self, number: int) -> None:
        if place := self.pick_event(number):
            self.edit("DELETE", self.event_path(place))
            self.touched.pop(place, None)

    def restore(self, number: int) -> None:
        if place := self.pick_event(number, deleted=True):
            self.edit("POST", f"{self.event_path(place)}/restore")

    def drag(self, number: int, to: int) -> None:
        place, calendars = self.pick_event(number), sorted(self.do(self.world.calendars(self.email)).values())
        if place and (destination := calendars[to % len(calendars)]) != place[0]:
            self.touched.pop(place, None)
            if self.edit("POST", f"{self.event_path(place)}/move", {"destination": destination}):
                self.dragged = self.dragged - {(destination, place[1])} | {place}

    def hide_or_take_off_the_list(self, number: int, *, hidden: bool) -> None:
        calendar = self.pick_calendar(number)
        if calendar and calendar not in self.unlisted:
            path = f"{self.account_path}/calendarList/{calendar}"
            self.do(self.call("PATCH", path, {"hidden": True}) if hidden else self.call("DELETE", path))
            self.unlisted |= set() if hidden else {calendar}

    def delete_calendar(self, number: int) -> None:
        if calendar := self.pick_calendar(number):
            self.do(self.call("DELETE", f"{self.account_path}/calendars/{calendar}"))
            self.closed.pop(calendar, None)
            self.touched = {place: names for place, names in self.touched.items() if place[0] != calendar}

    def lower_access(self, number: int, access: dict[str, object]) -> None:
        calendar = self.pick_calendar(number)
        if calendar and calendar not in self.closed:
            path = f"{self.account_path}/calendars/{calendar}/access"
            self.closed[calendar] = self.do(self.call("GET", path))
            self.was_shut_out = True
            self.do(self.call("PATCH", path, access))

    def give_access_back(self) -> None:
        for calendar, access in self.closed.items():
            self.do(self.call("PATCH", f"{self.account_path}/calendars/{calendar}/access", access))
        self.closed.clear()

    def teardown(self) -> None:
        """Undo what keeps slotsync out, report one new version of each reservation, and look at Google."""
        if not self.newest:
            return
        self.give_access_back()
        self.turn_on()
        self.quiet()
        if self.was_shut_out:
            self.do(self.look_at_the_calendars())
            self.quiet()
        for name, last in self.newest.items():
            self.put(name, *last.items, status=last.status)
        self.quiet()
        perfect = assert_perfect(
            self.world, self.newest.values(), self.email, may_have_former_calendars=self.was_shut_out
        )
        self.do(perfect)
        for place, names in self.touched.items():
            event = self.do(self.call("GET", self.event_path(place)))
            assert {name: event.get(name) for name in names} == {name: TOUCHES[name] for name in names}

    # How

    async def rest(self) -> None:
        """Wait until nothing is left to do, with a sweep now and then, as there is one every few seconds."""

        async def is_at_rest() -> bool:
            await sweep(self.world)
            with suppress(AssertionError):
                await self.world.at_rest(self.newest.values(), SWEEP_INTERVAL, only_of=self.merchant)
                return True
            return False

        try:
            await until(is_at_rest, PATIENCE)
        except TimeoutError:
            await self.world.at_rest(self.newest.values(), SWEEP_INTERVAL, only_of=self.merchant)

    async def look_at_the_calendars(self) -> None:
        """Have the calendars' workflows look into former calendars, as they do each day, and wait until they have.

        Twice: a calendar that is made by the first look is only looked after by the second.
        """
        await self.give_zone(OTHER_ZONE)
        await until(self.are_made, PATIENCE)
        await self.give_zone(ZONE)
        await until(lambda: self.are_made(ZONE), PATIENCE)

    async def give_zone(self, zone: str) -> None:
        for owner in OWNERS:
            await self.world.slotsync.put_owner(self.merchant, owner, settings_of(owner, time_zone=zone))

    async def are_made(self, zone: str | None = None) -> bool:
        """Return whether there is a calendar for each owner, and Google shows it in this zone."""
        calendars = ManagedCalendars(self.world.store)
        made = calendars.get_calendars(self.merchant, OWNERS)
        shown = [calendars.get_shown(self.merchant, each.owner)[1] for each in made]
        return all(each.calendar_id for each in made) and (zone is None or {*shown} == {zone})

    def put(self, name: str, *items: Any, status: ReservationStatus = ReservationStatus.CONFIRMED) -> None:
        version = self.newest[name].version + 1 if name in self.newest else 1
        new = snapshot(version, *items, name=name, merchant=self.merchant, status=status, title=f"{name} v{version}")
        self.forget_touches(self.newest.get(name), new)
        self.do(self.world.slotsync.report(new))
        self.newest[name] = new

    def forget_touches(self, last: Reservation | None, new: Reservation) -> None:
        """What is taken away goes with all that was added to it."""
        if last and ((last.status, new.status) != ("confirmed", "confirmed") or _owners(last) != _owners(new)):
            mine = {place for place in self.touched if self.reservation_of(place) == new.id}
            self.touched = {place: names for place, names in self.touched.items() if place not in mine}

    def reservation_of(self, place: Place) -> object:
        event = self.do(self.call("GET", self.event_path(place)))
        return event["extendedProperties"]["private"]["slotsyncReservation"]

    def pick_calendar(self, number: int) -> str | None:
        calendars = sorted(self.do(self.world.calendars(self.email)).values())
        return calendars[number % len(calendars)] if calendars else None

    def pick_event(self, number: int, *, deleted: bool = False) -> Place | None:
        places = [
            (calendar, event["id"])
            for calendar in sorted(self.do(self.world.calendars(self.email)).values())
            for event in self.list_events(calendar)
            if (event["status"] == "cancelled") is deleted and not (deleted and (calendar, event["id"]) in self.dragged)
        ]
        return places[number % len(places)] if places else None

    def list_events(self, calendar: str) -> list[dict[str, Any]]:
        listed = self.do(self.call("GET", f"{self.account_path}/calendars/{calendar}/events?showDeleted=true"))
        events: list[dict[str, Any]] = listed["items"]
        return sorted(events, key=lambda each: str(each["id"]))

    def edit(self, method: str, path: str, body: dict[str, object] | None = None) -> bool:
        """Return whether the event could be edited: slotsync may have deleted it in the same moment."""
        answer = self.do(self.world.http.request(method, path, json=body))
        if answer.status_code not in GONE and not (method == "POST" and answer.status_code == DELETED):
            answer.raise_for_status()
        # Google accepts a change of what is deleted, and changes nothing.
        return answer.is_success and not (answer.content and answer.json().get("status") == "cancelled")

    async def call(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
        answer = (await self.world.http.request(method, path, json=body)).raise_for_status()
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    @property
    def account_path(self) -> str:
        return f"/sandbox/accounts/{self.email}"

    def event_path(self, place: Place) -> str:
        return f"{self.account_path}/calendars/{place[0]}/events/{place[1]}"

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Return the result of work in the event loop of the world, from hypothesis's own thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()


def _owners(reservation: Reservation) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.product, each.resources) for each in reservation.items]
