import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.converter import WorkflowSerializationContext

from slotsync.domain.reservations.event import EventKey
from slotsync.domain.reservations.messages import EventRequest, ReportedVersion
from slotsync.temporal.options import DATA_CONVERTER, should_log_failure
from tests.support.samples import TOUR

pytestmark = pytest.mark.anyio


async def test_operators_can_read_what_a_workflow_and_its_activities_are_given() -> None:
    request = EventRequest(merchant="m", reservation="R-1", key=EventKey(item="1", owner=TOUR), version=3)
    (payload,) = await DATA_CONVERTER.encode([request])
    assert payload.metadata["encoding"] == b"json/plain"
    assert b'"reservation":"R-1"' in payload.data
    assert await DATA_CONVERTER.decode([payload], [EventRequest]) == [request]


async def test_the_ui_can_read_what_a_workflow_does_now() -> None:
    (payload,) = await DATA_CONVERTER.encode([WorkflowMetadata(current_details="Version 3 is in step")])
    assert payload.metadata["encoding"] == b"json/protobuf"
    assert b"Version 3 is in step" in payload.data


def test_nothing_that_converts_asks_for_a_context_which_the_sandbox_does_not_give() -> None:
    assert DATA_CONVERTER.payload_codec is None
    assert DATA_CONVERTER.external_storage is None
    context = WorkflowSerializationContext(namespace="default", workflow_id="w")
    assert DATA_CONVERTER.with_context(context) is DATA_CONVERTER


async def test_a_field_that_only_a_newer_version_knows_is_ignored() -> None:
    (payload,) = await DATA_CONVERTER.encode([{"version": 3, "reported_by": "a newer version"}])
    assert await DATA_CONVERTER.decode([payload], [ReportedVersion]) == [ReportedVersion(version=3)]


@pytest.mark.parametrize(
    ("attempt", "last", "logged"),
    [(1, False, True), (2, False, False), (5, False, True), (24, False, False), (50, False, True), (3, True, True)],
)
def test_failures_are_logged_often_enough_and_not_too_often(attempt: int, last: bool, logged: bool) -> None:
    assert should_log_failure(attempt, last=last) == logged
