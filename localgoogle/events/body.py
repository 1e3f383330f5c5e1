"""Check the body of an event that a client writes, and select the fields to keep."""

from datetime import timedelta

from localgoogle.events.times import normalise_time
from localgoogle.protocol.errors import CalendarApiError, invalid, required
from localgoogle.protocol.json_values import JsonObject, as_list, as_object, as_text, remove_nulls

MAX_KEY_LENGTH = 44
MAX_VALUE_LENGTH = 1024
MAX_PROPERTIES = 300
MAX_PROPERTIES_BYTES = 32 * 1024


def limit_properties(extended: JsonObject) -> JsonObject:
    """Return the properties as Google keeps them: it drops long keys and cuts long values without an error.

    Raises:
        CalendarApiError: ``invalid``, if they are too many or too large.
    """
    kept = {scope: _limit_scope(as_object(extended.get(scope))) for scope in ("private", "shared")}
    pairs = [pair for scope in kept.values() for pair in scope.items()]
    if len(pairs) > MAX_PROPERTIES or sum(len(f"{key}{value}".encode()) for key, value in pairs) > MAX_PROPERTIES_BYTES:
        raise invalid("The extended properties of the event are too large.")
    return {scope: values for scope, values in kept.items() if values}


def _limit_scope(values: JsonObject) -> JsonObject:
    return {key: str(value)[:MAX_VALUE_LENGTH] for key, value in values.items() if key and len(key) <= MAX_KEY_LENGTH}


_DERIVED_FIELDS = frozenset(
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
_MAX_REMINDERS = 5
_MAX_REMINDER_LEAD = timedelta(weeks=4)


def check_body(written: JsonObject) -> JsonObject:
    """Return the fields to keep of a whole event: times normalised, defaults and derived fields left out.

    Raises:
        CalendarApiError: ``invalid`` or ``required``, as Google answers for the field.
    """
    body = remove_nulls(written)
    for name, choices in _CHOICES.items():
        if name in body and body[name] not in choices:
            raise invalid(f"Invalid value for: {name}")
    # Google checks the end before the start.
    times: JsonObject = {"end": normalise_time(body, "end"), "start": normalise_time(body, "start")}
    body |= times | _check_parts(body)
    _check_recurrence_zones(body)
    _check_source(body)
    return {key: value for key, value in body.items() if key not in _DERIVED_FIELDS and _DEFAULTS.get(key) != value}


def _check_parts(body: JsonObject) -> JsonObject:
    return {
        "extendedProperties": limit_properties(as_object(body.get("extendedProperties"))),
        "reminders": _check_reminders(as_object(body.get("reminders"))),
        "attendees": [_check_attendee(as_object(attendee)) for attendee in as_list(body.get("attendees"))],
        "eventType": body.get("eventType", "default"),
    }


def _check_attendee(attendee: JsonObject) -> JsonObject:
    if not as_text(attendee.get("email")):
        raise required("Missing attendee email.")
    if attendee.get("responseStatus", "needsAction") not in _RESPONSES:
        raise invalid("Invalid value for: responseStatus")
    return {"responseStatus": "needsAction", **{k: v for k, v in attendee.items() if k not in {"self", "organizer"}}}


def _check_reminders(reminders: JsonObject) -> JsonObject:
    overrides = [as_object(override) for override in as_list(reminders.get("overrides"))]
    if overrides and reminders.get("useDefault"):
        raise CalendarApiError(
            400, "cannotUseDefaultRemindersAndSpecifyOverride", "Cannot specify both default reminders and overrides.",
            "calendar",
        )  # fmt: skip
    if len(overrides) > _MAX_REMINDERS or not all(map(_is_reminder, overrides)):
        raise invalid("Invalid value for: reminders")
    if not overrides:
        return {"useDefault": reminders.get("useDefault", True)}
    return {"useDefault": False, "overrides": overrides}


def _is_reminder(override: JsonObject) -> bool:
    minutes = override.get("minutes")
    return (
        override.get("method") in {"email", "popup"}
        and isinstance(minutes, int)
        and 0 <= minutes <= _MAX_REMINDER_LEAD // timedelta(minutes=1)
    )


def _check_recurrence_zones(body: JsonObject) -> None:
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
