"""Every fault at every write: repeated as Temporal repeats, it ends in exactly one right event."""

import pytest

from slotsync.errors import (
    BadRequest,
    GoogleError,
    GrantLost,
    NotFound,
    QuotaExhausted,
    RateLimited,
    ScopeMissing,
    Transient,
)
from tests.support.adapter_harness import IMPATIENT_TIMEOUT, AdapterHarness, until_done

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
# The HTTP library swallows the first lost connection by sending again; a refused token is renewed twice unseen.
each_count = pytest.mark.parametrize("count", [1, 2, 3])


def disturb(world: AdapterHarness, method: str, kind: str, count: int) -> None:
    more = {"seconds": IMPATIENT_TIMEOUT.total_seconds() * 2} if kind == "slow" else {}
    world.fault(method, kind, count=count, **more)


@each_kind
@each_count
def test_a_disturbed_creation_ends_in_one_event(world: AdapterHarness, kind: str, count: int) -> None:
    disturb(world, "events.insert", kind, count)
    written = until_done(world.put)
    world.heal()
    assert world.titles() == ["Sunset tour"]
    world.forget_calls()
    world.put(2, written, summary="Two persons")
    assert world.calls() == {"events.update": 1}


@each_kind
@each_count
def test_a_disturbed_change_ends_in_one_event(world: AdapterHarness, kind: str, count: int) -> None:
    created = world.put()
    disturb(world, "events.update", kind, count)
    written = until_done(lambda: world.put(2, created, summary="Two persons"))
    world.heal()
    assert world.titles() == ["Two persons"]
    world.forget_calls()
    world.put(3, written, summary="Three persons")
    assert world.calls() == {"events.update": 1}


@each_kind
@each_count
def test_a_disturbed_deletion_ends_in_no_event(world: AdapterHarness, kind: str, count: int) -> None:
    created = world.put()
    disturb(world, "events.delete", kind, count)
    assert not until_done(lambda: world.delete(created, 2)).present
    assert world.titles() == []


@each_kind
def test_a_disturbed_look_ends_in_one_event(world: AdapterHarness, kind: str) -> None:
    world.put()
    disturb(world, "events.get", kind, 2)
    until_done(lambda: world.put(2, None, summary="Two persons"))
    assert world.titles() == ["Two persons"]


@each_kind
def test_a_creation_of_a_next_life_that_is_disturbed_ends_in_one_event(world: AdapterHarness, kind: str) -> None:
    gone = world.delete(world.put(), 2)
    disturb(world, "events.insert", kind, 3)
    until_done(lambda: world.put(3, gone))
    assert world.titles() == ["Sunset tour"]


@pytest.mark.parametrize("seed", range(4))
def test_faults_at_random_everywhere_end_in_one_event(world: AdapterHarness, seed: int) -> None:
    for kind in ("lost_response", "drop", "backendError"):
        world.fault("*", kind, probability=0.2, seed=seed)
    known = None
    for version in range(1, 9):
        if version % 3 == 0 and known:
            known = until_done(lambda v=version, k=known: world.delete(k, v))  # type: ignore[misc]  # bound per round
        else:
            known = until_done(lambda v=version, k=known: world.put(v, k, summary=f"Version {v}"))  # type: ignore[misc]  # as above
    world.heal()
    assert world.titles() == ["Version 8"]


def test_a_lost_response_is_adopted_without_another_write(world: AdapterHarness) -> None:
    world.fault("events.insert", "lost_response", count=1)
    world.put()
    # The second insert is the HTTP library's own doing.
    assert world.calls() == {"events.insert": 2, "events.get": 1}


def test_a_drop_is_repeated_by_the_http_library_unseen(world: AdapterHarness) -> None:
    world.fault("events.insert", "drop", count=1)
    world.put()
    assert world.calls() == {"events.insert": 2}


def test_a_slow_creation_is_adopted(world: AdapterHarness) -> None:
    world.fault("events.insert", "slow", seconds=IMPATIENT_TIMEOUT.total_seconds() * 2)
    with pytest.raises(Transient) as caught:
        world.put()
    assert caught.value.reason == "timeout"
    until_done(world.put)
    assert world.titles() == ["Sunset tour"]


CLASSES = [
    ("backendError", Transient),
    ("rateLimitExceeded", RateLimited),
    ("userRateLimitExceeded", RateLimited),
    ("quotaExceeded", QuotaExhausted),
    ("insufficientPermissions", ScopeMissing),
    ("accessNotConfigured", Transient),
    ("forbiddenForNonOrganizer", BadRequest),
    ("requiredAccessLevel", Transient),
    ("timeRangeEmpty", BadRequest),
    ("invalid", BadRequest),
    ("parseError", BadRequest),
]


@pytest.mark.parametrize(("reason", "kind"), CLASSES)
@pytest.mark.parametrize("method", ["events.insert", "events.update", "events.delete"])
def test_what_is_not_about_the_event_reaches_the_caller(
    world: AdapterHarness, method: str, reason: str, kind: type[GoogleError]
) -> None:
    created = world.put() if method != "events.insert" else None
    world.fault(method, reason, count=1)
    with pytest.raises(kind) as caught:
        world.delete(created, 2) if created and method == "events.delete" else world.put(2, created)
    assert type(caught.value) is kind
    assert caught.value.reason == reason


def test_a_calendar_that_only_seems_missing_is_not_reported_missing(world: AdapterHarness) -> None:
    world.fault("events.insert", "notFound", count=1)
    with pytest.raises(Transient):
        world.put()
    world.put()
    assert world.titles() == ["Sunset tour"]


def test_a_forbidden_change_of_a_living_event_reaches_the_caller(world: AdapterHarness) -> None:
    created = world.put()
    world.fault("events.update", "forbidden", count=1)
    with pytest.raises(NotFound):
        world.put(2, created)
    assert world.titles() == ["Sunset tour"]


def test_a_token_that_died_early_is_renewed_unseen(world: AdapterHarness) -> None:
    world.put()
    world.fault("events.insert", "authError", count=1)
    world.put(1)
    assert world.titles() == ["Sunset tour"]


def test_a_grant_that_ends_in_the_middle_of_a_change_changes_nothing(world: AdapterHarness) -> None:
    created = world.put()
    world.revoke()
    with pytest.raises(GrantLost):
        world.put(2, created, summary="Two persons")
    assert world.titles() == ["Sunset tour"]


@pytest.mark.parametrize("kind", ["drop", "slow", "lost_response", "backendError", "rateLimitExceeded"])
def test_trouble_with_tokens_ends_in_one_event_and_a_grant_that_lives(world: AdapterHarness, kind: str) -> None:
    world.grants.forget_access_tokens()
    disturb(world, "oauth2.token", kind, 3)
    until_done(world.put)
    assert world.titles() == ["Sunset tour"]
