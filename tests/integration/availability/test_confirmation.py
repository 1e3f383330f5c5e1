from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from slotsync.domain.availability.messages import Confirmation, Verdict
from slotsync.domain.workflow_ids import availability_id
from slotsync.errors import InputError
from slotsync.store.calendars.owners import Owners
from tests.support.availability_webhooks import HOUR, TOMORROW
from tests.support.availability_world import AvailabilityWorld
from tests.support.samples import EMAIL, MERCHANT, TOUR, settings_of

pytestmark = pytest.mark.anyio

PATIENCE = timedelta(seconds=20)
"""So that an answer does not depend on how busy the machine is."""


async def confirm(availability: AvailabilityWorld, hours: int = 0, within: timedelta = PATIENCE) -> Confirmation:
    start = TOMORROW + hours * HOUR
    return await availability.world.slotsync.confirm(MERCHANT, TOUR.id, start, start + HOUR, within=within)


async def test_google_itself_says_yes_or_no_and_each_calendar_gives_evidence(availability: AvailabilityWorld) -> None:
    async with availability.world.working():
        await availability.block(EMAIL)
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        no, yes = await confirm(availability), await confirm(availability, hours=1)
    assert (no.answer, yes.answer) == (Verdict.NO, Verdict.YES)
    assert [(each.calendar, [span.start for span in each.busy]) for each in no.evidence] == [("Picked", [TOMORROW])]
    assert not yes.evidence[0].busy


async def test_the_evidence_stays_in_the_history(availability: AvailabilityWorld) -> None:
    async with availability.world.working():
        await availability.block(EMAIL)
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        await confirm(availability)
        history = await availability.world.client.get_workflow_handle(
            availability_id(MERCHANT, TOUR.id)
        ).fetch_history()
    outcomes = [
        event.workflow_execution_update_completed_event_attributes.outcome.success.payloads[0]
        for event in history.events
        if event.HasField("workflow_execution_update_completed_event_attributes")
    ]
    (kept,) = await availability.world.client.data_converter.decode(outcomes, [Confirmation])
    assert kept.evidence[0].busy[0].start == TOMORROW


async def test_the_padding_counts_in_a_confirmation(availability: AvailabilityWorld) -> None:
    Owners(availability.world.store).put(MERCHANT, TOUR, settings_of(TOUR, pad_after_minutes=30))
    async with availability.world.working():
        await availability.block(EMAIL)
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        assert (await confirm(availability, hours=1)).answer is Verdict.NO
        assert (await confirm(availability, hours=2)).answer is Verdict.YES


async def test_without_an_answer_in_time_the_time_is_unknown(availability: AvailabilityWorld) -> None:
    async with availability.world.working():
        await availability.block(EMAIL)
        await confirm(availability)
        await availability.world.fault(method="freebusy.query", kind="slow", seconds=4, count=1000)
        answer = await confirm(availability, within=timedelta(seconds=1))
        await availability.world.heal()
    assert answer.answer is Verdict.UNKNOWN
    assert "did not answer within 1 s" in answer.because


@pytest.mark.parametrize("reason", ["notFound", "internalError"])
async def test_a_calendar_with_an_error_inside_a_200_is_unknown(availability: AvailabilityWorld, reason: str) -> None:
    async with availability.world.working():
        await availability.block(EMAIL)
        await availability.world.fault(method="freebusy.query", kind="freebusy_error", reason=reason, count=1000)
        answer = await confirm(availability)
    assert (answer.answer, answer.evidence[0].error) == (Verdict.UNKNOWN, reason)


async def test_without_a_worker_the_time_is_unknown(availability: AvailabilityWorld) -> None:
    answer = await confirm(availability, within=timedelta(milliseconds=1))
    assert answer.answer is Verdict.UNKNOWN
    assert "worker" in answer.because


async def test_a_product_without_calendars_is_free_and_leaves_no_workflow_running(
    availability: AvailabilityWorld,
) -> None:
    async with availability.world.working():
        answer = await confirm(availability)
        handle = availability.world.client.get_workflow_handle(availability_id(MERCHANT, TOUR.id))
        await handle.result()
    assert (answer.answer, answer.evidence) == (Verdict.YES, ())
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED


@pytest.mark.parametrize(
    ("hours", "within", "said"),
    [(0, 2, "not after the start"), (24 * 40, 2, "31 days"), (1, 0, "within"), (1, 31, "within")],
)
async def test_what_cannot_be_asked_is_named(
    availability: AvailabilityWorld, hours: int, within: int, said: str
) -> None:
    end = TOMORROW + hours * HOUR
    with pytest.raises(InputError, match=said):
        await availability.world.slotsync.confirm(MERCHANT, TOUR.id, TOMORROW, end, within=timedelta(seconds=within))


async def test_an_unknown_product_is_named(availability: AvailabilityWorld) -> None:
    with pytest.raises(InputError, match="product is not known"):
        await availability.world.slotsync.confirm(MERCHANT, "no-such", TOMORROW, TOMORROW + HOUR)
