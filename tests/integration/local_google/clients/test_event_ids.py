"""Ids that the client chose, and what becomes of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.google_clients.bodies import timed
from tests.support.google_clients.calendar_client import CalendarClient, Refused, refused
from tests.support.google_clients.connecting import KINDS, Connector

CHOSEN = "0a1b2c3d4e5f6g7h8i9jkstuv"


def test_a_chosen_id_is_kept(client: CalendarClient, calendar_id: str) -> None:
    assert client.insert_event(calendar_id, timed(id=CHOSEN))["id"] == CHOSEN
    assert client.get_event(calendar_id, CHOSEN)["summary"] == "Sunset tour"


def test_a_taken_id_is_refused_and_the_first_event_stays(client: CalendarClient, calendar_id: str) -> None:
    client.insert_event(calendar_id, timed(id=CHOSEN, summary="First"))
    with refused(409, "duplicate"):
        client.insert_event(calendar_id, timed(id=CHOSEN, summary="Second"))
    assert [event["summary"] for event in client.events(calendar_id)] == ["First"]


# The clients of one Node process take turns, so they have no race to win.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "node"], indirect=True)
def test_one_of_many_simultaneous_creations_with_one_id_succeeds(connect: Connector, calendar_id: str) -> None:
    clients = [connect() for _ in range(8)]

    def take_it(client: CalendarClient) -> int:
        try:
            client.insert_event(calendar_id, timed(id=CHOSEN))
        except Refused as refusal:
            return refusal.status
        return 200

    with ThreadPoolExecutor(len(clients)) as pool:
        assert sorted(pool.map(take_it, clients)) == [200] + [409] * 7


def test_a_deleted_id_stays_taken(client: CalendarClient, calendar_id: str) -> None:
    client.insert_event(calendar_id, timed(id=CHOSEN))
    client.delete_event(calendar_id, CHOSEN)
    with refused(409, "duplicate"):
        client.insert_event(calendar_id, timed(id=CHOSEN))
    assert client.events(calendar_id) == []


def test_an_id_is_taken_in_one_calendar_only(client: CalendarClient, calendar_id: str) -> None:
    other = client.create_calendar({"summary": "Guide 1"})["id"]
    client.insert_event(calendar_id, timed(id=CHOSEN))
    assert client.insert_event(other, timed(id=CHOSEN))["id"] == CHOSEN


def test_a_second_delete_finds_it_gone(client: CalendarClient, calendar_id: str) -> None:
    client.insert_event(calendar_id, timed(id=CHOSEN))
    client.delete_event(calendar_id, CHOSEN)
    with refused(410, "deleted"):
        client.delete_event(calendar_id, CHOSEN)


def test_an_id_that_never_was_is_not_found(client: CalendarClient, calendar_id: str) -> None:
    with refused(404, "notFound"):
        client.get_event(calendar_id, CHOSEN)
    with refused(404, "notFound"):
        client.delete_event(calendar_id, CHOSEN)
    with refused(404, "notFound"):
        client.update_event(calendar_id, CHOSEN, timed())
    with refused(404, "notFound"):
        client.patch_event(calendar_id, CHOSEN, {"summary": "Nothing"})


@pytest.mark.parametrize("bad", ["UPPER00", "with-hyphen", "wxyz0123", "pår0123", "abcd", "a" * 1025])
def test_an_id_outside_base32hex_is_invalid(client: CalendarClient, calendar_id: str, bad: str) -> None:
    with refused(400, "invalid"):
        client.insert_event(calendar_id, timed(id=bad))


@pytest.mark.parametrize("good", ["abcde", "a" * 1024])
def test_an_id_may_have_5_to_1024_characters(client: CalendarClient, calendar_id: str, good: str) -> None:
    assert client.insert_event(calendar_id, timed(id=good))["id"] == good


def test_events_without_an_id_get_one_each(client: CalendarClient, calendar_id: str) -> None:
    made = {client.insert_event(calendar_id, timed())["id"] for _ in range(5)}
    assert len(made) == 5
    assert all(set(one) <= set("0123456789abcdefghijklmnopqrstuv") for one in made)
