"""The methods that open and stop notification channels: events.watch, calendarList.watch and channels.stop."""

import hashlib
import re
from datetime import timedelta
from urllib.parse import quote, urlsplit

from localgoogle.api.call import ApiCall
from localgoogle.protocol.arguments import is_loopback
from localgoogle.protocol.errors import CalendarApiError, invalid, known_error, not_found, required
from localgoogle.protocol.instants import to_micros
from localgoogle.protocol.json_values import JsonObject, as_object, as_text
from localgoogle.state.channels import StoredChannel

_CHANNEL_ID = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}")
_MAX_TOKEN_LENGTH = 256
_MAX_CHANNEL_LIFETIME = timedelta(days=7)
_API = "https://www.googleapis.com/calendar/v3"


def watch_events(call: ApiCall) -> JsonObject:
    """Open a channel for changes in one calendar, and return it."""
    calendar = call.find_calendar()
    if calendar.generated:
        raise known_error("pushNotSupportedForRequestedResource")
    return _open(call, calendar.id, f"{_API}/calendars/{quote(calendar.id)}/events?alt=json")


def watch_list(call: ApiCall) -> JsonObject:
    """Open a channel for changes in the user's list of calendars, and return it."""
    return _open(call, "", f"{_API}/users/me/calendarList?alt=json")


def stop(call: ApiCall) -> None:
    """Close a channel of the same user and the same app."""
    channel = call.google.channels.get(call.caller.client_id, as_text(call.body.get("id")))
    is_own = channel and channel.account == call.caller.email
    if channel is None or not is_own or channel.resource_id != as_text(call.body.get("resourceId")):
        raise not_found()
    call.google.channels.stop(channel)


def _open(call: ApiCall, calendar_id: str, uri: str) -> JsonObject:
    channel_id, address = _read_channel_id(call), _read_address(call)
    token = as_text(call.body.get("token"))
    if len(token) > _MAX_TOKEN_LENGTH:
        raise invalid("Invalid value for: token")
    resource = hashlib.sha256(f"{call.caller.email}\n{calendar_id}".encode()).hexdigest()[:27]
    channel = StoredChannel(
        id=channel_id,
        account=call.caller.email,
        client_id=call.caller.client_id,
        calendar_id=calendar_id,
        resource_id=resource,
        resource_uri=uri,
        address=address,
        token=token,
        expiration=_read_expiration(call),
    )
    call.google.channels.open(channel)
    return _view(channel)


def _view(channel: StoredChannel) -> JsonObject:
    view: JsonObject = {
        "kind": "api#channel",
        "id": channel.id,
        "resourceId": channel.resource_id,
        "resourceUri": channel.resource_uri,
        "expiration": str(channel.expiration),
    }
    return view | ({"token": channel.token} if channel.token else {})


def _read_channel_id(call: ApiCall) -> str:
    channel_id = as_text(call.body.get("id"))
    if not channel_id:
        raise required("Missing channel id.")
    if not _CHANNEL_ID.fullmatch(channel_id):
        raise CalendarApiError(400, "channelIdInvalid", "Invalid channel id.")
    if call.google.channels.get(call.caller.client_id, channel_id):
        raise CalendarApiError(400, "channelIdNotUnique", f"Channel id {channel_id} not unique")
    return channel_id


def _read_address(call: ApiCall) -> str:
    if as_text(call.body.get("type")) not in {"web_hook", "webhook"}:
        raise invalid("Invalid value for: type")
    address = as_text(call.body.get("address"))
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return address
    raise CalendarApiError(400, "push.webhookUrlNotHttps", f"WebHook callback must be HTTPS: {address}")


def _read_expiration(call: ApiCall) -> int:
    """Return the end of the channel in milliseconds since 1970: as the client wants, at most in a week."""
    now = to_micros(call.google.clock()) // 1000
    latest = now + _milliseconds(_MAX_CHANNEL_LIFETIME)
    wanted = _parse_number(as_text(call.body.get("expiration")), "expiration")
    ttl = _parse_number(as_text(as_object(call.body.get("params")).get("ttl")), "ttl")
    requested = [wanted] if wanted else [now + 1000 * ttl] if ttl else []
    if requested and requested[0] <= now:
        raise invalid("Invalid value for: expiration")
    return min([latest, *requested])


def _parse_number(text: str, name: str) -> int:
    if text and not text.isdecimal():
        raise invalid(f"Invalid value for: {name}")
    return int(text or 0)


def _milliseconds(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)
