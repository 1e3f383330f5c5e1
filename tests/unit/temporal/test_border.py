"""What crosses Temporal's border is readable by every operator, and kept by its server."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

from pydantic.fields import FieldInfo

import activities
import slotsync.domain
import starter
import workflows
from slotsync.domain.availability.confirmation import ConfirmAnswer, Verdict
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.questions import ConfirmQuestion, ConfirmRequest
from slotsync.domain.messages import Message

DEFINITIONS = (
    "__temporal_activity_definition",
    "__temporal_workflow_run",
    "__temporal_signal_definition",
    "__temporal_query_definition",
    "_defn",  # of an update
)


def crossing_messages() -> dict[str, type[Message]]:
    """Return all types of messages that today's processes let cross the border, by their names."""
    return collect_all((*types_of_signatures(former=False), *types_of_message_modules()))


def collect_all(types: Iterable[Any]) -> dict[str, type[Message]]:
    seen: dict[str, type[Message]] = {}
    for crossing in types:
        collect(crossing, seen)
    return seen


FORMER = {
    "ProductAvailabilityWorkflow.confirm",
    "ProductAvailabilityWorkflow.confirm_all",
    "ConfirmationActivities.confirm",
}
"""What only processes of former versions call, while a deployment lasts."""


def types_of_signatures(*, former: bool) -> Iterator[Any]:
    """Yield the types of the inputs and results of all activities, workflows, signals, queries and updates."""
    for module in PARTIES:
        for _, owner in inspect.getmembers(module, inspect.isclass):
            for name, method in inspect.getmembers(owner, inspect.isroutine):
                defined = any(hasattr(method, each) for each in DEFINITIONS)
                if defined and (f"{owner.__name__}.{name}" in FORMER) is former:
                    yield from get_type_hints(method).values()


def types_of_message_modules() -> Iterator[type[Message]]:
    for module in DOMAIN:
        if Path(str(module.__file__)).name == "messages.py":
            for _, found in inspect.getmembers(module, inspect.isclass):
                if issubclass(found, Message) and found.__module__ == module.__name__:
                    yield found


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


# Imported before the tests: a library looks for IPv6 while it is imported.
PARTIES = (*modules_of(activities), *modules_of(workflows))
DOMAIN = tuple(modules_of(slotsync.domain))


def collect(crossing: Any, seen: dict[str, type[Message]]) -> None:
    """Add the type, and all types within it."""
    for part in get_args(crossing):
        collect(part, seen)
    if inspect.isclass(crossing) and issubclass(crossing, Message) and crossing.__name__ not in seen:
        seen[crossing.__name__] = crossing
        for field in crossing.model_fields.values():
            collect(field.annotation, seen)


ALLOWED = {
    "AuditRequest": "full merchant owner repair",
    "AuditResult": "complete counts reason repaired told",
    "AvailabilityChangedSignal": "merchant number product",
    "BlockedEvent": "blocker key",
    "Blocker": "health look_again reason",
    "CalendarDeletion": "calendar connection_id merchant",
    "CalendarProgress": "doing health",
    "CalendarRequest": "merchant owner",
    "CalendarState": "merchant owner settles_at",
    "CalendarResult": "due_at grant_number merchant owner reason revision",
    "CalendarStop": "merchant now owner revision",
    "CalendarView": (
        "applied_revision calendar_id closing_reason connection_id grant_number lacks_scope left owed refusal"
        " removing revision shown sync waiting"
    ),
    "ConfirmCall": "merchant parts product",
    "ConfirmCalls": "calls connection_id within",
    "ConnectionPlan": "all_open calendars grant_number kept mail_due messages notices reason since step",
    "ConnectionRequest": "merchant",
    "ConnectionStop": "grant_number merchant now",
    "DisconnectedCalendar": "calendar_id owner",
    "Disconnection": "alive blocked calendars connection_id shared unreadable",
    "DisconnectionEnd": "calendars connection_id grant_ended stopped",
    "DisconnectionResult": "deleted grant_ended left notes out_of_reach shared unblocked",
    "DriftSearch": "full merchant now owner repair",
    "EventKey": "item owner",
    "EventRequest": "key merchant reservation version",
    "Message": "",
    "Owner": "id kind",
    "OwnersRequest": "merchant revision",
    "GrantRequest": "grant_number merchant",
    "RefusalNotice": "grant_number merchant now number",
    "PermitRequest": "merchant now owner",
    "PlannedWrite": "calls connection_id key kind",
    "ProductKey": "merchant product",
    "Progress": "doing health version",
    "Publication": "changed conflicts messages number subscribers",
    "PublishRequest": "merchant product token",
    "QueuePosition": "at position",
    "ReportedVersion": "version",
    "ReservationKey": "merchant reservation",
    "ReservationState": "merchant reservation wave writes",
    "RoundPlan": (
        "blockers closes_at closing_reason debts given_up grant_number max_debounce more needs_calendars "
        "owners seen_due starts_at version writes"
    ),
    "RoundRequest": "after merchant now reservation version",
    "ServedGrant": "grant_number merchant now woken",
    "SignalRequest": "all_open merchant now owner revision",
    "StopRequest": "merchant now reservation version",
    "StopWatchRequest": "merchant now product watched",
    "SweepRequest": "everything",
    "SweepResult": "calendars connections problems products reservations switches",
    "SwitchPlan": "closing_reason revision to_signal",
    "SwitchRequest": "merchant",
    "SwitchStop": "merchant now revision",
    "ViewRequest": "merchant now owner",
    "WaitingWorkRequest": "all_open merchant now",
    "WatchRequest": "calendars merchant product trouble",
    "WatchResult": "blocker calendars changed messages number stopped subscribers trouble",
    "Wave": "after blockers version",
    "WaveResult": "blocked debts due_at grant_number merchant now reservation seen_due settled version",
    "WriteResult": "changed version",
}
"""All fields that cross: ids of the platform and of ours, versions, numbers, times, states and reasons. The ids of the
calendars are of those that slotsync made. ``token``, ``parts`` and ``calls`` are made up for one request."""


def test_no_content_crosses_temporals_border() -> None:
    crossing = {name: " ".join(sorted(each.model_fields)) for name, each in crossing_messages().items()}
    assert crossing == ALLOWED


def test_neither_an_interval_nor_an_answer_about_one_crosses() -> None:
    """Who reads questions and their answers knows the busy times, question by question."""
    crossing = crossing_messages()
    assert not {"Interval", "ConfirmResult", "ConfirmAnswer"} & crossing.keys()
    types = {part for each in crossing.values() for field in each.model_fields.values() for part in parts(field)}
    assert not types & {Interval, Verdict}


def parts(field: FieldInfo) -> Iterator[Any]:
    yield field.annotation
    yield from get_args(field.annotation)


def test_only_processes_of_former_versions_let_questions_cross() -> None:
    former = collect_all(types_of_signatures(former=True)).keys() - crossing_messages().keys()
    assert {each.__name__ for each in (ConfirmQuestion, ConfirmRequest, ConfirmAnswer)} <= former
    calls = [*Path(starter.__path__[0]).rglob("*.py"), *Path(slotsync.__path__[0]).rglob("*.py")]
    called = re.compile(r"ProductAvailabilityWorkflow\.(?!run\b|confirm_calls\b)")
    assert [path.name for path in calls if called.search(path.read_text())] == []
