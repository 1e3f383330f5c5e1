"""What is kept of an event that a client writes, once it was found to be in order."""

from slotsync.sandbox.api_error import ApiError, invalid, required
from slotsync.sandbox.event_times import normalised
from slotsync.sandbox.json_types import JsonObject, as_list, as_object, as_text
from slotsync.sandbox.merging import without_nulls
from slotsync.sandbox.properties import limited

_DERIVED = frozenset(
    [
        "kind",
        "etag",
        "id",
        "status",
        "htmlLink",
        "created",
        "updated",
        "creator",
        "organizer",
        "sequence",
        "hangoutLink",
        "attendeesOmitted",
        "recurringEventId",
        "originalStartTime",
        "privateCopy",
        "locked",
    ]
)
_DEFAULTS: JsonObject = {
    "transparency": "opaque",
    "visibility": "default",
    "anyoneCanAddSelf": False,
    "guestsCanInviteOthers": True,
    "guestsCanModify": False,
    "guestsCanSeeOtherGuests": True,
    "endTimeUnspecified": False,
    "summary": "",
    "description": "",
    "location": "",
    "attendees": [],
    "recurrence": [],
    "attachments": [],
    "extendedProperties": {},
}
_CHOICES = {
    "status": {"confirmed", "tentative", "cancelled"},
    "transparency": {"opaque", "transparent"},
    "visibility": {"default", "public", "private", "confidential"},
    "eventType": {"default", "birthday", "focusTime", "fromGmail", "outOfOffice", "workingLocation"},
}
_RESPONSES = {"needsAction", "declined", "tentative", "accepted"}
_MOST_OVERRIDES = 5
_MOST_MINUTES = 40_320


def kept(written: JsonObject) -> JsonObject:
    """The body to keep of a whole event: checked, times normalised, defaults and derived fields left out."""
    body = without_nulls(written)
    for name, choices in _CHOICES.items():
        if name in body and body[name] not in choices:
            raise invalid(f"Invalid value for: {name}")
    # Google complains of the end before it looks at the start.
    times: JsonObject = {"end": normalised(body, "end"), "start": normalised(body, "start")}
    body |= times | _checked_parts(body)
    _check_recurrence(body)
    _check_source(body)
    return {key: value for key, value in body.items() if key not in _DERIVED and _DEFAULTS.get(key) != value}


def _checked_parts(body: JsonObject) -> JsonObject:
    return {
        "extendedProperties": limited(as_object(body.get("extendedProperties"))),
        "reminders": _reminders(as_object(body.get("reminders"))),
        "attendees": [_attendee(as_object(attendee)) for attendee in as_list(body.get("attendees"))],
        "eventType": body.get("eventType", "default"),
    }


def _attendee(attendee: JsonObject) -> JsonObject:
    if not as_text(attendee.get("email")):
        raise required("Missing attendee email.")
    if attendee.get("responseStatus", "needsAction") not in _RESPONSES:
        raise invalid("Invalid value for: responseStatus")
    return {"responseStatus": "needsAction", **{k: v for k, v in attendee.items() if k not in {"self", "organizer"}}}


def _reminders(reminders: JsonObject) -> JsonObject:
    overrides = [as_object(override) for override in as_list(reminders.get("overrides"))]
    if overrides and reminders.get("useDefault"):
        raise ApiError(
            400, "cannotUseDefaultRemindersAndSpecifyOverride", "Cannot specify both default reminders and overrides.",
            "calendar",
        )  # fmt: skip
    if len(overrides) > _MOST_OVERRIDES or not all(map(_is_reminder, overrides)):
        raise invalid("Invalid value for: reminders")
    if not overrides:
        return {"useDefault": reminders.get("useDefault", True)}
    return {"useDefault": False, "overrides": overrides}


def _is_reminder(override: JsonObject) -> bool:
    minutes = override.get("minutes")
    return override.get("method") in {"email", "popup"} and isinstance(minutes, int) and 0 <= minutes <= _MOST_MINUTES


def _check_recurrence(body: JsonObject) -> None:
    if not as_list(body.get("recurrence")):
        return
    for name in ("start", "end"):
        time = as_object(body[name])
        if "dateTime" in time and "timeZone" not in time:
            raise required(f"Missing time zone definition for {name} time.")


def _check_source(body: JsonObject) -> None:
    url = as_text(as_object(body.get("source")).get("url"))
    if url and not url.startswith(("http://", "https://")):
        raise invalid("Invalid source URL.")
