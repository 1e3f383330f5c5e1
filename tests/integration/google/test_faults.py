"""Every fault at every write: retried as Temporal does, each ends in exactly one correct event."""

import pytest

from slotsync.errors import (
    BadRequest,
    GoogleError,
    GrantLost,
    QuotaExhausted,
    RateLimited,
    Refused,
    ScopeMissing,
    Transient,
)
from tests.support.adapter_harness import SHORT_TIMEOUT, AdapterHarness, retry_until_done

KINDS = [
    "lost_response",
    "drop",
    "slow",
    "backendError",
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "quotaExceeded",
    "authError",
    "conflict",
    "requiredAccessLevel",
]
each_kind = pytest.mark.parametrize("kind", KINDS)
# The HTTP library sends again after the first lost connection; a refused token is refreshed twice in the same call.
each_count = pytest.mark.parametrize("count", [1, 2, 3])


def disturb(adapter: AdapterHarness, method: str, kind: str, count: int) -> None:
    more = {"seconds": SHORT_TIMEOUT.total_seconds() * 2} if kind == "slow" else {}
    adapter.fault(method, kind, count=count, **more)


def assert_one_update(adapter: AdapterHarness, kind: str) -> None:
    """Check that what was written last took one call; with the short timeout a busy machine may need another try."""
    calls = adapter.calls()
    assert calls.keys() == {"events.update"}
    assert kind == "slow" or calls["events.update"] == 1


@each_kind
@each_count
def test_a_disturbed_creation_ends_in_one_event(adapter: AdapterHarness, kind: str, count: int) -> None:
    disturb(adapter, "events.insert", kind, count)
    written = retry_until_done(adapter.put)
    assert adapter.faults_left("events.insert") < count
    adapter.heal()
    assert adapter.titles() == ["Sunset tour"]
    adapter.forget_calls()
    adapter.put(2, written, summary="Two persons")
    assert_one_update(adapter, kind)


@each_kind
@each_count
def test_a_disturbed_change_ends_in_one_event(adapter: AdapterHarness, kind: str, count: int) -> None:
    created = adapter.put()
    disturb(adapter, "events.update", kind, count)
    written = retry_until_done(lambda: adapter.put(2, created, summary="Two persons"))
    assert adapter.faults_left("events.update") < count
    adapter.heal()
    assert adapter.titles() == ["Two persons"]
    adapter.forget_calls()
    adapter.put(3, written, summary="Three persons")
    assert_one_update(adapter, kind)


@each_kind
@each_count
def test_a_disturbed_deletion_ends_in_no_event(adapter: AdapterHarness, kind: str, count: int) -> None:
    created = adapter.put()
    disturb(adapter, "events.delete", kind, count)
    assert not retry_until_done(lambda: adapter.delete(created, 2)).present
    assert adapter.faults_left("events.delete") < count
    assert adapter.titles() == []


@each_kind
def test_a_disturbed_read_ends_in_one_event(adapter: AdapterHarness, kind: str) -> None:
    adapter.put()
    disturb(adapter, "events.get", kind, 2)
    retry_until_done(lambda: adapter.put(2, None, summary="Two persons"))
    assert adapter.faults_left("events.get") < 2
    assert adapter.titles() == ["Two persons"]


@each_kind
def test_a_disturbed_creation_of_a_next_generation_ends_in_one_event(adapter: AdapterHarness, kind: str) -> None:
    gone = adapter.delete(adapter.put(), 2)
    disturb(adapter, "events.insert", kind, 3)
    retry_until_done(lambda: adapter.put(3, gone))
    assert adapter.titles() == ["Sunset tour"]


@pytest.mark.parametrize("seed", range(4))
def test_faults_at_random_everywhere_end_in_one_event(adapter: AdapterHarness, seed: int) -> None:
    for kind in ("lost_response", "drop", "backendError"):
        adapter.fault("*", kind, probability=0.2, seed=seed)
    known = None
    for version in range(1, 9):
        if version % 3 == 0 and known:
            known = retry_until_done(lambda v=version, k=known: adapter.delete(k, v))  # type: ignore[misc]  # bound per round
        else:
            known = retry_until_done(lambda v=version, k=known: adapter.put(v, k, summary=f"Version {v}"))  # type: ignore[misc]  # as above
    adapter.heal()
    assert adapter.titles() == ["Version 8"]


