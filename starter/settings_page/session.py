"""A visit to the settings page: a signed cookie that says whose page this browser may see."""

import hmac
from secrets import token_urlsafe
from typing import Final

from itsdangerous import BadSignature
from starlette.requests import Request
from starlette.responses import Response

from slotsync.rules.message import Message
from slotsync.settings import Settings
from starter.settings_page.links import signer

LASTS: Final = 2 * 60 * 60
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
            told = self._signer.loads(request.cookies.get(self._name, ""), max_age=LASTS)
        except BadSignature:
            return None
        return Session.model_validate(told)

    def keep(self, response: Response, session: Session) -> None:
        """Tells the browser."""
        response.set_cookie(
            self._name,
            str(self._signer.dumps(session.model_dump())),
            max_age=LASTS,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",  # Google sends the browser back to us from its own site
        )
