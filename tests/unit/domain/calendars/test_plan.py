import pytest

from slotsync.domain.calendars.messages import CalendarView
from slotsync.domain.calendars.plan import CalendarStep, next_step
from slotsync.domain.health import NO_CONNECTION, Blocker

CREATE, SIGNAL_CHANGED, UPDATE, SIGNAL, RETIRE = CalendarStep

NEW = CalendarView(sync=True, connection_id="c", revision=1)
IN_STEP = CalendarView(
    sync=True, connection_id="c", calendar_id="g", shown=True, revision=3, applied_revision=3, waiting=False
)
RENAMED = IN_STEP.model_copy(update={"shown": False, "revision": 4})
OFF = IN_STEP.model_copy(update={"sync": False})
REMOVING = OFF.model_copy(update={"removing": True})


def changed(view: CalendarView, **changes: object) -> CalendarView:
    return view.model_copy(update=changes)


@pytest.mark.parametrize(
    ("view", "done", "step"),
    [
        pytest.param(NEW, [], CREATE, id="new: created first"),
        pytest.param(changed(NEW, calendar_id="g"), [CREATE, UPDATE], SIGNAL, id="created: what waits is signalled"),
        pytest.param(IN_STEP, [], None, id="in step: nothing"),
        pytest.param(changed(IN_STEP, shown=False), [], UPDATE, id="another name: updated"),
        pytest.param(changed(IN_STEP, shown=False), [UPDATE], None, id="updated once in a round"),
        pytest.param(RENAMED, [], SIGNAL_CHANGED, id="changed with its name: signalled at once"),
        pytest.param(RENAMED, [SIGNAL_CHANGED], UPDATE, id="signalled at once, also at a further change: updated"),
        pytest.param(RENAMED, [SIGNAL_CHANGED, UPDATE], SIGNAL, id="changed once more: signalled"),
        pytest.param(
            changed(RENAMED, applied_revision=4, waiting=True),
            [SIGNAL_CHANGED, UPDATE],
            SIGNAL,
            id="updated: what waits now is signalled, also after the others",
        ),
        pytest.param(changed(IN_STEP, owed=True), [], None, id="something is owed: looked for each day"),
        pytest.param(changed(IN_STEP, owed=True), [SIGNAL_CHANGED], UPDATE, id="and at once when it is turned on"),
        pytest.param(changed(IN_STEP, revision=4), [], SIGNAL, id="other settings: everyone is signalled"),
        pytest.param(changed(IN_STEP, revision=4), [SIGNAL], None, id="signalled once in a round"),
        pytest.param(changed(IN_STEP, waiting=True), [], SIGNAL, id="something waits: it is signalled"),
        pytest.param(changed(IN_STEP, calendar_id=None), [UPDATE], CREATE, id="deleted in Google: created again"),
        pytest.param(changed(NEW, connection_id=None), [], SIGNAL, id="not connected: reservations learn it"),
        pytest.param(changed(NEW, connection_id=None), [SIGNAL], NO_CONNECTION, id="not connected: no success"),
        pytest.param(changed(IN_STEP, connection_id=None), [], NO_CONNECTION, id="grant lost: no success"),
        pytest.param(changed(IN_STEP, connection_id=None, shown=False), [], NO_CONNECTION, id="a renaming waits"),
        pytest.param(OFF, [], None, id="off: all stays"),
        pytest.param(changed(OFF, connection_id=None), [], None, id="off and not connected: nothing is needed"),
        pytest.param(changed(OFF, revision=4), [], SIGNAL, id="turned off: everyone is signalled"),
        pytest.param(REMOVING, [], RETIRE, id="off with removal: deleted"),
        pytest.param(changed(REMOVING, revision=4), [], RETIRE, id="turned off with removal: deleted at once"),
        pytest.param(changed(REMOVING, revision=4), [RETIRE], SIGNAL, id="then everyone is signalled"),
        pytest.param(changed(REMOVING, revision=4, connection_id=None), [], SIGNAL, id="or at once without a grant"),
        pytest.param(REMOVING, [RETIRE], None, id="a calendar with foreign events stays"),
        pytest.param(changed(REMOVING, calendar_id=None), [], None, id="deleted already"),
        pytest.param(changed(REMOVING, connection_id=None), [], NO_CONNECTION, id="a removal waits for a grant"),
    ],
)
def test_the_next_step_leads_from_what_is_to_what_is_wanted(
    view: CalendarView, done: list[CalendarStep], step: CalendarStep | Blocker | None
) -> None:
    assert next_step(view, done, check_due=False) == step


@pytest.mark.parametrize(
    ("view", "step"), [(IN_STEP, UPDATE), (OFF, None), (changed(IN_STEP, calendar_id=None), CREATE)]
)
def test_a_calendar_is_looked_at_when_that_is_due(view: CalendarView, step: CalendarStep | None) -> None:
    assert next_step(view, [], check_due=True) == step
