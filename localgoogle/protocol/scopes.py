"""The OAuth scopes of Google: their names, and the texts that the consent page shows for them."""

from collections.abc import Iterable
from functools import cache

from localgoogle.protocol.discovery import calendar_v3
from localgoogle.protocol.json_values import as_object, as_text

SCOPE_PREFIX = "https://www.googleapis.com/auth/"
CALENDAR = SCOPE_PREFIX + "calendar"
APP_CREATED = SCOPE_PREFIX + "calendar.app.created"
EVENTS_FREEBUSY = SCOPE_PREFIX + "calendar.events.freebusy"
EVENTS_PUBLIC = SCOPE_PREFIX + "calendar.events.public.readonly"

OPENID = "openid"
EMAIL = SCOPE_PREFIX + "userinfo.email"
PROFILE = SCOPE_PREFIX + "userinfo.profile"
# Google answers with these names where an app asked by the names of OpenID.
_CANONICAL = {"email": EMAIL, "profile": PROFILE}
_SIGN_IN = {
    OPENID: "Associate you with your personal info on Google",
    EMAIL: "See your primary Google Account email address",
    PROFILE: "See your personal info",
}


def canonical_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """Return the scopes under the names that Google answers with."""
    return frozenset(_CANONICAL.get(scope, scope) for scope in scopes)


@cache
def scope_descriptions() -> dict[str, str]:
    """Return all scopes by their canonical names, each with the text that says what it allows an app to do."""
    oauth2 = as_object(as_object(calendar_v3().document["auth"])["oauth2"])
    entries = as_object(oauth2["scopes"])
    return _SIGN_IN | {name: as_text(as_object(entry)["description"]) for name, entry in entries.items()}


def unknown_scopes(requested: Iterable[str]) -> list[str]:
    """Return the requested scopes that Google does not have, in their order."""
    return [scope for scope in requested if canonical_scopes([scope]) - scope_descriptions().keys()]


def sign_in_scopes(scopes: frozenset[str]) -> frozenset[str]:
    """Return the scopes that only identify the user: the consent page has no checkbox for them."""
    return scopes & _SIGN_IN.keys()


def join_scopes(scopes: frozenset[str]) -> str:
    """Return the scopes as a token response lists them: sorted, separated by spaces."""
    return " ".join(sorted(scopes))
