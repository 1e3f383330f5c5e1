"""The languages of the settings page."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.requests import Request

from slotsync.domain.messages import Message

COOKIE = "slotsync-language"
LANGUAGES = ("en", "fi")
SOURCE = "en"
"""What the templates are written in."""


class Language(Message):
    """How one merchant reads the page."""

    code: str

    @property
    def words(self) -> NullTranslations:
        """The translations."""
        return _words(self.code)

    @property
    def say(self) -> Callable[[str], str]:
        """A text of ours in this language."""
        return self.words.gettext

    def day(self, day: date) -> str:
        """``22 Nov 2026``."""
        return format_date(day, "medium", self._locale)

    def weekday(self, day: date) -> str:
        """``Mon 23 Nov`` or what is usual there."""
        return format_date(day, "EEE d.M." if self.code == "fi" else "EEE d MMM", self._locale)

    def instant(self, moment: datetime) -> str:
        """Date and time, with its zone."""
        return format_datetime(moment, "medium", locale=self._locale) + f" {moment.tzname() or ''}".rstrip()

    def clock(self, moment: time) -> str:
        """``18:30`` or ``18.30``."""
        return format_time(moment, "H.mm" if self.code == "fi" else "HH:mm", locale=self._locale)

    def ago(self, span: timedelta) -> str:
        """``40 seconds ago``."""
        return format_timedelta(-span, granularity="second", threshold=1.5, add_direction=True, locale=self._locale)

    @property
    def _locale(self) -> Locale:
        return Locale.parse(self.code if self.code != SOURCE else "en_GB")


def language_of(request: Request) -> Language:
    """What the merchant chose, else what the browser prefers."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return Language(code=chosen)
    ranked = [part.split(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")]
    return Language(code=negotiate_locale([each for each in ranked if each], LANGUAGES, sep="-") or SOURCE)


@cache
def _words(code: str) -> NullTranslations:
    if code == SOURCE:
        return NullTranslations()
    with files(__package__).joinpath("words", f"{code}.po").open("rb") as source:
        catalog = read_po(source, locale=code)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)