def test_a_lost_response_is_adopted_without_another_write(adapter: AdapterHarness) -> None:
    adapter.fault("events.insert", "lost_response", count=1)
    adapter.put()
    # The HTTP library itself sent the second insert.
    assert adapter.calls() == {"events.insert": 2, "events.get": 1}


def test_a_dropped_connection_is_repeated_by_the_http_library(adapter: AdapterHarness) -> None:
    adapter.fault("events.insert", "drop", count=1)
    adapter.put()
    assert adapter.calls() == {"events.insert": 2}


def test_a_slow_creation_is_adopted(adapter: AdapterHarness) -> None:
    adapter.fault("events.insert", "slow", seconds=SHORT_TIMEOUT.total_seconds() * 2)
    with pytest.raises(Transient) as caught:
        adapter.put()
    assert caught.value.reason == "timeout"
    retry_until_done(adapter.put)
    assert adapter.titles() == ["Sunset tour"]


CLASSES = [
    ("backendError", Transient),
    ("rateLimitExceeded", RateLimited),
    ("userRateLimitExceeded", RateLimited),
    ("quotaExceeded", QuotaExhausted),
    ("insufficientPermissions", ScopeMissing),
    ("accessNotConfigured", Transient),
    ("forbiddenForNonOrganizer", BadRequest),
    ("requiredAccessLevel", Refused),
    ("timeRangeEmpty", BadRequest),
    ("invalid", BadRequest),
    ("parseError", BadRequest),
]


@pytest.mark.parametrize(("reason", "kind"), CLASSES)
@pytest.mark.parametrize("method", ["events.insert", "events.update", "events.delete"])
def test_what_is_not_about_the_event_reaches_the_caller(
    adapter: AdapterHarness, method: str, reason: str, kind: type[GoogleError]
) -> None:
    created = adapter.put() if method != "events.insert" else None
    adapter.fault(method, reason, count=1)
    with pytest.raises(kind) as caught:
        adapter.delete(created, 2) if created and method == "events.delete" else adapter.put(2, created)
    assert type(caught.value) is kind
    assert caught.value.reason == reason


def test_a_calendar_that_only_seems_missing_is_not_reported_missing(adapter: AdapterHarness) -> None:
    adapter.fault("events.insert", "notFound", count=1)
    with pytest.raises(Refused):
        adapter.put()
    adapter.put()
    assert adapter.titles() == ["Sunset tour"]


def test_a_forbidden_change_of_an_existing_event_reaches_the_caller(adapter: AdapterHarness) -> None:
    created = adapter.put()
    adapter.fault("events.update", "forbidden", count=1)
    with pytest.raises(Refused) as caught:
        adapter.put(2, created)
    assert caught.value.reason == "forbidden"
    assert adapter.titles() == ["Sunset tour"]


def test_a_token_that_ended_early_is_refreshed_in_the_same_call(adapter: AdapterHarness) -> None:
    adapter.put()
    adapter.fault("events.insert", "authError", count=1)
    adapter.put(1)
    assert adapter.titles() == ["Sunset tour"]


def test_a_grant_that_ends_in_the_middle_of_a_change_changes_nothing(adapter: AdapterHarness) -> None:
    created = adapter.put()
    adapter.revoke()
    with pytest.raises(GrantLost):
        adapter.put(2, created, summary="Two persons")
    assert adapter.titles() == ["Sunset tour"]


@pytest.mark.parametrize("kind", ["drop", "slow", "lost_response", "backendError", "rateLimitExceeded"])
def test_a_disturbed_refresh_ends_in_one_event_and_a_valid_grant(adapter: AdapterHarness, kind: str) -> None:
    adapter.grants.forget_access_tokens()
    disturb(adapter, "oauth2.token", kind, 3)
    retry_until_done(adapter.put)
    assert adapter.titles() == ["Sunset tour"]
