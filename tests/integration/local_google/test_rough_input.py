"""Random input: the answer is one of Google's, never an internal error."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localgoogle.local_google import LocalGoogle
from localgoogle.protocol.discovery import calendar_v3
from tests.support.local_google import ApiClient

TIMES = st.sampled_from(
    ["2026-12-01", "0001-01-01", "9999-12-31", "2026-12-01T10:00:00", "2026-12-01T10:00:00Z", "2026-02-30T10:00:00Z",
     "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "2026-12-01T25:00:00Z", "2026-12-01T10:00:60Z",
     "2026-12-01T10:00:00.123456789Z", "Europe/Oslo", "../UTC", "", "RRULE:FREQ=DAILY", "confirmed", "cancelled"]
)  # fmt: skip
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    TIMES,
)
NAMES = st.sampled_from(
    [*calendar_v3().properties("Event"), *calendar_v3().properties("FreeBusyRequest"), "dateTime", "date", "email",
     "private", "shared", "overrides", "useDefault", "minutes", "url", "address", "type", "params", "ttl"]
)  # fmt: skip
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5))
BODY = st.dictionaries(NAMES, JSON, max_size=8)
MOMENT = st.fixed_dictionaries({}, optional={"date": TIMES, "dateTime": TIMES, "timeZone": TIMES})
ROUGH_EVENT = st.builds(lambda start, end, rest: rest | {"start": start, "end": end}, MOMENT, MOMENT, BODY)
DAY = {"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}
NEARLY_GOOD_EVENT = st.dictionaries(NAMES, JSON, max_size=1).map(lambda rest: {**DAY, **rest})
EVENT = ROUGH_EVENT | NEARLY_GOOD_EVENT
ROUGH = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def without_quotas(google_state: LocalGoogle) -> None:
    google_state.set_quotas(1_000_000, 1_000_000)


def test_events_are_taken_or_refused(calendar_api: ApiClient) -> None:
    statuses: list[int] = []

    @ROUGH
    @given(EVENT, EVENT)
    def insert_and_patch(first: dict[str, object], second: dict[str, object]) -> None:
        made = calendar_api.post("/calendars/primary/events", json=first)
        statuses.append(made.status_code)
        assert made.status_code in {200, 400, 409}, made.text
        if made.status_code == 200:
            path = f"/calendars/primary/events/{made.json()['id']}"
            assert calendar_api.patch(path, json=second).status_code in {200, 400}
            assert calendar_api.get(path).status_code == 200

    insert_and_patch()
    assert {200, 400} <= set(statuses)


@ROUGH
@given(MOMENT, BODY)
def test_queries_channels_and_calendars_are_answered_or_refused(
    calendar_api: ApiClient, moment: dict[str, str], body: dict[str, object]
) -> None:
    times = {"timeMin": moment.get("date"), "timeMax": moment.get("dateTime"), "timeZone": moment.get("timeZone")}
    assert calendar_api.post("/freeBusy", json=body | times).status_code in {200, 400}
    assert calendar_api.post("/calendars/primary/events/watch", json=body).status_code == 400
    assert calendar_api.patch("/calendars/primary", json=body).status_code in {200, 400}


@ROUGH
@given(st.dictionaries(st.sampled_from([p.name for p in calendar_v3().methods["events.list"].parameters]), st.text()))
def test_lists_are_answered_or_refused(calendar_api: ApiClient, query: dict[str, str]) -> None:
    assert calendar_api.get("/calendars/primary/events", params=query).status_code in {200, 400, 410}
