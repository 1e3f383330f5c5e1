"""What crosses Temporal's border is readable by every operator, and kept by its server."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

import activities
import slotsync.domain
import workflows
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message

DEFINITIONS = (
    "__temporal_activity_definition",
    "__temporal_workflow_run",
    "__temporal_signal_definition",
    "__temporal_query_definition",
    "__temporal_update_definition",
)


def crossing_messages() -> dict[str, type[Message]]:
    """Return all types of messages that cross the border, by their names."""
    seen: dict[str, type[Message]] = {}
    for crossing in (*types_of_signatures(), *types_of_message_modules()):
        collect(crossing, seen)
    return seen


def types_of_signatures() -> Iterator[Any]:
    """Yield the types of the inputs and results of all activities, workflows, signals, queries and updates."""
    for module in PARTIES:
        for _, owner in inspect.getmembers(module, inspect.isclass):
            for _, method in inspect.getmembers(owner, inspect.isroutine):
                if any(hasattr(method, name) for name in DEFINITIONS):
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
        "applied_revision calendar_id closing_reason connection_id grant_number lacks_scope left refusal removing"
        " revision shown sync waiting"
    ),
    "ConfirmAnswer": "answer because checked_at parts",
    "ConfirmAnswers": "answers",
    "ConfirmQuestion": "connection_id id span within",
    "ConfirmQuestions": "questions",
    "ConfirmRequest": "interval merchant parts product",
    "ConfirmResult": "answer because checked_at",
    "ConfirmResults": "results",
    "ConnectionPlan": "all_open calendars grant_number kept mail_due messages notices reason since step",
    "ConnectionRequest": "merchant",
    "ConnectionStop": "grant_number merchant now",
    "DisconnectedCalendar": "calendar_id owner",
    "Disconnection": "alive blocked calendars connection_id shared unreadable",
    "DisconnectionEnd": "calendars connection_id grant_ended",
    "DisconnectionResult": "deleted grant_ended left notes out_of_reach shared unblocked",
    "EventKey": "item owner",
    "EventRequest": "key merchant reservation version",
    "Interval": "end start",
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
    "QuestionPart": "interval number question",
    "ReportedVersion": "version",
    "ReservationKey": "merchant reservation",
    "ReservationState": "merchant reservation wave writes",
    "RoundPlan": (
        "blockers closes_at closing_reason debts grant_number max_debounce more needs_calendars "
        "owners starts_at version writes"
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
    "WaveResult": "blocked debts due_at grant_number merchant now reservation settled version",
    "WriteResult": "changed version",
}
"""All fields that cross: ids of the platform and of ours, versions, numbers, times, states and reasons. The ids of the
calendars are of those that slotsync made. ``span`` and ``interval`` are times that bookings would take, not busy times.
``token`` and ``id`` are made up for one request."""


def test_no_content_crosses_temporals_border() -> None:
    crossing = {name: " ".join(sorted(each.model_fields)) for name, each in crossing_messages().items()}
    assert crossing == ALLOWED


def test_an_interval_crosses_only_as_the_time_that_was_asked_about() -> None:
    holders = {
        f"{name}.{field}"
        for name, found in crossing_messages().items()
        for field, info in found.model_fields.items()
        if Interval in (info.annotation, *get_args(info.annotation))
    }
    assert holders == {"ConfirmQuestion.span", "ConfirmRequest.interval", "QuestionPart.interval"}
