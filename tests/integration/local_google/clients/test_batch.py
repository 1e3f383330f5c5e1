"""Many calls in one request, which of the three clients only Google's Python client can send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import BatchHttpRequest

from tests.support.google_clients.bodies import timed
from tests.support.google_clients.calendar_client import CalendarClient
from tests.support.google_clients.connecting import Connector
from tests.support.google_clients.controls import LocalGoogleControls
from tests.support.google_clients.python_client import build_credentials, build_service

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3.resources import CalendarResource

Outcome: TypeAlias = "str | int"
pytestmark = pytest.mark.parametrize("kind", ["python"], indirect=True)


@pytest.fixture
def service(connect: Connector, controls: LocalGoogleControls) -> Iterator[CalendarResource]:
    grant = connect.grant()
    # With a token in hand, because a batch refreshes on a connection that the library never closes.
    token = controls.access_token(grant.refresh_token, grant.client_id, grant.client_secret)
    grant = replace(grant, access_token=token)
    with build_service(grant, build_credentials(grant)) as built:
        yield built


class Outcomes:
    """The result of each part of a batch: the event's title, or the status of the error."""

    def __init__(self) -> None:
        self.by_request: dict[str, Outcome] = {}

    def __call__(self, request_id: str, event: dict[str, str], refusal: HttpError | None) -> None:
        self.by_request[request_id] = refusal.status_code if refusal else event["summary"]


def test_each_part_of_a_batch_has_its_own_outcome(
    service: CalendarResource, client: CalendarClient, calendar_id: str, controls: LocalGoogleControls
) -> None:
    outcomes = Outcomes()
    # The service's own new_batch_http_request always asks Google itself, whatever its endpoint is.
    batch = BatchHttpRequest(callback=outcomes, batch_uri=f"{controls.url}/batch/calendar/v3")
    for name, event_id in (("first", "aaaaa1"), ("second", "aaaaa2"), ("twin", "aaaaa1")):
        body = timed(id=event_id, summary=name)
        batch.add(service.events().insert(calendarId=calendar_id, body=body), request_id=name)
    batch.add(service.events().get(calendarId=calendar_id, eventId="nobody"), request_id="nobody")
    batch.execute()
    assert outcomes.by_request == {"first": "first", "second": "second", "twin": 409, "nobody": 404}
    assert sorted(event["summary"] for event in client.events(calendar_id)) == ["first", "second"]
