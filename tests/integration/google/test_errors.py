"""Every error that Google is known for, through a real server and the real client."""

import socket
import traceback
from datetime import timedelta

import pytest

from slotsync.errors import (
    BadRequest,
    Conflict,
    Exists,
    Gone,
    GoogleError,
    GrantLost,
    NotFound,
    PushRefused,
    QuotaExhausted,
    RateLimited,
    Refused,
    ScopeMissing,
    Transient,
)
from slotsync.google.requests import execute
from slotsync.google.service import GoogleServices
from tests.support.answering_server import Answer, AnsweringServer
from tests.support.memory_grants import MemoryGrants
from tests.support.settings import settings_at

SECRETS = ("stored", "fresh", "refresh-1", "secret-calendar", "secret-event", "Kari Nordmann", "127.0.0.1")


def refused(status: int, domain: str, reason: str, message: str = "Kari Nordmann", location: str = "") -> Answer:
    item = {"domain": domain, "reason": reason, "message": message}
    if location:
        item |= {"locationType": "parameter", "location": location}
    return Answer.of(status, {"error": {"errors": [item], "code": status, "message": message}})


def front_end(status: int, reason: str, name: str, detail: str = "", location: str = "") -> Answer:
    error: dict[str, object] = {"code": status, "message": "Kari Nordmann", "status": name}
    if reason:
        error["errors"] = [{"message": "x", "domain": "global", "reason": reason, "location": location}]
    if detail:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail}]
    return Answer.of(status, {"error": error})


def page(status: int) -> Answer:
    return Answer(status, "<html><title>Error</title>Kari Nordmann</html>", {"Content-Type": "text/html"})


