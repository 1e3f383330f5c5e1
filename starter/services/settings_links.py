"""Signed links to the settings page, and the sessions that they start."""

import hmac
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from secrets import token_urlsafe
from typing import Final, NamedTuple
from urllib.parse import urlencode

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import AwareDatetime
from starlette.requests import Request
from starlette.responses import Response

from slotsync.domain.messages import Message
from slotsync.settings import Settings
from slotsync.signing import create_signer
from slotsync.store.connections.pending_consents import UsedLinks
from slotsync.store.database.engine import Store
from slotsync.store.visits import Visits

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
    ENDED = "ended"


class SignedLink(NamedTuple):
    """The content of a link. It is used ``once``: a name, since one signature has several valid spellings.

    ``made_at`` is by the store's clock: machines have other clocks, and would refuse it as expired, or as
    one of the future.
    """

    merchant: str
    once: str
    made_at: datetime


class SettingsLinks:
    """Creates links and redeems them, each link once."""

    def __init__(self, settings: Settings, store: Store, lifetime: timedelta = LINK_LIFETIME) -> None:
        self._settings = settings
        self._used = UsedLinks(store)
        self._visits = Visits(store)
        self._lifetime = lifetime

    def create(self, merchant: str, target: LinkTarget) -> SettingsLink:
        """Return a new link.

        Raises:
            SettingsError: SLOTSYNC_PUBLIC_URL is not set.
        """
        base = self._settings.require_public_url()
        made_at = self._visits.now()
        signed = self._signer(target).dumps([merchant, token_urlsafe(12), made_at.isoformat()])
        url = f"{base}/{target}?{urlencode({'link': signed})}"
        return SettingsLink(url=url, expires_at=made_at.replace(microsecond=0) + self._lifetime)

    def look(self, signed: str, target: LinkTarget) -> SignedLink | LinkProblem:
        """Return the content of the link, or why it does not work. It is not used by that."""
        found = self._read(signed, target)
        if isinstance(found, LinkProblem):
            return found
        return LinkProblem.USED if self._used.is_used(found.once) else found

    def redeem(self, signed: str, target: LinkTarget) -> SignedLink | LinkProblem:
        """Return the content of the link at its first use, otherwise the reason why the link does not work."""
        found = self._read(signed, target)
        if isinstance(found, LinkProblem):
            return found
        return found if self._used.use(found.once, found.made_at + self._lifetime) else LinkProblem.USED

    def _read(self, signed: str, target: LinkTarget) -> SignedLink | LinkProblem:
        try:
            (merchant, once, *made), signed_at = self._signer(target).loads(signed, return_timestamp=True)
        except BadSignature:
            return LinkProblem.FORGED
        # Links of former versions have the time of their signature alone.
        made_at = datetime.fromisoformat(made[0]) if made else signed_at
        if self._visits.now() - made_at > self._lifetime:
            return LinkProblem.EXPIRED
        if self._visits.are_ended(merchant, made_at):
            return LinkProblem.ENDED
        return SignedLink(str(merchant), str(once), made_at)

    def _signer(self, target: LinkTarget) -> URLSafeTimedSerializer:
        return create_signer(self._settings, f"link:{target}")


class Session(Message):
    """The session of one browser. ``browser`` is its secret; the token in each form is computed from it.

    It began at ``begun_at`` by the store's clock. With ``connects_only`` it began with a link in an e-mail: it may
    connect the same account again, and sees nothing.
    """

    merchant: str
    browser: str
    begun_at: AwareDatetime = datetime.fromtimestamp(0, UTC)  # former versions did not say it
    connects_only: bool = False

    @classmethod
    def begin(cls, merchant: str, allowed_at: datetime, *, connects_only: bool = False) -> "Session":
        """Return a new session by a link that was made at ``allowed_at``. It begins once it is saved."""
        return cls(merchant=merchant, browser=token_urlsafe(24), begun_at=allowed_at, connects_only=connects_only)

    @property
    def form_token(self) -> str:
        """The token in each form of this session, against cross-site request forgery."""
        return _form_token(self.browser)

    @property
    def name(self) -> str:
        """The name of this visit in the audit log, which says nothing of the browser's secret."""
        return hmac.digest(self.browser.encode(), b"name", "sha256").hex()[:12]

    def accepts_form(self, token: str) -> bool:
        """Return whether the token belongs to a form of this session."""
        return hmac.compare_digest(self.form_token.encode(), token.encode())


class Sessions:
    """Sessions stored in signed cookies. A copy of a cookie is as good as the cookie, until the session is over."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._visits = Visits(store)
        self._signer = create_signer(settings, "session")
        self._secure = settings.public_url.startswith("https://")
        self._name = "__Host-slotsync" if self._secure else "slotsync"

    def read(self, request: Request) -> Session | None:
        """Return the session in the request's cookie, which may be over, or None if it is missing or forged."""
        try:
            return Session.model_validate(self._signer.loads(request.cookies.get(self._name, "")))
        except BadSignature:
            return None

    def find(self, request: Request) -> Session | None:
        """Return the session of the request, or None if the cookie is missing or forged, or the session is over."""
        session = self.read(request)
        return None if session is None or self.is_over(session) else session

    def begin(self, response: Response, session: Session) -> bool:
        """Begin the session, and set its cookie; return false if visits were ended since the session was allowed."""
        begun_at = self._visits.begin(session.merchant, session.begun_at)
        if begun_at is None:
            return False
        session = session.model_copy(update={"begun_at": begun_at})
        response.set_cookie(
            self._name,
            str(self._signer.dumps(session.model_dump(mode="json", exclude_defaults=True))),
            max_age=int(SESSION_LIFETIME.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",  # Google redirects the browser back to us from its own site
        )
        return True

    def end(self, session: Session) -> None:
        """End the session, for all that have its cookie."""
        self._visits.sign_out(session.browser, SESSION_LIFETIME)

    def is_over(self, session: Session) -> bool:
        """Return whether the session is too old, was signed out, or was ended with all visits of its merchant."""
        old = self._visits.now() - session.begun_at > SESSION_LIFETIME
        return (
            old
            or self._visits.is_signed_out(session.browser)
            or self._visits.are_ended(session.merchant, session.begun_at)
        )

    def forget(self, response: Response) -> None:
        """Delete the session's cookie."""
        response.delete_cookie(self._name, path="/", secure=self._secure, httponly=True, samesite="lax")

    def begin_opening(self, response: Response) -> str:
        """Return a new token for the form that uses a link, and set the cookie that has to come with it.

        So no other site can open a link in somebody's browser: the cookie never comes with a form of another site.
        """
        secret = token_urlsafe(24)
        response.set_cookie(
            f"{self._name}-opening",
            secret,
            max_age=int(LINK_LIFETIME.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )
        return _form_token(secret)

    def accepts_opening(self, request: Request, token: str) -> bool:
        """Return whether the token belongs to the form that this browser was shown."""
        secret = request.cookies.get(f"{self._name}-opening", "")
        return bool(secret) and hmac.compare_digest(_form_token(secret).encode(), token.encode())


def _form_token(secret: str) -> str:
    return hmac.digest(secret.encode(), b"form", "sha256").hex()
