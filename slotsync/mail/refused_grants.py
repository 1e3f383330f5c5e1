"""The e-mail that tells a merchant that Google refuses its grant. Nothing in it is about guests or reservations."""

import re
from email.utils import format_datetime
from functools import cache

from babel import Locale
from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from slotsync.clock import utc_now
from slotsync.domain.connections.mails import RefusedGrantMail
from slotsync.domain.connections.refused_grants import REFUSED_GRANT_RETENTION
from slotsync.mail.messages import Mail, compose_mail
from slotsync.mail.reconnect_links import RECONNECT_LINK_LIFETIME
from slotsync.translations import LANGUAGES, SOURCE_LANGUAGE, load_translations


def write_mail(mail: RefusedGrantMail, link: str, sender: str) -> Mail:
    """Return the e-mail, in the merchant's language, with this link. Sent again, it has the same Message-ID."""
    language = mail.language if mail.language and mail.language in LANGUAGES else SOURCE_LANGUAGE
    paragraphs = re.split(r"\n{2,}", _render("refused_grant.txt", language, mail, link).strip())
    subject = _subject(mail, language)
    headers = {
        "Subject": subject,
        "From": sender,
        "To": mail.address,
        "Date": format_datetime(utc_now()),
        "Message-ID": f"<{mail.id}@{sender.rpartition('@')[2]}>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": language,
    }
    text = "\n\n".join(paragraphs) + "\n"
    page = _render("refused_grant.html", language, mail, link, subject=subject, paragraphs=paragraphs)
    return compose_mail(headers, text=text, page=page)


def _subject(mail: RefusedGrantMail, language: str) -> str:
    _ = load_translations("slotsync.mail", language).gettext
    text = _("Google Calendar is no longer connected: %(merchant)s")
    if mail.number > 1:
        text = _("Reminder: Google Calendar is not connected: %(merchant)s")
    return text % {"merchant": mail.name}


def _render(template: str, language: str, mail: RefusedGrantMail, link: str, **more: object) -> str:
    locale = Locale.parse(language if language != SOURCE_LANGUAGE else "en_GB")
    return (
        _load_templates(language)
        .get_template(template)
        .render(
            mail=mail,
            merchant=mail.name,
            link=link,
            language=language,
            since=format_date(mail.since, "long", locale),
            until=format_date(mail.since + REFUSED_GRANT_RETENTION, "long", locale),
            days=RECONNECT_LINK_LIFETIME.days,
            **more,
        )
    )


@cache
def _load_templates(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("slotsync.mail"),
        extensions=["jinja2.ext.i18n"],
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    translations = load_translations("slotsync.mail", language)
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]  # by the extension
    return environment
