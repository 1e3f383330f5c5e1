"""Signed links to the settings page, and the sessions that they open."""

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

LIFETIME = timedelta(minutes=10)


class Leads(StrEnum):
    """Where a link leads."""

    SETTINGS = "settings/open"
    CONNECT = "google/connect"


class SettingsLink(Message):
    """A link for one merchant, and until when it works."""

    url: str
    expires_at: datetime


class LinkTrouble(StrEnum):
    """Why a link does not work."""

    FORGED = "forged"
    EXPIRED = "expired"
    USED = "used"


class SettingsLinks:
    """Makes links and takes them back."""

    def __init__(self, settings: Settings, store: Store, lifetime: timedelta = LIFETIME) -> None:
        self._settings = settings
        self._used = UsedLinks(store)
        self._lifetime = lifetime

    def make(self, merchant: str, leads: Leads) -> SettingsLink:
        """A new link; a ``SettingsError`` when nobody said where slotsync is reached."""
        base = self._settings.require_public_url()
        signed = self._signer(leads).dumps([merchant, token_urlsafe(12)])
        url = f"{base}/{leads}?{urlencode({'link': signed})}"
        return SettingsLink(url=url, expires_at=utc_now().replace(microsecond=0) + self._lifetime)

    def follow(self, signed: str, leads: Leads) -> str | LinkTrouble:
        """The merchant whose link it is, for the first who follows it; else what is wrong with it."""
        try:
            (merchant, once), made_at = self._signer(leads).loads(
                signed, max_age=int(self._lifetime.total_seconds()), return_timestamp=True
            )
        except SignatureExpired:
            return LinkTrouble.EXPIRED
        except BadSignature:
            return LinkTrouble.FORGED
        # Known by what is signed: the same signature can be written in several ways.
        return str(merchant) if self._used.use(once, made_at + self._lifetime) else LinkTrouble.USED

    def _signer(self, leads: Leads) -> URLSafeTimedSerializer:
        return signer(self._settings, f"link:{leads}")


def signer(settings: Settings, purpose: str) -> URLSafeTimedSerializer:
    """Signs for one purpose with the newest key, and knows signatures by all of them."""
    keys = [key.get_secret_value() for key in reversed(settings.encryption_keys)]
    return URLSafeTimedSerializer(keys, salt=f"slotsync:{purpose}")


SESSION_LIFETIME: Final = 2 * 60 * 60
"""Seconds."""


class Session(Message):
    """One browser's visit. ``browser`` is a secret that only this browser has, and that every form proves to know."""

    merchant: str
    browser: str

    @classmethod
    def begin(cls, merchant: str) -> "Session":
        """A new visit."""
        return cls(merchant=merchant, browser=token_urlsafe(24))

    @property
    def form_token(self) -> str:
        """What a form of this visit carries, against forged requests."""
        return hmac.digest(self.browser.encode(), b"form", "sha256").hex()

    def wrote(self, token: str) -> bool:
        """Whether a form with this token is ours."""
        return hmac.compare_digest(self.form_token.encode(), token.encode())


class Sessions:
    """Keeps visits in cookies."""

    def __init__(self, settings: Settings) -> None:
        self._signer = signer(settings, "session")
        self._secure = settings.public_url.startswith("https://")
        self._name = "__Host-slotsync" if self._secure else "slotsync"

    def of(self, request: Request) -> Session | None:
        """The visit that the request belongs to; nothing when it is over, or never was."""
        try:
            told = self._signer.loads(request.cookies.get(self._name, ""), max_age=SESSION_LIFETIME)
        except BadSignature:
            return None
        return Session.model_validate(told)

    def keep(self, response: Response, session: Session) -> None:
        """Tells the browser."""
        response.set_cookie(
            self._name,
            str(self._signer.dumps(session.model_dump())),
            max_age=SESSION_LIFETIME,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",  # Google sends the browser back to us from its own site
        )
