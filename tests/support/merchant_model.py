"""A model of a merchant: edits in Google, choices, faults, and the true busy minutes at each time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.support.minute_model import BlockingModel, CalendarModel, MinuteBits, taken
from tests.support.poller_harness import HORIZON, Body, PollerHarness

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ZONES = (
    "Pacific/Kiritimati",
    "Pacific/Niue",
    "Europe/Helsinki",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
)
BEGINNINGS = [
    datetime(2027, 3, 27, 22, 30, tzinfo=UTC),
    datetime(2027, 10, 30, 23, 50, tzinfo=UTC),
    datetime(2026, 12, 31, 9, tzinfo=UTC),
    datetime(2028, 2, 28, 12, 15, tzinfo=UTC),
]
"""Just before clocks change in spring and autumn, before a new year, and before a leap day."""

LONGEST = 14 * DAY
"""How long one life lasts at most."""

PRODUCTS = ("tour", "rental")
CALENDARS = range(3)
REASONS = ("notFound", "internalError", "tooManyCalendarsRequested", "groupTooBig", "aReasonThatIsNew")
KINDS = ("backendError", "rateLimitExceeded", "quotaExceeded", "authError", "drop", "lost_response")

SOON = st.integers(-DAY // MINUTE, 3 * DAY // MINUTE)
OFFSETS = SOON | st.integers(0, 150 * DAY // MINUTE)
LENGTHS = st.sampled_from([1, 30, 60, 24 * 60, 61 * 24 * 60])
HOW_IT_IS_TAKEN: "st.SearchStrategy[Body]" = st.sampled_from(
    [{}, {}, {}, {"status": "tentative"}, {"transparency": "transparent"}, {"declined": True}]
)
PADDINGS = st.sampled_from([0, 0, 15, 90, 24 * 60])
PICKED = st.sets(st.sampled_from(CALENDARS))


class MerchantModel(RuleBasedStateMachine):
    """A merchant with three calendars and two products."""

    def __init__(self, poller_harness: PollerHarness) -> None:
        super().__init__()
        self.poller_harness = poller_harness
        self.clock = poller_harness.clock
        self.choices = {product: BlockingModel() for product in PRODUCTS}
        self.calendars: list[CalendarModel] = []
        self.failing = False
        self.fails_once = False
        self.connected = True

    @initialize(
        beginning=st.sampled_from(BEGINNINGS),
        later=st.integers(0, 24 * 60),
        zones=st.lists(st.sampled_from(ZONES), min_size=3, max_size=3),
    )
    def begins(self, beginning: datetime, later: int, zones: list[str]) -> None:
        self.poller_harness.http.post("/sandbox/reset").raise_for_status()
        self.clock.now = beginning + later * MINUTE
        self.ends = self.clock.now + LONGEST
        self.minutes = MinuteBits(self.today - 20 * DAY, 20 + HORIZON.days + LONGEST // DAY + 5)
        self.account = self.poller_harness.account(zones[0])
        self.calendars = [CalendarModel(self.account.calendar(f"Calendar {zone}", zone), zone) for zone in zones]
        for each in self.calendars:
            self.note(each)
        for product, picked in zip(PRODUCTS, ({0, 1, 2}, {0}), strict=True):
            self.account.choose(product)
            self.picks(product, picked)

    # What the merchant does in Google

    @rule(place=st.sampled_from(CALENDARS), offset=OFFSETS, length=LENGTHS, taken_as=HOW_IT_IS_TAKEN)
    def enters_an_event(self, place: int, offset: int, length: int, taken_as: Body) -> None:
        start = self.this_minute + offset * MINUTE
        self.enter(place, _times(start, start + length * MINUTE), taken_as)

    @rule(place=st.sampled_from(CALENDARS), day=st.integers(-2, 140), days=st.integers(1, 9), taken_as=HOW_IT_IS_TAKEN)
    def enters_whole_days(self, place: int, day: int, days: int, taken_as: Body) -> None:
        first = self.today.date() + day * DAY
        self.enter(place, _days(first, first + days * DAY), taken_as)

    @rule(
        place=st.sampled_from(CALENDARS),
        day=st.integers(-9, 100),
        at=st.none() | st.tuples(st.integers(5, 20), st.sampled_from(ZONES)),
        often=st.sampled_from(["FREQ=DAILY;COUNT=15", "FREQ=WEEKLY;COUNT=9"]),
    )
    def enters_a_series(self, place: int, day: int, at: tuple[int, str] | None, often: str) -> None:
        first = self.today.date() + day * DAY
        once = _two_hours(first, *at) if at else _days(first, first + DAY)
        self.enter(place, {**once, "recurrence": [f"RRULE:{often}"]}, {})

    @rule(place=st.sampled_from(CALENDARS), number=st.integers(0), offset=SOON, length=LENGTHS)
    def moves_an_event(self, place: int, number: int, offset: int, length: int) -> None:
        start = self.this_minute + offset * MINUTE
        self.change(place, number, {**_times(start, start + length * MINUTE), "recurrence": None})

    @rule(place=st.sampled_from(CALENDARS), number=st.integers(0), free=st.booleans())
    def says_that_an_event_takes_time_or_none(self, place: int, number: int, free: bool) -> None:
        self.change(place, number, {"transparency": "transparent" if free else "opaque"})

    @rule(place=st.sampled_from(CALENDARS), number=st.integers(0))
    def deletes_an_event(self, place: int, number: int) -> None:
        calendar = self.calendars[place]
        if calendar.events and not calendar.deleted:
            self.account.delete(calendar.id, calendar.events.pop(number % len(calendar.events)))
            self.note(calendar)

    @rule(place=st.sampled_from(CALENDARS), zone=st.sampled_from(ZONES))
    def moves_a_calendar_to_another_zone(self, place: int, zone: str) -> None:
        calendar = self.calendars[place]
        if not calendar.deleted:
            self.account.move_calendar(calendar.id, zone)
            calendar.zone = zone
            self.note(calendar)

    @precondition(lambda self: self.clock.now > self.ends - LONGEST + DAY)
    @rule()
    def deletes_a_calendar(self) -> None:
        if not self.calendars[0].deleted:
            self.account.delete_calendar(self.calendars[0].id)
            self.calendars[0].deleted = True
            self.note(self.calendars[0])

    # What the merchant chooses

    @rule(product=st.sampled_from(PRODUCTS), picked=PICKED)
    def picks(self, product: str, picked: set[int]) -> None:
        self.choices[product].picked = picked
        self.account.pick(*(self.calendars[each].id for each in picked), product=product)

    @rule(
        product=st.sampled_from(PRODUCTS),
        on_unknown=st.sampled_from(["block", "sell", "last_known:2"]),
        before=PADDINGS,
        after=PADDINGS,
        needed=st.sampled_from([None, 1, 2]),
    )
    def chooses(self, product: str, on_unknown: str, before: int, after: int, needed: int | None) -> None:
        choice = self.choices[product]
        choice.before, choice.after, choice.needed = before, after, needed
        paddings = {"pad_before_minutes": before, "pad_after_minutes": after}
        self.account.choose(product, on_unknown=on_unknown, free_calendars_needed=needed, **paddings)

    # What goes wrong

    @rule(place=st.sampled_from(CALENDARS), reason=st.sampled_from(REASONS), lasts=st.sampled_from([True, True, False]))
    def a_calendar_answers_errors(self, place: int, reason: str, lasts: bool) -> None:
        calendar = self.calendars[place]
        self.poller_harness.fault(
            "freebusy_error", calendar=calendar.id, reason=reason, **({} if lasts else {"count": 1})
        )
        calendar.failing |= lasts
        self.fails_once |= not lasts
        self.note_trouble()

    @rule(kind=st.sampled_from(KINDS), lasts=st.sampled_from([True, True, False]))
    def google_fails(self, kind: str, lasts: bool) -> None:
        self.poller_harness.fault(kind, **({} if lasts else {"count": 2}))
        self.failing |= lasts
        self.fails_once |= not lasts
        self.note_trouble()

    @rule()
    def all_heals(self) -> None:
        self.poller_harness.heal()
        self.failing = self.fails_once = False
        for each in self.calendars:
            each.failing = False
        self.note_trouble()

    @rule()
    def the_grant_is_lost(self) -> None:
        self.account.lose_grant()
        self.connected = False
        self.note_trouble()

    @rule()
    def the_merchant_connects_again(self) -> None:
        self.account.connect("Europe/Helsinki")
        self.connected = True
        self.note_trouble()

    # How it is done

    @property
    def this_minute(self) -> datetime:
        return self.clock.now.replace(second=0, microsecond=0)

    @property
    def today(self) -> datetime:
        return self.this_minute.replace(hour=0, minute=0)

    def enter(self, place: int, times: Body, taken_as: Body) -> None:
        calendar = self.calendars[place]
        guests = [{"email": calendar.id, "responseStatus": "declined"}]  # the entry of the calendar itself
        body = {**times, "attendees": guests} if "declined" in taken_as else {**times, **taken_as}
        if not calendar.deleted:
            calendar.events.append(self.account.enter(calendar.id, body))
            self.note(calendar)

    def change(self, place: int, number: int, body: Body) -> None:
        calendar = self.calendars[place]
        if calendar.events and not calendar.deleted:
            self.account.change(calendar.id, calendar.events[number % len(calendar.events)], body)
            self.note(calendar)

    def note(self, calendar: CalendarModel) -> None:
        """Record the calendar's state from now on."""
        events = [] if calendar.deleted else self.account.events(calendar.id)
        self.note_state(calendar, self.minutes.of(taken(events, calendar.id, calendar.zone)))

    def note_trouble(self) -> None:
        """Record all states again when a fault begins or ends, with the events unchanged."""
        for each in self.calendars:
            self.note_state(each, each.states[-1][1])

    def note_state(self, calendar: CalendarModel, busy: int) -> None:
        known = self.connected and not (self.failing or calendar.failing or calendar.deleted)
        calendar.states.append((self.clock.now, busy, known))


def _times(start: datetime, end: datetime, zone: str | None = None) -> Body:
    return {
        side: {"dateTime": moment.isoformat(), "timeZone": zone, "date": None}
        for side, moment in (("start", start), ("end", end))
    }


def _two_hours(day: date, hour: int, zone: str) -> Body:
    start = datetime.combine(day, time(hour), ZoneInfo(zone))
    return _times(start, start + 2 * HOUR, zone)


def _days(first: date, last: date) -> Body:
    return {"start": {"date": first.isoformat()}, "end": {"date": last.isoformat()}}
