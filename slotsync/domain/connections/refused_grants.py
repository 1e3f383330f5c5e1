"""Refused grants: who can help, when Google is asked again, and when the platform and the merchant are told."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

DAY: Final = timedelta(days=1)

REFUSED_GRANT_RETENTION: Final = 30 * DAY
"""The time for which a refused grant is kept: a policy may be lifted by then, and a refusal may be a stray one."""

_TRY_AGES: Final = (
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    *(number * DAY for number in range(1, REFUSED_GRANT_RETENTION // DAY + 1)),
)

NOTICE_AGES: Final = tuple(number * DAY for number in (0, 1, 3, 7, 14))
"""The ages of a refusal at which it is told: at once, and in reminders."""


class Helper(StrEnum):
    """The people who can help when Google refuses a grant."""

    MERCHANT = "merchant"
    ADMINISTRATOR = "administrator"
    OWNER = "owner"
    OPERATOR = "operator"


_HELPERS: Final[Mapping[str, Helper]] = {
    "access_denied": Helper.ADMINISTRATOR,
    "admin_policy_enforced": Helper.ADMINISTRATOR,
    "org_internal": Helper.OPERATOR,
    "policy_enforced": Helper.OWNER,
}

_BY_ITSELF: Final = "; then it goes on by itself."

_REMEDIES: Final[Mapping[Helper, str]] = {
    Helper.MERCHANT: "The merchant has to connect Google again, on the settings page.",
    Helper.ADMINISTRATOR: f"The administrator of the Google Workspace has to allow slotsync{_BY_ITSELF}",
    Helper.OWNER: "The account is in Google's Advanced Protection; its owner has to leave it, or allow slotsync.",
    Helper.OPERATOR: "The OAuth client's audience is Internal: the operator has to set it to External.",
}


STOPPED_REMEDY: Final = "An operator has stopped the merchant's connection: slotsync resume MERCHANT."


def find_helper(reason: str | None, *, forgotten: bool = False) -> Helper:
    """Return who can help after Google has refused a grant for this reason.

    Once the grant is ``forgotten``, nobody can give it back, whatever an administrator allows: only a new one helps.
    """
    return Helper.MERCHANT if forgotten else _HELPERS.get(reason or "", Helper.MERCHANT)


def remedy_for(reason: str, *, forgotten: bool = False, stopped: bool = False) -> str:
    """Return who has to do what, in plain words, after Google has refused a grant for this reason.

    While an operator has ``stopped`` the connection, Google is not asked again; a new grant starts it.
    """
    if stopped and not forgotten:
        return f"{STOPPED_REMEDY} {_REMEDIES[find_helper(reason)].replace(_BY_ITSELF, '.')}"
    return _REMEDIES[find_helper(reason, forgotten=forgotten)]


def next_try(since: datetime, now: datetime) -> datetime | None:
    """Return when Google is asked again for a grant that it has refused since then; None once it is forgotten."""
    return _next(_TRY_AGES, since, now)


def count_notices(since: datetime, now: datetime) -> int:
    """Return how many notices of a refusal since then should have been given by now."""
    return sum(since + age <= now for age in NOTICE_AGES)


def next_notice(since: datetime, now: datetime) -> datetime | None:
    """Return when the next reminder is due, None after the last one."""
    return _next(NOTICE_AGES, since, now)


def _next(ages: tuple[timedelta, ...], since: datetime, now: datetime) -> datetime | None:
    return next((since + age for age in ages if since + age > now), None)
