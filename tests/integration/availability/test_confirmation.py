import asyncio
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select
from temporalio.client import WorkflowExecutionStatus

from slotsync.domain.availability.confirmation import Confirmation, Verdict
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.workflow_ids import availability_id
from slotsync.errors import InputError
from slotsync.store.availability.confirmations import Confirmations
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.tables.availability import ConfirmationRow
from starter.services.connections import ConnectionService
from tests.support.availability_webhooks import HOUR, TOMORROW
from tests.support.availability_world import AvailabilityWorld
from tests.support.exported_histories import export_histories
from tests.support.samples import EMAIL, MERCHANT, TOUR, settings_of
from tests.support.world import World

pytestmark = pytest.mark.anyio

CONFIRM_TIMEOUT = timedelta(seconds=20)
"""So that an answer does not depend on how busy the machine is."""


async def confirm(availability: AvailabilityWorld, hours: int = 0, within: timedelta = CONFIRM_TIMEOUT) -> Confirmation:
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


async def test_the_evidence_is_in_the_store_until_the_merchant_disconnects(availability: AvailabilityWorld) -> None:
    world = availability.world
    async with world.working():
        await availability.block(EMAIL)
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        await confirm(availability)
        history = await world.client.get_workflow_handle(availability_id(MERCHANT, TOUR.id)).fetch_history()
        (kept,) = stored_confirmations(world)
        stored = Confirmations(world.store, world.vault).get_answers([kept.id])[kept.id]
        await ConnectionService(world.settings, world.store, world.vault, world.client).disconnect(
            MERCHANT, CalendarChoice.KEEP
        )
    assert (kept.product, kept.answer, "Picked" in str(kept)) == (TOUR.id, "", False)
    assert stored.answer is Verdict.NO
    assert [(each.calendar, [span.start for span in each.busy]) for each in stored.evidence] == [("Picked", [TOMORROW])]
    assert b"Picked" not in history.to_json().encode()
    assert [(each.question, each.evidence) for each in stored_confirmations(world)] == [(None, None)]


async def test_temporal_does_not_show_which_times_were_asked_about_nor_which_are_busy(
    availability: AvailabilityWorld,
) -> None:
    world = availability.world
    async with world.working():
        await availability.block(EMAIL)
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        answers = [await confirm(availability, hours) for hours in (-1, 0, 1)]
        histories = await export_histories(world.client)
    (whole,) = (each for name, each in histories.items() if name.startswith(availability_id(MERCHANT, TOUR.id)))
    assert [each.answer for each in answers] == [Verdict.YES, Verdict.NO, Verdict.YES]
    assert whole.count('"confirm_calls"') == 3
    times = {TOMORROW + hours * HOUR for hours in (-1, 0, 1, 2)}
    assert not [each for each in times if each.isoformat()[:16] in whole]
    assert not [each for each in ('"no"', '"yes"', "busy, by", "free, by") if each in whole]


def stored_confirmations(world: World) -> list[ConfirmationRow]:
    with world.store.read() as session:
        return [*session.exec(select(ConfirmationRow))]


async def test_its_call_counts_against_the_quota_of_the_account(availability: AvailabilityWorld) -> None:
    world = availability.world
    async with world.working():
        await availability.block(EMAIL)
        await confirm(availability)
        history = await world.client.get_workflow_handle(availability_id(MERCHANT, TOUR.id)).fetch_history()
    scheduled = [each.activity_task_scheduled_event_attributes for each in history.events]
    keys = {each.priority.fairness_key for each in scheduled if each.activity_type.name == "confirm_parts"}
    assert keys == {Connections(world.store, world.vault).get_id(MERCHANT)}


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


