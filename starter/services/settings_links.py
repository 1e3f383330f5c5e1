"""Signed links to the settings page, and the sessions that they start."""

import hmac
from datetime import datetime, timedelta
from enum import StrEnum
from secrets import token_urlsafe
from typing import Final
from urllib.parse import urlencode

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from slotsync.clock import utc_now
from slotsync.domain.messages import Message
from slotsync.settings import Settings
from slotsync.store.connections.pending_consents import UsedLinks
from slotsync.store.database.engine import Store

LINK_LIFETIME: Final = timedelta(minutes=10)
SESSION_LIFETIME: Final = timedelta(hours=2)


class LinkTarget(StrEnum):
    """The page that a link opens."""

    SETTINGS = "settings/open"
    CONNECT = "google/connect"


class SettingsLink(Message):
    """A link for one merchant, and the time at which it expires."""

    url: str
    expires_at: datetime


class LinkProblem(StrEnum):
    """The reason why a link does not work."""

    FORGED = "forged"
    EXPIRED = "expired"
    USED = "used"


class SettingsLinks:
    """Creates links and redeems them, each link once."""

    def __init__(self, settings: Settings, store: Store, lifetime: timedelta = LINK_LIFETIME) -> None:
        self._settings = settings
        self._used = UsedLinks(store)
        self._lifetime = lifetime

    def create(self, merchant: str, target: LinkTarget) -> SettingsLink:
        """Return a new link.

        Raises:
            SettingsError: SLOTSYNC_PUBLIC_URL is not set.
        """
        base = self._settings.require_public_url()
        signed = self._signer(target).dumps([merchant, token_urlsafe(12)])
        url = f"{base}/{target}?{urlencode({'link': signed})}"
        return SettingsLink(url=url, expires_at=utc_now().replace(microsecond=0) + self._lifetime)

    def redeem(self, signed: str, target: LinkTarget) -> str | LinkProblem:
        """Return the merchant of the link at its first use, otherwise the reason why the link does not work."""
        try:
            (merchant, once), made_at = self._signer(target).loads(
                signed, max_age=int(self._lifetime.total_seconds()), return_timestamp=True
            )
        except SignatureExpired:
            return LinkProblem.EXPIRED
        except BadSignature:
            return LinkProblem.FORGED
        # Identified by its signed content: one signature has several valid spellings.
        return str(merchant) if self._used.use(once, made_at + self._lifetime) else LinkProblem.USED

    def _signer(self, target: LinkTarget) -> URLSafeTimedSerializer:
        return create_signer(self._settings, f"link:{target}")


def create_signer(settings: Settings, purpose: str) -> URLSafeTimedSerializer:
    """Return a serializer for one purpose that signs with the newest key and accepts signatures of all keys."""
    keys = [key.get_secret_value() for key in reversed(settings.encryption_keys)]
    return URLSafeTimedSerializer(keys, salt=f"slotsync:{purpose}")


class Session(Message):
    """The session of one browser. ``browser`` is its secret; the token in each form is computed from it."""

    merchant: str
    browser: str

    @classmethod
    def begin(cls, merchant: str) -> "Session":
        """Return a new session."""
        return cls(merchant=merchant, browser=token_urlsafe(24))

    @property
    def form_token(self) -> str:
        """The token in each form of this session, against cross-site request forgery."""
        return hmac.digest(self.browser.encode(), b"form", "sha256").hex()

    def accepts_form(self, token: str) -> bool:
        """Return whether the token belongs to a form of this session."""
        return hmac.compare_digest(self.form_token.encode(), token.encode())


class Sessions:
    """Sessions stored in signed cookies."""

    def __init__(self, settings: Settings) -> None:
        self._signer = create_signer(settings, "session")
        self._secure = settings.public_url.startswith("https://")
        self._name = "__Host-slotsync" if self._secure else "slotsync"

    def find(self, request: Request) -> Session | None:
        """Return the session of the request, or None if the cookie is missing, forged or expired."""
        cookie = request.cookies.get(self._name, "")
        try:
            content = self._signer.loads(cookie, max_age=int(SESSION_LIFETIME.total_seconds()))
        except BadSignature:
            return None
        return Session.model_validate(content)

    def save(self, response: Response, session: Session) -> None:
        """Set the session's cookie."""
        response.set_cookie(
            self._name,
            str(self._signer.dumps(session.model_dump())),
            max_age=int(SESSION_LIFETIME.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",  # Google redirects the browser back to us from its own site
        )
