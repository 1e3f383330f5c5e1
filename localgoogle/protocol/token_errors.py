"""Errors of the token endpoints in Google's JSON, and the reasons for which Google refuses a refresh token."""

from collections.abc import Mapping

from localgoogle.protocol.json_values import JsonObject


class TokenError(Exception):
    """An error of the endpoints for tokens. ``subtype`` is Google's own field beside those of RFC 6749."""

    def __init__(self, error: str, description: str, status: int = 400, subtype: str = "") -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status
        self.subtype = subtype

    def body(self) -> JsonObject:
        """Return the error as Google's JSON."""
        body: JsonObject = {"error": self.error, "error_description": self.description}
        return body | ({"error_subtype": self.subtype} if self.subtype else {})


EXPIRED_OR_REVOKED = "Token has been expired or revoked."
_NO_ACCESS = "The account cannot grant access"
_DESCRIPTIONS: Mapping[str, str] = {
    "access_denied": "Account restricted",
    "admin_policy_enforced": f"{_NO_ACCESS}: the administrator of its organization does not allow it.",
    "deleted_client": "The OAuth client was deleted.",
    "disabled_client": "The OAuth client was disabled.",
    "invalid_client": "The OAuth client was not found.",
    "invalid_grant": EXPIRED_OR_REVOKED,
    "org_internal": f"{_NO_ACCESS}: the app is for accounts of one organization only.",
    "policy_enforced": f"{_NO_ACCESS}: it is in the Advanced Protection Program.",
    "unauthorized_client": "Unauthorized",
}
_SUBTYPES: Mapping[str, str] = {
    "invalid_rapt": "reauth related error (invalid_rapt)",
    "rapt_required": "reauth related error",
}
_UNAUTHORIZED = frozenset({"deleted_client", "disabled_client", "invalid_client", "unauthorized_client"})
TOKEN_REASONS = frozenset(_DESCRIPTIONS) | frozenset(_SUBTYPES)
"""The reasons for which the token endpoint can be made to refuse a refresh token."""


def known_token_error(reason: str, status: int | None = None) -> TokenError:
    """Return Google's error for this reason; the subtypes of ``invalid_grant`` are reasons of their own.

    Raises:
        KeyError: ``reason`` is not one of TOKEN_REASONS.
    """
    if reason in _SUBTYPES:
        return TokenError("invalid_grant", _SUBTYPES[reason], status or 400, reason)
    return TokenError(reason, _DESCRIPTIONS[reason], status or (401 if reason in _UNAUTHORIZED else 400))
