"""The languages of the settings page: translations, dates and times."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from gettext import NullTranslations
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from starlette.requests import Request
from starlette.responses import Response

from slotsync.domain.messages import Message
from slotsync.translations import LANGUAGES, SOURCE_LANGUAGE, load_translations

LANGUAGE_COOKIE = "slotsync-language"
LANGUAGE_COOKIE_LIFETIME = timedelta(days=365)

_PAGES: Final = frozenset(
    {
        "/settings/",
        "/settings/changes",
        "/settings/open",
        "/google/callback",
        "/google/connect",
        "/google/reconnect",
        "/google/reconnected",
    }
)
"""The pages that can be shown again in another language, by their addresses."""


class Language(Message):
    """The language of one merchant."""

    code: str

    @property
    def translations(self) -> NullTranslations:
        """The translations from the source language."""
        return load_translations(__package__, self.code)

    @property
    def translate(self) -> Callable[[str], str]:
        """The function that translates a text of the source language."""
        return self.translations.gettext

    def format_day(self, day: date) -> str:
        """Return a date, such as ``22 Nov 2026``."""
        return format_date(day, "medium", self._locale)

    def format_weekday(self, day: date) -> str:
        """Return a date with its day of the week, such as ``Mon 23 Nov``."""
        return format_date(day, "EEE d.M." if self.code == "fi" else "EEE d MMM", self._locale)

    def format_instant(self, moment: datetime) -> str:
        """Return date and time, with the name of the time zone."""
        return format_datetime(moment, "medium", locale=self._locale) + f" {moment.tzname() or ''}".rstrip()

    def format_clock_time(self, moment: time) -> str:
        """Return a time of day, such as ``18:30`` or ``18.30``."""
        return format_time(moment, "H.mm" if self.code == "fi" else "HH:mm", locale=self._locale)

    def format_age(self, age: timedelta) -> str:
        """Return an age, such as ``40 seconds ago``."""
        return format_timedelta(-age, granularity="second", threshold=1.5, add_direction=True, locale=self._locale)

    @property
    def _locale(self) -> Locale:
        return Locale.parse(self.code if self.code != SOURCE_LANGUAGE else "en_GB")


def detect_language(request: Request) -> Language:
    """Return the language that the merchant chose, else the one that the browser prefers."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return Language(code=chosen)
    ranked = [part.split(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")]
    return Language(code=negotiate_locale([each for each in ranked if each], LANGUAGES, sep="-") or SOURCE_LANGUAGE)


def address_of(request: Request) -> str:
    """Return path and query of the page that is shown, for the links to other languages."""
    return urlunsplit(("", "", request.url.path, request.url.query, "")) if request.method == "GET" else ""


def read_address(text: str) -> str:
    """Return the address of the page on which a language was chosen; the settings if it is none of these pages."""
    parts = urlsplit(text)
    return urlunsplit(parts) if parts.path in _PAGES and not (parts.scheme or parts.netloc) else "/settings/"


def is_chosen(request: Request) -> bool:
    """Return whether a language was chosen in this browser."""
    return LANGUAGE_COOKIE in request.cookies


def remember_language(response: Response, code: str) -> None:
    """Remember the language in a cookie."""
    response.set_cookie(
        LANGUAGE_COOKIE,
        code,
        max_age=int(LANGUAGE_COOKIE_LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
    )