async def test_what_google_answers_instead_is_the_reason_for_which_a_time_is_unknown(
    availability: AvailabilityWorld,
) -> None:
    reasons = ("quotaExceeded", "accessNotConfigured", "notACalendarUser", "forbidden", "conflict", "backendError")
    answers = {}
    async with availability.world.working():
        await availability.block(EMAIL)
        await confirm(availability)
        for reason in (*reasons, "insufficientPermissions"):
            await availability.world.fault(method="freebusy.query", kind=reason, probability=1)
            answers[reason] = await confirm(availability, within=timedelta(seconds=3))
            await availability.world.heal()
    assert {answer.answer for answer in answers.values()} == {Verdict.UNKNOWN}
    assert [answer.because for answer in answers.values()] == [f"Google did not say it: {each}" for each in answers]
    assert {answer.checked_at for answer in answers.values()} == {None}


async def test_a_long_time_is_read_in_pieces_and_one_busy_piece_decides(availability: AvailabilityWorld) -> None:
    world = availability.world
    async with world.working():
        await availability.block(EMAIL)
        start, days = TOMORROW.date(), timedelta(days=200)
        free = await world.slotsync.confirm(MERCHANT, TOUR.id, start, start + days, within=CONFIRM_TIMEOUT)
        busy_at = TOMORROW + timedelta(days=150)
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        await availability.busy(busy_at, busy_at + HOUR)
        taken = await world.slotsync.confirm(MERCHANT, TOUR.id, start, start + days, within=CONFIRM_TIMEOUT)
    assert (free.answer, [each.busy for each in free.evidence]) == (Verdict.YES, [()])
    assert (taken.answer, len(taken.evidence)) == (Verdict.NO, 1)
    assert [each.start for each in taken.evidence[0].busy] == [TOMORROW, busy_at]


async def test_forty_questions_at_once_take_a_few_calls_and_each_has_its_own_answer(
    availability: AvailabilityWorld,
) -> None:
    world = availability.world
    async with world.working():
        await availability.block(EMAIL)
        await availability.busy(TOMORROW + 20 * HOUR, TOMORROW + 30 * HOUR)
        await confirm(availability)
        before = await availability.count_calls("freebusy.query")
        await world.fault(method="freebusy.query", kind="slow", seconds=1, count=1000)
        answers = await asyncio.gather(*(confirm(availability, hours=hour) for hour in range(40)))
        await world.heal()
        calls = await availability.count_calls("freebusy.query") - before
    assert [each.answer for each in answers] == [Verdict.YES] * 20 + [Verdict.NO] * 10 + [Verdict.YES] * 10
    assert all(len(each.evidence) == 1 for each in answers)
    assert calls < 10


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
    [(0, 2, "not after the start"), (24 * 551, 2, "550 days"), (1, 0, "within"), (1, 31, "within")],
)
async def test_what_cannot_be_asked_is_named(
    availability: AvailabilityWorld, hours: int, within: int, said: str
) -> None:
    end = TOMORROW + hours * HOUR
    with pytest.raises(InputError, match=said):
        await availability.world.slotsync.confirm(MERCHANT, TOUR.id, TOMORROW, end, within=timedelta(seconds=within))


@pytest.mark.parametrize("days", [(-1, 1), (-2, -1), (-1, 0)])
async def test_what_begins_before_today_cannot_be_confirmed(
    availability: AvailabilityWorld, days: tuple[int, int]
) -> None:
    today = datetime.now(ZoneInfo("Europe/Helsinki")).date()
    first, last = (today + timedelta(days=each) for each in days)
    with pytest.raises(InputError, match="start is in the past"):
        await availability.world.slotsync.confirm(MERCHANT, TOUR.id, first, last)


async def test_an_unknown_product_is_named(availability: AvailabilityWorld) -> None:
    with pytest.raises(InputError, match="product is not known"):
        await availability.world.slotsync.confirm(MERCHANT, "no-such", TOMORROW, TOMORROW + HOUR)


@pytest.mark.parametrize("workflow_id", ["", "a\x00b", "x" * 1001, "line\nbreak"])
async def test_what_no_workflow_can_be_called_is_no_subscriber(
    availability: AvailabilityWorld, workflow_id: str
) -> None:
    with pytest.raises(InputError, match="workflow_id"):
        await availability.world.slotsync.subscribe(MERCHANT, TOUR.id, workflow_id)
