"""Refusals of events that Google answers for their times, beyond those of a single field."""

from localgoogle.api.call import ApiCall
from localgoogle.protocol.errors import first_with_further, invalid, known_error
from localgoogle.protocol.json_values import as_object, as_text
from localgoogle.state.records import StoredEvent


def check_zones(call: ApiCall) -> None:
    """Check the time zones of the event that the call writes; start before end, as Google answers them.

    Raises:
        CalendarApiError: ``invalid``, with one entry for each of the two times that has a wrong zone.
    """
    wrong = [name for name in ("start", "end") if not call.knows_zone(_zone_name(call, name))]
    if wrong:
        raise first_with_further([invalid(f"Invalid time zone definition for {name} time.") for name in wrong])


def check_duration(call: ApiCall, event: StoredEvent) -> None:
    """Check that the event takes time. Google's own pages can make events without a duration; apps cannot.

    Raises:
        CalendarApiError: ``timeRangeEmpty``, if it ends in the second in which it starts.
    """
    if event.start == event.end and not (call.by_hand or event.cancelled):
        raise known_error("timeRangeEmpty")


def _zone_name(call: ApiCall, name: str) -> str:
    return as_text(as_object(call.body.get(name)).get("timeZone"))
