"""The OAuth scopes that an app can ask for, with the words of the consent page."""

from functools import cache

from localgoogle.protocol.discovery import calendar_v3
from localgoogle.protocol.json_values import as_object, as_text
from localgoogle.state.grants import canonical_scopes

EMAIL = "https://www.googleapis.com/auth/userinfo.email"
OPENID = "openid"
_SIGN_IN = {
    OPENID: "Associate you with your personal info on Google",
    EMAIL: "See your primary Google Account email address",
    "https://www.googleapis.com/auth/userinfo.profile": "See your personal info",
}


@cache
def scope_descriptions() -> dict[str, str]:
    """Every scope there is, by its canonical name, with what it lets an app do."""
    oauth2 = as_object(as_object(calendar_v3().document["auth"])["oauth2"])
    ours = {name: as_text(as_object(entry)["description"]) for name, entry in as_object(oauth2["scopes"]).items()}
    return _SIGN_IN | ours


def unknown_scopes(asked: tuple[str, ...]) -> list[str]:
    """Those of the asked scopes that Google does not have."""
    return [scope for scope in asked if canonical_scopes([scope]) - scope_descriptions().keys()]


def sign_in_scopes(scopes: frozenset[str]) -> frozenset[str]:
    """Those that only say who the user is: nobody is asked about them one by one."""
    return scopes & _SIGN_IN.keys()


def join_scopes(scopes: frozenset[str]) -> str:
    """The scopes as an answer lists them."""
    return " ".join(sorted(scopes))
