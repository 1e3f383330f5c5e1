"""The words for entries of the audit log, as merchants read them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from slotsync.domain.audit import (
    CONNECTION,
    DEFAULTS,
    DISCONNECTION,
    NOT_RECORDED,
    SWITCH,
    WHOLE_MERCHANT,
    Actor,
    ActorKind,
    AuditAction,
    AuditDetail,
    AuditValue,
)
from slotsync.domain.calendars.owner import Owner, OwnerKind

Translate = Callable[[str], str]

_SHOWN_VALUES: Final[Mapping[str, frozenset[str]]] = {
    AuditAction.CALENDARS_PICKED: frozenset({"calendars", "added", "removed"}),
    AuditAction.GRANT_REFUSED: frozenset({"reason"}),
    AuditAction.MESSAGE_SKIPPED: frozenset({"reason"}),
    AuditAction.DISCONNECTED: frozenset({"calendars"}),
    AuditAction.DRIFT_ANSWERED: frozenset({"reservation", "answer"}),
}
"""The values that are shown of an action; of changed settings and details, all of them."""

_UNNAMED_KEY: Final = re.compile(r"(key-\d+)?")
"""The name of a key to which the operator gave none: its number says nothing to merchants."""

_ALL_SHOWN: Final = frozenset({AuditAction.SETTINGS_CHANGED.value, AuditAction.MERCHANT_CHANGED.value})


@dataclass(frozen=True)
class ValueWords:
    """A value before and after a change; ``before`` is empty if there was none."""

    label: str
    before: str
    after: str


def name_subject(_: Translate, subject: str, names: Mapping[str, str]) -> str:
    """Return the name of a subject; ``names`` are those of products and resources, such as ``product:tour``."""
    if subject == WHOLE_MERCHANT:
        return _("everything")
    if subject == CONNECTION:
        return _("the connection to Google")
    if subject == DISCONNECTION:
        return _("deleting our calendars in Google (those that are left stay)")
    if subject == SWITCH:
        return _("turning everything on or off")
    kind, _colon, rest = subject.partition(":")
    if kind == "reservation":
        return _("reservation %(id)s") % {"id": rest}
    owner = find_owner(subject)
    return names.get(str(owner), owner.id) if owner else rest


def find_owner(subject: str) -> Owner | None:
    """Return the product or resource that a subject is or belongs to, None if it belongs to none."""
    kind, _colon, rest = subject.partition(":")
    owner = {"calendar": rest, "availability": f"product:{rest}"}.get(kind, subject)
    kind, _colon, owner_id = owner.partition(":")
    return Owner(kind=OwnerKind(kind), id=owner_id) if kind in [*OwnerKind] else None


def describe_action(_: Translate, action: str, subject: str, detail: AuditDetail | None) -> str:
    """Return what was done to the subject with this name."""
    if action == AuditAction.SETTINGS_CHANGED and detail and not detail.before:
        return _("%(name)s was added") % {"name": subject}
    if action == AuditAction.GRANT_GIVEN and detail and detail.after.get("other_account"):
        return _("Another Google account was connected")
    texts: Mapping[str, str] = {
        AuditAction.MERCHANT_CHANGED: _("Your details"),
        AuditAction.SETTINGS_CHANGED: _("Settings of %(name)s"),
        AuditAction.SETTINGS_DELETED: _("%(name)s was removed"),
        AuditAction.CALENDARS_PICKED: _("Calendars that close times for %(name)s"),
        AuditAction.GRANT_GIVEN: _("Google was connected"),
        AuditAction.GRANT_REFUSED: _("Google no longer gives us access."),
        AuditAction.GRANT_RESTORED: _("Google gives us access again"),
        AuditAction.GRANT_FORGOTTEN: _("The key to Google was deleted: Google had refused it for 30 days"),
        AuditAction.DISCONNECTED: _("Google was disconnected"),
        AuditAction.VISITS_ENDED: _("All visits of this page were ended"),
        AuditAction.WORK_STOPPED: _("Updates were stopped: %(name)s"),
        AuditAction.WORK_RESUMED: _("Updates go on: %(name)s"),
        AuditAction.MESSAGES_RESENT: _("Messages to your booking system were sent again"),
        AuditAction.MESSAGE_SKIPPED: _("A message to your booking system was left out"),
        AuditAction.DRIFT_ANSWERED: _("What was changed in Google was decided: %(name)s"),
        AuditAction.KEYS_ROTATED: _("What is stored was encrypted with a new key"),
        AuditAction.ERASED: _("Everything was erased: %(name)s"),
        AuditAction.GUESTS_ERASED: _("What was said of guests was erased: %(name)s"),
    }
    text = texts.get(action, action)
    return text % {"name": subject} if "%(name)s" in text else text


def describe_values(_: Translate, action: str, detail: AuditDetail) -> Iterator[ValueWords]:
    """Yield the values that changed; of a new product or resource none."""
    if action in _ALL_SHOWN and not detail.before:
        return
    shown = detail.after.keys() if action in _ALL_SHOWN else _SHOWN_VALUES.get(action, frozenset())
    for name, value in detail.after.items():
        if name in shown:
            in_words = _answer if name == "answer" else _value
            before = in_words(_, detail.before[name]) if name in detail.before else ""
            yield ValueWords(_label(_, name), before, in_words(_, value))


def describe_actor(_: Translate, by: Actor, visit: str) -> str:
    """Return who it was: this ``visit``, another one, the booking system, a command, an operator, or Google."""
    if by.kind is ActorKind.VISIT:
        address = {"address": by.address}
        return _("You, in this visit") if by.name == visit else _("On this page, from %(address)s") % address
    if by.kind is ActorKind.KEY and _UNNAMED_KEY.fullmatch(by.name):
        return _("Your booking system")
    if by.kind is ActorKind.KEY:
        return _("Your booking system, with the key %(key)s") % {"key": by.name}
    return {
        ActorKind.PROGRAM: _("slotsync's command line, or a program of your booking system"),
        ActorKind.OPERATOR: _("An operator"),
        ActorKind.GOOGLE: "Google",
    }.get(by.kind, "slotsync")


def _label(_: Translate, name: str) -> str:
    if name.startswith(DEFAULTS):
        return _("New products: %(setting)s") % {"setting": _label(_, name.removeprefix(DEFAULTS))}
    return {
        "name": _("Name"),
        "language": _("Language"),
        "return_url": _("Where you go back to from Google"),
        "email": _("Address for notices"),
        "logo_url": _("Picture in notices"),
        "on_drift": _("What happens to events that people change in Google"),
        "time_zone": _("Time zone"),
        "sync": _("On or off"),
        "remove_events": _("Remove entries while it is off"),
        "guest_data": _("What entries show about your guests"),
        "on_unknown": _("When a calendar cannot be read"),
        "pad_before_minutes": _("Minutes kept free before your appointments"),
        "pad_after_minutes": _("Minutes kept free after your appointments"),
        "free_calendars_needed": _("Calendars that have to be free"),
        "calendars": _("Calendars"),
        "added": _("Added"),
        "removed": _("Removed"),
        "reason": _("Reason"),
        "reservation": _("Booking"),
        "answer": _("Answer"),
    }.get(name, name)


def _answer(_: Translate, value: AuditValue) -> str:
    return {"keep": _("Keep it as it is"), "repair": _("Put ours back")}.get(str(value), str(value))


def _value(_: Translate, value: AuditValue) -> str:
    if isinstance(value, bool):
        return _("On") if value else _("Off")
    if value is None:
        return "–"  # noqa: RUF001  an en dash
    hours = str(value).removeprefix("last_known:")
    if hours != str(value):
        return f"{_('Use the last known times, for at most this many hours:')} {hours}"
    return {
        "full": _("Everything"),
        "limited": _("The booking's title, no contact details"),
        "busy": _("Only that it is reserved"),
        "block": _("Close those times"),
        "sell": _("Keep selling"),
        "keep": _("stay in Google Calendar, as they are"),
        NOT_RECORDED: _("(not recorded)"),
        "delete": _("are deleted; from one with entries of your own, only ours are"),
    }.get(str(value), str(value))
