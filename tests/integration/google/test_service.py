"""Services: one for each thread and connection, with tokens that all of them refresh once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from slotsync.errors import GrantLost, Refused, SettingsError, Transient
from slotsync.google.auth.tokens import AccessToken
from slotsync.google.requests import execute
from slotsync.google.service import MAX_IDLE_TIME, GoogleServices
from slotsync.settings import Settings
from tests.support.answering_server import Answer, AnsweringServer
from tests.support.memory_grants import MemoryGrant, MemoryGrants
from tests.support.settings import settings_at
from tests.support.waiting import wait_until

THREADS = 16


def read(services: GoogleServices, connection_id: str = "c-1") -> None:
    execute(services.calendar(connection_id).events.get(calendarId="calendar", eventId="event"))


def in_an_hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def test_a_stored_token_is_used_without_asking_for_another(
    answering: AnsweringServer, answered: GoogleServices
) -> None:
    read(answered)
    assert [request.token for request in answering.requests] == ["stored"]


def test_an_expired_token_is_refreshed_before_the_call_and_kept(
    answering: AnsweringServer, answered: GoogleServices, grants: MemoryGrants
) -> None:
    grants.grants["c-1"] = MemoryGrant("refresh-1", "stored", datetime.now(UTC) + timedelta(minutes=4))
    read(answered)
    assert [request.token for request in answering.calls("/calendar/")] == ["fresh"]
    kept = grants.grants["c-1"]
    assert kept.access_token == "fresh"
    assert kept.expires_at is not None
    assert timedelta(minutes=59) < kept.expires_at - datetime.now(UTC) < timedelta(hours=1)


def test_many_threads_refresh_a_token_once(
    answering: AnsweringServer, answered: GoogleServices, grants: MemoryGrants
) -> None:
    grants.grants["c-1"] = MemoryGrant("refresh-1")
    together = threading.Barrier(THREADS)

    def call() -> None:
        together.wait()
        read(answered)

    with ThreadPoolExecutor(THREADS) as threads:
        for call_of_thread in [threads.submit(call) for _ in range(THREADS)]:
            call_of_thread.result()
    assert len(answering.calls("/token")) == 1
    assert len(answering.calls("/calendar/")) == THREADS


def test_a_token_that_google_refuses_is_replaced_once_for_all_threads(
    answering: AnsweringServer, answered: GoogleServices, grants: MemoryGrants
) -> None:
    answering.refused_tokens.add("stored")
    together = threading.Barrier(THREADS)

    def call() -> None:
        together.wait()
        read(answered)

    with ThreadPoolExecutor(THREADS) as threads:
        for call_of_thread in [threads.submit(call) for _ in range(THREADS)]:
            call_of_thread.result()
    assert grants.saved == ["fresh"]
    assert len(answering.calls("/token")) == 1


def test_google_refusing_every_token_is_a_refusal(answering: AnsweringServer, answered: GoogleServices) -> None:
    answering.refused_tokens |= {"stored", "fresh"}
    with pytest.raises(Refused) as caught:
        read(answered)
    assert caught.value.reason == "authError"


def test_a_new_grant_is_used_at_once(
    answering: AnsweringServer, answered: GoogleServices, grants: MemoryGrants
) -> None:
    read(answered)
    grants.grants["c-1"] = MemoryGrant("refresh-2", "of the new grant", in_an_hour())
    read(answered)
    assert [request.token for request in answering.requests] == ["stored", "of the new grant"]


def test_a_connection_without_a_grant_makes_no_call(
    answering: AnsweringServer, answered: GoogleServices, grants: MemoryGrants
) -> None:
    read(answered)
    grants.grants.clear()
    with pytest.raises(GrantLost):
        read(answered)
    assert len(answering.requests) == 1


def test_one_connection_to_google_serves_many_calls(answering: AnsweringServer, answered: GoogleServices) -> None:
    for _ in range(5):
        read(answered)
    assert answering.connections == 1


def test_a_connection_to_google_that_was_idle_for_long_is_not_used_again(
    answering: AnsweringServer, grants: MemoryGrants
) -> None:
    now = datetime.now(UTC)
    with closing(GoogleServices(settings_at(answering.url), grants, clock=lambda: now)) as services:
        for idle, connections in (
            (timedelta(), 1),
            (MAX_IDLE_TIME, 1),
            (MAX_IDLE_TIME + timedelta(seconds=1), 2),
            (MAX_IDLE_TIME, 2),
        ):
            now += idle
            read(services)
            assert answering.connections == connections


def test_no_two_threads_and_no_two_connections_share_a_service(answered: GoogleServices, grants: MemoryGrants) -> None:
    grants.grants["c-2"] = MemoryGrant("refresh-2", "other", in_an_hour())
    with ThreadPoolExecutor(1) as other:
        services = [answered.calendar("c-1"), answered.calendar("c-2")]
        services += [other.submit(answered.calendar, connection).result() for connection in ("c-1", "c-2")]
        assert len({id(service) for service in services}) == 4
        assert answered.calendar("c-1") is services[0]


def test_a_thread_keeps_the_services_that_it_used_last_and_closes_the_others(
    answering: AnsweringServer, grants: MemoryGrants
) -> None:
    grants.grants |= {name: MemoryGrant(name, name, in_an_hour()) for name in ("c-2", "c-3")}
    with closing(GoogleServices(settings_at(answering.url), grants, max_services_per_thread=2)) as services:
        first = services.calendar("c-1")
        for name in ("c-1", "c-2", "c-1", "c-3"):
            read(services, name)
        wait_until(lambda: answering.open_connections == 2)
        assert services.calendar("c-1") is first


def test_the_connections_of_a_thread_end_with_it(answering: AnsweringServer, answered: GoogleServices) -> None:
    with ThreadPoolExecutor(1) as other:
        other.submit(read, answered).result()
    wait_until(lambda: answering.connections == 1 and answering.open_connections == 0)


def test_an_interrupted_answer_does_not_break_the_next_call(
    answering: AnsweringServer, answered: GoogleServices
) -> None:
    answering.reply = Answer(body='{"id": ', headers={"Content-Length": "100", "Connection": "close"})
    with pytest.raises(Transient):
        read(answered)
    answering.reply = Answer.of(200, {"id": "event"})
    read(answered)
    assert answering.connections == 2


def test_without_an_oauth_client_the_settings_are_named_at_once(grants: MemoryGrants) -> None:
    complete = settings_at("")
    bare = Settings(_env_file=None, encryption_keys=complete.encryption_keys)
    with pytest.raises(SettingsError, match="SLOTSYNC_GOOGLE_CLIENT_ID"):
        GoogleServices(bare, grants)


def test_a_token_is_not_shown_by_its_repr() -> None:
    assert "secret-token" not in repr(AccessToken("secret-token", in_an_hour()))


@dataclass
class ReconnectedGrants(MemoryGrants):
    """Grants of a merchant who connects another account in the moment when a token of the earlier one is stored."""

    def save_access_token(self, connection_id: str, token: str, expires_at: datetime, grant_number: int) -> None:
        self.grants[connection_id] = MemoryGrant("refresh-2", "of the new grant", in_an_hour(), number=2)
        super().save_access_token(connection_id, token, expires_at, grant_number)


def test_a_token_of_the_grant_before_is_not_kept_for_the_new_one(answering: AnsweringServer) -> None:
    grants = ReconnectedGrants({"c-1": MemoryGrant("refresh-1")})
    with closing(GoogleServices(settings_at(answering.url), grants)) as services:
        read(services)
        read(services)
    assert grants.saved == []
    assert [request.token for request in answering.calls("/calendar/")] == ["fresh", "of the new grant"]