ROWS = [
    (refused(400, "calendar", "timeRangeEmpty", location="timeMax"), BadRequest, "timeRangeEmpty"),
    (refused(400, "calendar", "timeRangeTooLong"), BadRequest, "timeRangeTooLong"),
    (refused(400, "global", "invalid", "Invalid resource id value."), BadRequest, "invalid"),
    (refused(400, "global", "required", "Missing end time."), BadRequest, "required"),
    (refused(400, "global", "badRequest"), BadRequest, "badRequest"),
    (refused(400, "global", "parseError"), BadRequest, "parseError"),
    (refused(400, "global", "somethingNew"), BadRequest, "somethingNew"),
    (refused(400, "global", "invalid", "Invalid sequence value. The specified"), Conflict, "invalid"),
    (refused(400, "global", "channelIdNotUnique"), Exists, "channelIdNotUnique"),
    (refused(400, "global", "push.webhookUrlNotHttps"), Transient, "push.webhookUrlNotHttps"),
    (refused(401, "global", "push.webhookUrlUnauthorized"), Transient, "push.webhookUrlUnauthorized"),
    (
        refused(400, "calendar", "pushNotSupportedForRequestedResource"),
        PushRefused,
        "pushNotSupportedForRequestedResource",
    ),
    (front_end(401, "authError", "UNAUTHENTICATED", location="Authorization"), Refused, "authError"),
    (front_end(401, "required", "UNAUTHENTICATED", location="Authorization"), Refused, "authError"),
    (refused(403, "usageLimits", "userRateLimitExceeded"), RateLimited, "userRateLimitExceeded"),
    (refused(403, "usageLimits", "rateLimitExceeded"), RateLimited, "rateLimitExceeded"),
    (refused(429, "usageLimits", "rateLimitExceeded"), RateLimited, "rateLimitExceeded"),
    (refused(403, "usageLimits", "quotaExceeded"), QuotaExhausted, "quotaExceeded"),
    (refused(403, "usageLimits", "dailyLimitExceeded"), QuotaExhausted, "dailyLimitExceeded"),
    (refused(403, "calendar", "forbiddenForNonOrganizer"), BadRequest, "forbiddenForNonOrganizer"),
    (refused(403, "calendar", "forbiddenForServiceAccounts"), BadRequest, "forbiddenForServiceAccounts"),
    (refused(403, "calendar", "requiredAccessLevel"), Refused, "requiredAccessLevel"),
    (refused(403, "global", "forbidden"), NotFound, "forbidden"),
    (refused(403, "calendar", "notACalendarUser"), Refused, "notACalendarUser"),
    (refused(403, "calendar", "somethingNew"), Refused, "somethingNew"),
    (
        front_end(403, "insufficientPermissions", "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        ScopeMissing,
        "insufficientPermissions",
    ),
    (
        front_end(403, "", "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        ScopeMissing,
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
    ),
    (
        front_end(403, "accessNotConfigured", "PERMISSION_DENIED", "SERVICE_DISABLED"),
        Transient,
        "accessNotConfigured",
    ),
    (refused(404, "global", "notFound"), NotFound, "notFound"),
    (refused(409, "global", "duplicate"), Exists, "duplicate"),
    (refused(409, "global", "conflict"), Conflict, "conflict"),
    (refused(409, "calendar", "somethingNew"), Exists, "somethingNew"),
    (refused(412, "calendar", "somethingNew"), Conflict, "somethingNew"),
    (refused(410, "global", "deleted"), Gone, "deleted"),
    (refused(410, "calendar", "fullSyncRequired", location="syncToken"), Gone, "fullSyncRequired"),
    (refused(410, "calendar", "updatedMinTooLongAgo", location="updatedMin"), Gone, "updatedMinTooLongAgo"),
    (refused(412, "global", "conditionNotMet"), Conflict, "conditionNotMet"),
    (refused(500, "global", "backendError"), Transient, "backendError"),
    (refused(503, "global", "backendError"), Transient, "backendError"),
    (refused(503, "global", "somethingNew"), Transient, "somethingNew"),
    (front_end(429, "", "RESOURCE_EXHAUSTED"), RateLimited, "RESOURCE_EXHAUSTED"),
    (page(502), Transient, "http502"),
    (page(429), RateLimited, "http429"),
    (page(403), Transient, "http403"),
    (page(404), Transient, "http404"),
    (Answer(200, "{broken", {"Content-Type": "application/json"}), Transient, "unreadable"),
    (Answer(200, "", {}), Transient, "unreadable"),
    (Answer.of(500, ["not", "an", "envelope"]), Transient, "http500"),
]


def read(services: GoogleServices) -> None:
    execute(services.calendar("c-1").events.get(calendarId="secret-calendar", eventId="secret-event"))


def error_of(services: GoogleServices) -> GoogleError:
    with pytest.raises(GoogleError) as caught:
        read(services)
    return caught.value


@pytest.mark.parametrize(("answer", "kind", "reason"), ROWS)
def test_each_error_is_classified_by_its_reason(
    answering: AnsweringServer, answered: GoogleServices, answer: Answer, kind: type[GoogleError], reason: str
) -> None:
    answering.reply = answer
    error = error_of(answered)
    assert type(error) is kind
    assert error.reason == reason
    assert error.status == (answer.status if answer.status != 200 else None)


@pytest.mark.parametrize(("answer", "kind", "reason"), ROWS)
def test_an_error_contains_nothing_of_the_event_or_the_token(
    answering: AnsweringServer, answered: GoogleServices, answer: Answer, kind: type[GoogleError], reason: str
) -> None:
    answering.reply = answer
    text = str(error_of(answered))
    assert text
    assert not [secret for secret in SECRETS if secret in text]


def test_an_error_has_no_cause_with_an_url(answering: AnsweringServer, answered: GoogleServices) -> None:
    answering.reply = refused(404, "global", "notFound")
    shown = "".join(traceback.format_exception_only(error_of(answered)))
    error = error_of(answered)
    assert error.__cause__ is None
    assert error.__suppress_context__
    assert "secret-calendar" not in shown


def test_a_delay_that_google_asks_for_is_used(answering: AnsweringServer, answered: GoogleServices) -> None:
    body = {"error": {"errors": [{"reason": "rateLimitExceeded"}], "code": 429, "message": ""}}
    answering.reply = Answer.of(429, body, **{"Retry-After": "7"})
    assert error_of(answered).delay == timedelta(seconds=7)


def test_a_delay_may_be_given_as_a_date(answering: AnsweringServer, answered: GoogleServices) -> None:
    answering.reply = Answer.of(503, {}, **{"Retry-After": "Sun, 22 Nov 2099 08:00:00 GMT"})
    delay = error_of(answered).delay
    assert delay is not None
    assert delay > timedelta(days=365)


@pytest.mark.parametrize("header", ["soon", "Sun, 22 Nov 1999 08:00:00 GMT", "-3"])
def test_an_invalid_delay_is_ignored(answering: AnsweringServer, answered: GoogleServices, header: str) -> None:
    answering.reply = Answer.of(503, {}, **{"Retry-After": header})
    assert not error_of(answered).delay


LOST_GRANTS = [
    ({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, "invalid_grant"),
]

REFUSED_GRANTS = [
    ({"error": "access_denied", "error_description": "x"}, "access_denied"),
    ({"error": "admin_policy_enforced", "error_description": "x"}, "admin_policy_enforced"),
    ({"error": "org_internal", "error_description": "x"}, "org_internal"),
    ({"error": "policy_enforced", "error_description": "x"}, "policy_enforced"),
    ({"error": "invalid_grant", "error_subtype": "invalid_rapt", "error_description": "x"}, "invalid_rapt"),
]


@pytest.mark.parametrize(("body", "reason"), REFUSED_GRANTS)
def test_a_policy_that_somebody_can_lift_refuses_the_grant_with_its_reason(
    answering: AnsweringServer, answered: GoogleServices, grants: MemoryGrants, body: dict[str, str], reason: str
) -> None:
    grants.forget_access_tokens()
    answering.token = Answer.of(400, body)
    error = error_of(answered)
    assert (type(error), error.reason) == (GrantLost, reason)


@pytest.mark.parametrize(("body", "reason"), LOST_GRANTS)
def test_a_revoked_refresh_token_means_that_the_grant_is_lost(
    answering: AnsweringServer, answered: GoogleServices, grants: MemoryGrants, body: dict[str, str], reason: str
) -> None:
    grants.forget_access_tokens()
    answering.token = Answer.of(400, body)
    error = error_of(answered)
    assert type(error) is GrantLost
    assert error.reason == reason


FAILED_REFRESHES = [
    (Answer.of(503, {"error": "internal_failure"}), "internal_failure"),
    (Answer.of(429, {"error": "temporarily_unavailable"}), "temporarily_unavailable"),
    (page(503), "refresh"),
    (Answer.of(401, {"error": "invalid_client", "error_description": "x"}), "invalid_client"),
    (Answer.of(200, {"nothing": "useful"}), "refresh"),
]


@pytest.mark.parametrize(("answer", "reason"), FAILED_REFRESHES)
def test_any_other_failure_of_a_refresh_does_not_disconnect_the_merchant(
    answering: AnsweringServer, answered: GoogleServices, grants: MemoryGrants, answer: Answer, reason: str
) -> None:
    grants.forget_access_tokens()
    answering.token = answer
    error = error_of(answered)
    assert type(error) is Transient
    assert error.reason == reason


def test_a_wrong_client_secret_names_the_setting_to_mend(
    answering: AnsweringServer, answered: GoogleServices, grants: MemoryGrants
) -> None:
    grants.forget_access_tokens()
    answering.token = Answer.of(401, {"error": "invalid_client"})
    assert "SLOTSYNC_GOOGLE_CLIENT_SECRET" in str(error_of(answered))


@pytest.mark.parametrize("reason", ["push.webhookUrlNotHttps", "push.webhookUrlUnauthorized"])
def test_an_address_that_google_sends_nothing_to_names_the_setting_to_mend_and_is_tried_slowly(
    answering: AnsweringServer, answered: GoogleServices, reason: str
) -> None:
    answering.reply = refused(400, "global", reason)
    error = error_of(answered)
    assert "SLOTSYNC_PUBLIC_URL" in str(error)
    assert error.delay == timedelta(minutes=5)


def test_a_server_that_is_not_there_is_transient(answered: GoogleServices, grants: MemoryGrants) -> None:
    unreached = free_port()
    services = services_at(f"http://127.0.0.1:{unreached}", grants)
    error = error_of(services)
    services.close()
    assert type(error) is Transient
    assert error.reason == "unreachable"


def test_a_name_that_does_not_resolve_is_transient(grants: MemoryGrants) -> None:
    services = services_at("https://no-such-host.invalid", grants)
    assert type(error_of(services)) is Transient
    services.close()


def test_a_server_that_does_not_answer_in_time_is_transient(grants: MemoryGrants) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        services = services_at(f"http://127.0.0.1:{silent.getsockname()[1]}", grants)
        error = error_of(services)
        services.close()
    assert type(error) is Transient
    assert error.reason == "timeout"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def services_at(url: str, grants: MemoryGrants) -> GoogleServices:
    return GoogleServices(settings_at(url), grants, timeout=timedelta(seconds=0.3))
